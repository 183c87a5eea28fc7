"""Another type for a field that contacts have values of: all are converted by the rules of the new type, or nothing changes.

A bulk action: the first step looks at every value and refuses if one cannot be read; then the field has its new type, and
the values follow in steps. Each keeps what it was, so the whole can be undone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contacts.bulk import actions, export, queries
from contacts.errors import NotAllowed
from contacts.models import Attribute, BulkAction, BulkItem, Contact
from contacts.values import types
from contacts.values.types import TYPES, BadValue, Parser
from core import exact_json
from tenants import audit, setting_changes
from tenants.isolation.context import current_tenant
from tenants.models import Tenant

CHUNK = 5_000
SHOWN = 3


class Retype(actions.BulkActionType):
    """Options: `field` (its number), `was` and `type`, `old` and `options` (those of choices, before and after)."""

    label, past, icon, permission = "Change field type", "changed", "shapes", "settings.manage"
    # A field has one type: half of its values cannot have another one.
    stoppable = False

    def gather(self, action: BulkAction) -> int:
        field: Attribute = Attribute.objects.select_for_update().get(pk=action.options["field"])
        if field.type != action.options["was"]:
            raise NotAllowed(f"{field.label} already has another type. Nothing was changed.")
        _check(field.key, parser(field, action.options["type"], action.options["options"]), action.options["type"])
        self._be(field, action, "was", "type", "options")
        return queries.gather(action.pk, Contact.objects.filter(attributes__has_key=field.key).values("pk"))

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        """What an import that had begun before has written since, and cannot be read, is skipped: the page names whose."""
        field = Attribute.objects.get(pk=action.options["field"])
        parse = parser(field, action.options["type"], action.options["options"])
        new, before = {}, {}
        for contact in Contact.objects.filter(pk__in=ids).order_by("pk").select_for_update():
            value = contact.attributes.get(field.key)
            if value is not None and (converted := _readable(parse, value)) is not None:
                new[contact.pk], before[contact.pk] = converted, value
        queries.give_value(field.key, new, now=now)
        queries.keep_before(action.pk, {pk: {"value": value} for pk, value in before.items()})
        return list(new)

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        """Whoever has another value since keeps it, as far as the old type can read it."""
        field: Attribute = Attribute.objects.select_for_update().get(pk=action.options["field"])
        if field.type == action.options["type"]:
            self._be(field, action, "type", "was", "old")
        elif field.type != action.options["was"]:
            raise NotAllowed(f"{field.label} now has another type. Nothing was undone.")
        parse = parser(field, action.options["type"], action.options["options"])
        back = parser(field, action.options["was"], action.options["old"])
        kept = dict(BulkItem.objects.filter(bulk_id=action.pk, contact_id__in=ids).values_list("contact_id", "before"))
        same, other = {}, {}
        for contact in Contact.objects.filter(pk__in=ids).order_by("pk").select_for_update():
            if field.key not in contact.attributes:
                continue
            was, value = kept[contact.pk]["value"], contact.attributes[field.key]
            if value == read(parse, was):
                same[contact.pk] = was
            elif (converted := _readable(back, value)) is not None:
                other[contact.pk] = converted
        queries.give_value(field.key, {**same, **other}, now=now)
        return list(same)

    def _be(self, field: Attribute, action: BulkAction, before: str, after: str, options: str) -> None:
        """Give the field its other type."""
        changed = {"type": [action.options[before], action.options[after]]}
        field.type, field.options = action.options[after], action.options[options]
        field.save(update_fields=["type", "options"])
        setting_changes.tell([f"field {field.key}"])
        audit.record("attribute.changed", user_id=action.created_by_id, target=f"field {field.key}", values=changed)


def begin(field: Attribute, type_key: str, options: dict[str, str], *, user_id: int) -> BulkAction:
    """Start the change; whether it can be is found out by the first step."""
    return actions.begin(
        "retype", {}, user_id=user_id, field=field.pk, was=field.type, type=type_key, old=field.options, options=options
    )


def parser(field: Attribute, type_key: str, options: dict[str, str]) -> Parser:
    """What reads values of the field in a type."""
    workspace = Tenant.objects.get(pk=current_tenant())
    region = field.region or workspace.country or None
    return types.parser(type_key, options=options, region=region, zone=workspace.time_zone)


def read(parse: Parser, value: Any) -> Any:
    """A stored value, converted from the text that an export would write. Raises BadValue."""
    return exact_json.plain(parse(export.cell(value)))


def _readable(parse: Parser, value: Any) -> Any:
    try:
        return read(parse, value)
    except BadValue:
        return None


def _check(key: str, parse: Parser, type_key: str) -> None:
    """Refuse when a contact has a value that cannot be read. Looks at all of them, a few at a time."""
    bad = 0
    shown: list[str] = []
    rows = Contact.objects.filter(attributes__has_key=key).order_by("pk")
    for contact in rows.only("pk", "attributes").iterator(chunk_size=CHUNK):
        if _readable(parse, contact.attributes[key]) is None:
            bad += 1
            if len(shown) < SHOWN:
                shown.append(f"“{export.cell(contact.attributes[key])[:60]}” of contact {contact.pk}")
    if bad:
        more = " and others" if bad > len(shown) else ""
        what = f"{bad:,} value{'s' if bad != 1 else ''} cannot be converted to {TYPES[type_key].label}"
        raise NotAllowed(f"{what}: {', '.join(shown)}{more}. Nothing was changed.")
