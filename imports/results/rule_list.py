"""Imports as lists that a rule can name: contacts that came with one (contacts.extensions.rule_lists)."""

from collections.abc import Mapping, Sequence
from typing import Any

from core import formatting
from imports.models import Import
from segments.rules.id_query import id_query, only
from tenants.isolation.statements import fill

LABEL = "Came with import"
MOST = 200
# Those whom its rows have made or changed, and those whom other rows name (imports.models.Listing).
CONTACTS = """
SELECT t.contact_id FROM touched t
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.undone IS DISTINCT FROM 'r' {whose}
UNION
SELECT l.contact_id FROM (
  SELECT unnest(i.contact_ids) AS contact_id FROM import_listing i
  WHERE i.tenant_id = %(tenant)s AND i.import_id = %(import_id)s) l WHERE true {listed}"""


def choices() -> list[tuple[int, str]]:
    """The latest imports."""
    return [(imp.pk, _name(imp)) for imp in Import.objects.order_by("-pk")[:MOST]]


def names(list_ids: Sequence[int]) -> Mapping[int, str]:
    """The names of imports."""
    return {imp.pk: _name(imp) for imp in Import.objects.filter(pk__in=list_ids)}


def contacts(list_id: int, *, of: Sequence[int] | None) -> Any:
    """The contacts of an import; None when there is no such import."""
    if not Import.objects.filter(pk=list_id).exists():
        return None
    slots = {"whose": only("t.contact_id", of), "listed": only("l.contact_id", of)}
    given = {"import_id": list_id} | ({} if of is None else {"of": list(of)})
    return id_query(fill(CONTACTS, **slots), **given)


def _name(imp: Import) -> str:
    return f"{imp.file_name}, {formatting.day(imp.created_at)}"
