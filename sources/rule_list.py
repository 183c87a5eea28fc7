"""Sources as lists that a rule can name (contacts.extensions.rule_lists)."""

from collections.abc import Mapping, Sequence
from typing import Any

from segments.rules.id_query import id_query, only
from sources.models import Source
from tenants.isolation.statements import fill

LABEL = "In source"
MOST = 500
CONTACTS = """
SELECT m.contact_id FROM source_member m WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s {whose}"""


def choices() -> list[tuple[int, str]]:
    """The sources that are in use, by name."""
    return list(Source.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")[:MOST])


def names(list_ids: Sequence[int]) -> Mapping[int, str]:
    """The names of sources."""
    return dict(Source.objects.filter(pk__in=list_ids).values_list("pk", "name"))


def contacts(list_id: int, *, of: Sequence[int] | None) -> Any:
    """The members of a source as of its last refresh; None when there is no such source."""
    if not Source.objects.filter(pk=list_id).exists():
        return None
    given = {"source": list_id} | ({} if of is None else {"of": list(of)})
    return id_query(fill(CONTACTS, whose=only("m.contact_id", of)), **given)
