"""The fields of contacts that a workspace has: the system's, and its own, which can be added, renamed and put away."""

import re
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from contacts import figures_cache
from contacts.bulk import export
from contacts.extensions import export_columns
from contacts.fields import change_type
from contacts.models import Attribute, BulkAction, Contact
from contacts.values.identifiers import name_key
from contacts.values.texts import normal_text
from contacts.values.types import CORE, CUSTOM_TYPES, SYSTEM, TYPES
from contacts.values.vocabulary import country
from tenants import audit, setting_changes

MOST_OPTIONS = 200


class BadField(ValueError):
    """The argument is a sentence for the person."""


@dataclass(frozen=True)
class Field:
    """One line of the page. `own`: the row behind it, None for the system's."""

    key: str
    label: str
    type: str
    own: Attribute | None
    used: int | None = None

    @property
    def type_label(self) -> str:
        return TYPES[self.type].label if self.type in TYPES else "Text"


def system() -> list[Field]:
    """Fields that every workspace has."""
    core = [Field(key, label, "text", None) for key, label in CORE.items()]
    return [*core, *(Field(key, field.label, field.type, None) for key, field in SYSTEM.items())]


def own(*, archived: bool = False) -> list[Field]:
    """Fields of the workspace, with how many contacts have a value."""
    rows = Attribute.objects.filter(archived_at__isnull=not archived).order_by("label", "key")
    return [Field(row.key, row.label, row.type, row, used(row.key)) for row in rows]


def used(key: str) -> int:
    """How many living contacts have a value; cached until contacts change."""
    return figures_cache.figures(f"field.{key}", lambda: _count(key), while_writing=60)


def _count(key: str) -> int:
    return int(Contact.objects.living().filter(attributes__has_key=key).count())


def read_options(text: str) -> dict[str, str]:
    """Options as they are typed, one a line, `ID: label` or a label alone. Raises BadField."""
    options: dict[str, str] = {}
    for line in filter(None, (normal_text(part) for part in text.splitlines())):
        key, colon, label = (part.strip() for part in line.partition(":"))
        key, label = (key, label) if colon and label else (line, line)
        if key in options:
            raise BadField(f"The option “{key}” is listed twice. Remove one of them.")
        if len(key) > 120 or "|" in key:
            raise BadField(f"Options can have up to 120 characters and no |. Shorten “{key[:40]}”.")
        options[key] = label[:120]
    if len(options) > MOST_OPTIONS:
        raise BadField(f"A field can have up to {MOST_OPTIONS:,} options. Remove some.")
    return options


def add(
    label: str, type_key: str, options: str, *, user_id: int, required: bool = False, region: str = ""
) -> Attribute:
    """A new field. Raises BadField: a name that is taken or none, or a type that is none."""
    label = " ".join(normal_text(label).split())[:120]
    key = re.sub(r"[^a-z0-9]+", "_", name_key(label)).strip("_")[:60]
    if not key:
        raise BadField("Enter a name with at least one letter or digit.")
    if type_key not in CUSTOM_TYPES:
        raise BadField("Choose a type.")
    if key in CORE or key in SYSTEM or Attribute.objects.filter(key=key).exists():
        raise BadField(f"The field {key} already exists. Choose another name.")
    refuse_label(label)
    region = _region(region)
    made: Attribute = Attribute.objects.create(
        key=key, label=label, type=type_key, options=_options(type_key, options), required=required, region=region
    )
    audit.record("attribute.added", user_id=user_id, target=f"field {key}", label=label, type=type_key)
    return made


def change(
    field_id: int, label: str, type_key: str, options: str, *, user_id: int, required: bool = False, region: str = ""
) -> tuple[Attribute, BulkAction | None]:
    """Another name, other options, whether it is required, and another type: where contacts have values, by the bulk action
    that is returned, which converts them.

    Raises Attribute.DoesNotExist, BadField.
    """
    row: Attribute = Attribute.objects.select_for_update().get(pk=field_id)
    label = " ".join(normal_text(label).split())[:120]
    if not label:
        raise BadField("Enter a name.")
    if type_key not in CUSTOM_TYPES:
        raise BadField("Choose a type.")
    if label != row.label:
        refuse_label(label, but=row.key)
    region = _region(region)
    read = _options(type_key, options)
    retyped = type_key != row.type and Contact.objects.filter(attributes__has_key=row.key).exists()
    new: dict[str, Any] = {"label": label, "required": required, "region": region}
    if not retyped:
        new |= {"type": type_key, "options": read}
    values = {name: [[getattr(row, name)], [value]] for name, value in new.items() if getattr(row, name) != value}
    for name, value in new.items():
        setattr(row, name, value)
    row.save()
    if not values.keys().isdisjoint({"type", "options", "region"}):
        setting_changes.tell([f"field {row.key}"])
    if values:
        audit.record("attribute.changed", user_id=user_id, target=f"field {row.key}", values=values)
    return row, change_type.begin(row, type_key, read, user_id=user_id) if retyped else None


def refuse_label(label: str, *, but: str = "") -> None:
    """Raise BadField for a name that another column of the export has; `but` is the key of the field that is renamed."""
    if column_name(label) in taken_names(but=but):
        raise BadField(f"Exports already have a column named {label}. Choose another name.")


def taken_names(*, but: str = "") -> set[str]:
    """The columns that an export has, by their names in the form in which they are compared, without the field `but`."""
    others = Attribute.objects.exclude(key=but).values_list("label", flat=True)
    system = (field.label for field in SYSTEM.values())
    own = (export.STATUS, export.INFO, export.GONE)
    columns = (*CORE.values(), *system, *(name for part in own for name in part.values()), *export_columns())
    return {column_name(name) for name in (*columns, *others)}


def column_name(label: str) -> str:
    """The form in which an import compares names of columns."""
    return " ".join(re.sub(r"[\W_]+", " ", name_key(label)).split()) or label


def _region(text: str) -> str:
    """The code of the country that is named, or empty."""
    region = country(text) if text.strip() else ""
    if region is None:
        raise BadField("Enter the country for phone numbers as a two-letter code such as GB, or as a name.")
    return region


def _options(type_key: str, text: str) -> dict[str, str]:
    return read_options(text) if type_key in ("choice", "choices") else {}


def archive(field_id: int, *, back: bool, user_id: int) -> Attribute:
    """Archive a field, or restore it: values stay, no form offers an archived field. Raises Attribute.DoesNotExist."""
    row: Attribute = Attribute.objects.select_for_update().get(pk=field_id)
    row.archived_at = None if back else timezone.now()
    row.save(update_fields=["archived_at"])
    verb = "attribute.restored" if back else "attribute.archived"
    audit.record(verb, user_id=user_id, target=f"field {row.key}")
    return row
