"""Entries of the activity of a contact: the shape that all apps give them, and those of changes by people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import keyset
from tenants import audit
from tenants.models import AuditEntry

LABEL = "Changes"
MOST_CHANGES = 3


@dataclass(frozen=True)
class Cursor:
    """The place behind which entries go on: earlier ones, and of the same moment those with a lower number (None: all)."""

    at: datetime
    number: int | None


@dataclass(frozen=True)
class Entry:
    """One entry. `number` tells those of one moment apart; what an event of a visitor says is made from `event` itself, of
    all others `text`, `subject` and `more` say it, and `aside` where it is from, perhaps an import."""

    at: datetime
    number: int
    icon: str = ""
    text: str = ""
    subject: str = ""
    more: str = ""
    aside: str = ""
    import_id: int | None = None
    event: Any = None


def latest(contact_id: int, *, behind: Cursor | None, count: int) -> list[Entry]:
    """What people have done to the contact, the latest first: entries of the audit log."""
    entries = _about(contact_id)
    if behind is not None:
        entries = entries.filter(keyset.beyond("at", behind.at, behind.number))
    rows = entries.select_related("user").order_by("-at", "-pk")[:count]
    return [_entry(audit.format_entry(row)) for row in rows]


def count(contact_id: int) -> int:
    """How many changes there were."""
    return int(_about(contact_id).count())


def _about(contact_id: int) -> Any:
    return AuditEntry.objects.filter(object=f"contact {contact_id}")


def _entry(shown: audit.Shown) -> Entry:
    changes = [f"{c.name}: {c.before} → {c.after}" for c in shown.changes[:MOST_CHANGES]]
    more = f" and {len(shown.changes) - MOST_CHANGES} more" if len(shown.changes) > MOST_CHANGES else ""
    who = shown.entry.user.display_name if shown.entry.user else ""
    return Entry(shown.entry.at, shown.entry.pk, "pencil", "", shown.what, ", ".join(changes) + more, who)
