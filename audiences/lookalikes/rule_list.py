"""Lookalikes as lists that a rule can name (contacts.extensions.rule_lists)."""

from collections.abc import Mapping, Sequence
from typing import Any

from audiences.models import Lookalike
from segments.rules.id_query import id_query, only
from tenants.isolation.statements import fill

LABEL = "In lookalike"
MOST = 500
CONTACTS = """
SELECT m.contact_id FROM lookalike l
JOIN lookalike_member m ON m.tenant_id = %(tenant)s AND m.lookalike_id = l.id AND m.place <= l.size * 10
WHERE l.tenant_id = %(tenant)s AND l.id = %(lookalike)s {whose}"""


def choices() -> list[tuple[int, str]]:
    """The lookalikes that are in use, by name."""
    return list(Lookalike.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")[:MOST])


def names(list_ids: Sequence[int]) -> Mapping[int, str]:
    """The names of lookalikes."""
    return dict(Lookalike.objects.filter(pk__in=list_ids).values_list("pk", "name"))


def contacts(list_id: int, *, of: Sequence[int] | None) -> Any:
    """The members of a lookalike within its size, as of its last refresh; None when there is no such lookalike."""
    if not Lookalike.objects.filter(pk=list_id).exists():
        return None
    given = {"lookalike": list_id} | ({} if of is None else {"of": list(of)})
    return id_query(fill(CONTACTS, whose=only("m.contact_id", of)), **given)
