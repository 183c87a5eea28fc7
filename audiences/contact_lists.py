"""Lists of contacts that audiences, lookalikes and data syncs are made of, by kind and ID: sources, segments, audiences and
lookalikes. Each is read from the table of its members, as of its last refresh."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.urls import reverse

from audiences.models import Audience, Lookalike
from segments.models import Segment
from sources.models import Source


class ContactList(NamedTuple):
    """One list. `kind` is a key of KINDS."""

    kind: str
    pk: int


# Columns of IDs, one a contact; %(tenant)s is the workspace.
_MEMBERS = {
    "source": "SELECT m.contact_id FROM source_member m WHERE m.tenant_id = %(tenant)s AND m.source_id = {pk}",
    "segment": "SELECT m.contact_id FROM segment_member m WHERE m.tenant_id = %(tenant)s AND m.segment_id = {pk}",
    "audience": "SELECT m.contact_id FROM audience a JOIN segment_member m ON m.tenant_id = %(tenant)s "
    "AND m.segment_id = a.segment_id WHERE a.tenant_id = %(tenant)s AND a.id = {pk}",
    "lookalike": "SELECT m.contact_id FROM lookalike l JOIN lookalike_member m ON m.tenant_id = %(tenant)s "
    "AND m.lookalike_id = l.id AND m.place <= l.size * 10 WHERE l.tenant_id = %(tenant)s AND l.id = {pk}",
}
KINDS = {"source": "Source", "segment": "Segment", "audience": "Audience", "lookalike": "Lookalike"}
_QUERIES: dict[str, Callable[[], Any]] = {
    "source": lambda: Source.objects.filter(archived_at=None),
    "segment": lambda: Segment.objects.present(),
    "audience": lambda: Audience.objects.filter(archived_at=None),
    "lookalike": lambda: Lookalike.objects.filter(archived_at=None),
}
# The page of a list.
_ROUTES = {
    "source": "sources:detail",
    "segment": "segments:detail",
    "audience": "audiences:detail",
    "lookalike": "audiences:lookalike",
}
MOST = 500


def members(of: ContactList) -> str:
    """A statement with one column, the IDs of the contacts of a list; those that were deleted since may be among them.
    Raises KeyError for a kind that does not exist."""
    return _MEMBERS[of.kind].format(pk=int(of.pk))


def find(of: ContactList) -> Any:
    """The row of a list: a Source, Segment, Audience or Lookalike; None when it does not exist or was deleted."""
    query = _QUERIES.get(of.kind)
    return query().filter(pk=of.pk).first() if query else None


def choices(kind: str) -> list[tuple[int, str]]:
    """(ID, name) of the lists of a kind that can be chosen, by name."""
    return list(_QUERIES[kind]().order_by("name", "pk").values_list("pk", "name")[:MOST])


def names(lists: Sequence[ContactList]) -> dict[ContactList, str]:
    """The names of lists that exist."""
    found: dict[ContactList, str] = {}
    for kind in {one.kind for one in lists} & _QUERIES.keys():
        wanted = _QUERIES[kind]().filter(pk__in=[one.pk for one in lists if one.kind == kind])
        found |= {ContactList(kind, pk): name for pk, name in wanted.values_list("pk", "name")}
    return found


def url_of(of: ContactList) -> str:
    """The page of a list."""
    return reverse(_ROUTES[of.kind], args=[of.pk])
