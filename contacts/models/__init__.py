from contacts.models.attribute import Attribute
from contacts.models.bin import Withdrawn
from contacts.models.blacklist import BlacklistEntry, PlatformBlock
from contacts.models.bulk import BulkAction, BulkItem, BulkState
from contacts.models.change import Change, News
from contacts.models.consent import Category, ConsentRecord
from contacts.models.contact import Contact, EmailStatus, Origin, PhoneStatus
from contacts.models.merge import Alias, Merge
from contacts.models.probable import Decision, ProbableKey, ProbablePair, ProbableSearch, SearchState
from contacts.models.signup import SignupForm
from contacts.models.turn import Suppression, Turn

__all__ = [
    "Alias", "Attribute", "BlacklistEntry", "BulkAction", "BulkItem", "BulkState", "Category", "Change", "ConsentRecord",
    "Contact", "Decision", "EmailStatus", "Merge", "News", "Origin", "PhoneStatus", "PlatformBlock", "ProbableKey",
    "ProbablePair", "ProbableSearch", "SearchState", "SignupForm", "Suppression", "Turn", "Withdrawn",
]  # fmt: skip
