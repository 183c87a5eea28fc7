from contacts.models.attribute import Attribute
from contacts.models.blacklist import BlacklistEntry, PlatformBlock
from contacts.models.bulk import BulkAction, BulkItem, BulkState, ItemState
from contacts.models.change import Change, ChangeBatch, QueuedChange, SilentChange, WatchedCause
from contacts.models.consent import Category, ConsentPurpose, ConsentRecord
from contacts.models.contact import DELETION_REASONS, Contact, EmailStatus, Origin, PhoneStatus, StatusReason
from contacts.models.linkage import Decision, ProbableKey, ProbablePair, ProbableSearch, SearchState
from contacts.models.merge import Alias, Merge
from contacts.models.signup import SignupForm
from contacts.models.withdrawn import UndoArchive
from contacts.models.write_lock import Suppression, WriteLock

__all__ = [
    "DELETION_REASONS",
    "Alias",
    "Attribute",
    "BlacklistEntry",
    "BulkAction",
    "BulkItem",
    "BulkState",
    "Category",
    "Change",
    "ChangeBatch",
    "ConsentPurpose",
    "ConsentRecord",
    "Contact",
    "Decision",
    "EmailStatus", "ItemState",
    "Merge",
    "Origin",
    "PhoneStatus",
    "PlatformBlock",
    "ProbableKey",
    "ProbablePair",
    "ProbableSearch",
    "QueuedChange",
    "SearchState",
    "SignupForm",
    "SilentChange",
    "StatusReason",
    "Suppression",
    "UndoArchive",
    "WatchedCause",
    "WriteLock",
]  # fmt: skip
