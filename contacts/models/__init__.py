from contacts.models.attribute import Attribute
from contacts.models.blacklist import BlacklistEntry, PlatformBlock
from contacts.models.bulk import BulkAction, BulkItem, BulkState
from contacts.models.change import Change, News
from contacts.models.consent import Category, ConsentRecord
from contacts.models.contact import Contact, EmailStatus, Origin, PhoneStatus
from contacts.models.linkage import Decision, ProbableKey, ProbablePair, ProbableSearch, SearchState
from contacts.models.merge import Alias, Merge
from contacts.models.signup import SignupForm
from contacts.models.withdrawn import Withdrawn
from contacts.models.write_lock import Suppression, Turn

__all__ = [
    "Alias", "Attribute", "BlacklistEntry", "BulkAction", "BulkItem", "BulkState", "Category", "Change", "ConsentRecord",
    "Contact", "Decision", "EmailStatus", "Merge", "News", "Origin", "PhoneStatus", "PlatformBlock", "ProbableKey",
    "ProbablePair", "ProbableSearch", "SearchState", "SignupForm", "Suppression", "Turn", "Withdrawn",
]  # fmt: skip
