"""What a sync would send, before it sends anything: figures, and ten people with what a network would see of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from audiences import contact_lists
from audiences.contact_lists import ContactList
from destinations import difference, eligibility, kinds, told
from destinations.difference import Difference
from destinations.models import Destination, Sync
from destinations.normal_forms import Identifier
from tenants.isolation.statements import fetch, fill, hash_joins

SAMPLE = 10

# The next people of a list who would be sent.
FIRST = """
SELECT d.id FROM ({desired}) d WHERE d.id > %(after)s ORDER BY d.id LIMIT %(most)s"""
# How many of those who would be sent have each kind of identifier.
HAVE = """
SELECT count(*), count(c.email), count(c.phone), count(c.external_id), count(*) FILTER (WHERE c.first_name IS NOT NULL
  AND c.last_name IS NOT NULL AND c.country IS NOT NULL AND c.attributes ->> 'postal_code' IS NOT NULL),
  count(*) FILTER (WHERE c.email IS NOT NULL OR c.phone IS NOT NULL)
FROM ({desired}) d JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = d.id"""


class Sample(NamedTuple):
    """One person: who, and the identifiers as the destination would see them (value → normal form → what is sent)."""

    contact_id: int
    name: str
    identifiers: Sequence[Identifier]


@dataclass(frozen=True)
class Review:
    """Figures of a sync. `size` = `sent` + the sum of `left_out` (reason, label, how many). `have`: how many of those who
    may be sent have each identifier (label, how many). `added`, `removed`: what the next run would do; a whole page of
    destinations.difference means so many at least."""

    size: int
    sent: int
    left_out: Sequence[tuple[str, str, int]]
    have: Sequence[tuple[str, int]]
    added: int
    removed: int
    samples: Sequence[Sample] = field(default_factory=tuple)


def of(sync: Sync, destination: Destination, *, after: int = 0) -> Review:
    """The review of a sync, in about a second for each million people of its list. `after`: the last contact that was
    shown as a sample."""
    at = Difference.of(sync, destination)
    figures = at.account() if contact_lists.find(ContactList(sync.list_kind, sync.list_id)) else {}
    told_now, to_tell = figures.pop("", 0), figures.pop("waiting", 0)
    left_out = [(key, label, figures[key]) for key, label in eligibility.REASONS.items() if figures.get(key)]
    with hash_joins():
        total, email, phone, external, address, any_of = fetch(fill(HAVE, desired=at.desired()))[0]
    have = [("E-mail", email), ("Phone", phone), ("Name and address", address), ("External ID", external)]
    size = told_now + to_tell + sum(figures.values())
    if kinds.of(destination.kind).advertises and total > any_of and not told_now:
        # Nobody was looked at yet; who has nothing to be found by is known by the runs afterwards.
        to_tell -= total - any_of
        left_out.append(("no_identifier", eligibility.REASONS["no_identifier"], total - any_of))
    return Review(
        size=size, sent=told_now + to_tell, left_out=left_out, have=have, added=to_tell, removed=len(at.leaving(0)),
        samples=samples(sync, destination, after=after),
    )  # fmt: skip


def samples(sync: Sync, destination: Destination, *, after: int = 0, count: int = SAMPLE) -> list[Sample]:
    """The next people who would be sent, by ID."""
    with hash_joins():
        first = fill(FIRST, desired=Difference.of(sync, destination).desired())
        ids = [row[0] for row in fetch(first, after=after, most=count)]
    normalize = kinds.normalizer(destination.kind)
    found = []
    for one in told.read(sync.pk, destination.kind, ids):
        person = one.person
        name = " ".join(part for part in (person.first_name, person.last_name) if part)
        found.append(
            Sample(person.contact_id, name or person.email or f"Contact {person.contact_id}", normalize(person))
        )
    return found


def at_most() -> int:
    """The figure from which `added` and `removed` mean so many at least."""
    return difference.PAGE
