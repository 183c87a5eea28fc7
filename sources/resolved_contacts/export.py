"""Resolved contacts as a CSV file: one line a person, in the order of the list."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from core import formatting
from imports.csv_output import line
from sources.resolved_contacts.listing import KINDS, Person, ResolvedQuery, every

HEADER = (
    "contact_id", "external_id", "first_name", "last_name", "email", "email_status", "phone", "phone_status", "country",
    "first_visit", "last_visit", "pages", "visits", "seconds", "new_or_returning", "funnel_stage", "sources",
    "matched_by", "matched_at",
)  # fmt: skip
# People that are read at a time.
BATCH = 1_000


def lines(query: ResolvedQuery, *, now: datetime) -> Iterator[str]:
    """Lines of CSV; cells that a spreadsheet would take for formulas are made safe. Runs in the caller's context."""
    yield line(HEADER)
    for people in every(query, now=now, size=BATCH):
        for person in people:
            yield line(_cells(person))


def _cells(person: Person) -> list[str]:
    contact, visit = person.contact, person.visit
    own = (
        contact.pk, contact.external_id, contact.first_name, contact.last_name, contact.email, contact.email_status,
        contact.phone, contact.phone_status, contact.country,
    )  # fmt: skip
    kind = KINDS["returning" if person.returning else "new"]
    return [
        *(formatting.stored(value) for value in own),
        _moment(visit.first_seen), _moment(visit.last_seen),
        str(visit.views), str(visit.visits), str(visit.seconds), kind, person.stage,
        ", ".join(name for _pk, name in person.sources), visit.matched_by or "", _moment(visit.matched_at),
    ]  # fmt: skip


def _moment(at: datetime | None) -> str:
    """By the clock of the workspace, to the second."""
    return timezone.localtime(at).isoformat(timespec="seconds") if at else ""
