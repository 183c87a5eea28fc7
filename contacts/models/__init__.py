from contacts.models.attribute import Attribute
from contacts.models.bin import Withdrawn
from contacts.models.bulk import BulkAction, BulkItem, BulkState
from contacts.models.change import Change, News
from contacts.models.contact import Contact, EmailStatus, Origin, PhoneStatus
from contacts.models.merge import Alias, Merge
from contacts.models.probable import Decision, ProbableKey, ProbablePair, ProbableSearch, SearchState
from contacts.models.turn import Suppression, Turn

__all__ = [
    "Alias", "Attribute", "BulkAction", "BulkItem", "BulkState", "Change", "Contact", "Decision", "EmailStatus", "Merge",
    "News", "Origin", "PhoneStatus", "ProbableKey", "ProbablePair", "ProbableSearch", "SearchState", "Suppression", "Turn",
    "Withdrawn",
]  # fmt: skip
