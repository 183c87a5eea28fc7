"""Whom a lookalike looks at: the members of its list, and all others."""

from audiences import contact_lists
from audiences.contact_lists import ContactList
from audiences.models import Audience, Lookalike
from segments.models import Segment, SegmentState
from sources.models import Source, SourceState
from tenants.isolation.statements import fetch, fill

MOMENTS = {
    "entered": "when they entered the list",
    "first_order": "before their first order",
    "now": "today",
}

# Members with the time at which they entered; {list} is one of these.
LISTS = {
    "source": "SELECT m.contact_id, m.added_at FROM source_member m WHERE m.tenant_id = %(tenant)s AND m.source_id = %(pk)s",
    "segment": "SELECT m.contact_id, m.added_at FROM segment_member m WHERE m.tenant_id = %(tenant)s "
    "AND m.segment_id = %(pk)s",
    "audience": "SELECT m.contact_id, m.added_at FROM audience a JOIN segment_member m ON m.tenant_id = %(tenant)s "
    "AND m.segment_id = a.segment_id WHERE a.tenant_id = %(tenant)s AND a.id = %(pk)s",
}
COUNTS = """
SELECT count(*), count(*) FILTER (WHERE m.contact_id IS NOT NULL)
FROM contact c LEFT JOIN ({list}) m ON m.contact_id = c.id
WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL"""
# Visitors that gave an address which is no contact's: they cannot be reached, so they are counted and not scored.
UNREACHABLE = """
SELECT count(DISTINCT i.visitor_id) FROM visitor_identifier i
JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = i.visitor_id AND v.contact_id IS NULL
WHERE i.tenant_id = %(tenant)s AND i.kind IN ('email', 'phone')"""
# The next contacts that are judged, in order; and which contacts between two IDs are members of the list.
NEXT = """
SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL AND c.id > %(after)s
ORDER BY c.id LIMIT %(most)s"""
BETWEEN = "SELECT m.contact_id FROM ({list}) m WHERE m.contact_id > %(after)s AND m.contact_id <= %(last)s"


def sizes(lookalike: Lookalike) -> tuple[int, int]:
    """(members of the list, all others), deleted contacts left out."""
    everybody, members = fetch(fill(COUNTS, list=LISTS[lookalike.seed_kind]), pk=lookalike.seed_id)[0]
    return members, everybody - members


def unreachable() -> int:
    """Visitors with an address, but no contact."""
    return int(fetch(UNREACHABLE)[0][0])


def next_ids(lookalike: Lookalike, *, after: int, most: int) -> tuple[list[int], int | None]:
    """(the next contacts that are no members of the list, the last one that was looked at; None: there are no more)."""
    found = [row[0] for row in fetch(NEXT, after=after, most=most)]
    if not found:
        return [], None
    listed = LISTS[lookalike.seed_kind]
    inside = {row[0] for row in fetch(fill(BETWEEN, list=listed), pk=lookalike.seed_id, after=after, last=found[-1])}
    return [pk for pk in found if pk not in inside], found[-1]


def seed_list(lookalike: Lookalike) -> ContactList:
    """The list that a lookalike resembles."""
    return ContactList(lookalike.seed_kind, lookalike.seed_id)


def seed_name(lookalike: Lookalike) -> str:
    """The name of the list, empty when it no longer exists."""
    one = seed_list(lookalike)
    return contact_lists.names([one]).get(one, "")


def is_being_made(lookalike: Lookalike) -> bool:
    """Whether the list has not been built yet, so that its members are still to come."""
    found = contact_lists.find(seed_list(lookalike))
    if isinstance(found, Source):
        return found.refreshed_at is None and (found.active or found.state == SourceState.WAITING)
    if isinstance(found, Audience):
        found = Segment.objects.filter(pk=found.segment_id).first()
    return isinstance(found, Segment) and found.state == SegmentState.BUILDING
