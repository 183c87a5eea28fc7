"""Saved mappings: a mapping and its settings under a name, offered when a file with the same columns comes again."""

import hashlib
from typing import Any

from django.db.models import QuerySet

from contacts.values.types import SYSTEM
from imports.cleaning import row_settings
from imports.mapping import guess
from imports.models import Import, SavedMapping
from imports.options import Options
from imports.wizard import upload
from tenants.models import User

# Of one file, not of all that look like it.
NOT_KEPT = ("happened",)


class NoSuchMapping(ValueError):
    """A saved mapping that does not exist, or is one of other columns. The sentence is for people."""


def digest(header: list[str]) -> str:
    """What two files have in common whose columns have the same names in the same order."""
    return hashlib.sha256("\n".join(guess.normal_name(name) for name in header).encode()).hexdigest()


def fitting(imp: Import) -> "QuerySet[SavedMapping]":
    """Saved mappings of files with the import's columns."""
    mappings: QuerySet[SavedMapping] = SavedMapping.objects.filter(header_digest=digest(imp.header)).order_by("name")
    return mappings


def save(imp: Import, name: str, *, columns: list[dict[str, Any]], options: Options, user: User | None) -> SavedMapping:
    """Keep mapping and settings under a name; one that has the name already is replaced."""
    kept = {key: value for key, value in options.as_json().items() if key not in NOT_KEPT}
    values = {
        "header_digest": digest(imp.header), "columns": columns, "options": kept, "created_by": user,
    }  # fmt: skip
    saved: SavedMapping = SavedMapping.objects.update_or_create(name=name, defaults=values)[0]
    use(imp, columns, options)
    return saved


def apply(imp: Import, saved: SavedMapping) -> None:
    """Give a saved mapping and its settings to an import that waits for its mapping. Raises NoSuchMapping.

    Columns whose field has gone since are skipped.
    """
    if saved.header_digest != digest(imp.header):
        has = ", ".join(imp.header)
        raise NoSuchMapping(f"The saved mapping {saved.name} has different columns from this file, which has: {has}.")
    known = {*guess.CORE_TARGETS, *SYSTEM, *row_settings.TARGETS, *upload.custom_attributes()}
    columns = [
        {**column, "reason": "saved"} if column["target"] in known else {"target": "skip", "reason": "none"}
        for column in saved.columns
    ]
    use(imp, columns, Options.parse(saved.options))


def named(imp: Import, name: str) -> None:
    """As `apply`, by the name."""
    saved = SavedMapping.objects.filter(name=name).first()
    if saved is None:
        raise NoSuchMapping(f"There is no saved mapping {name}.")
    apply(imp, saved)


def use(imp: Import, columns: list[dict[str, Any]], options: Options) -> None:
    """Set the mapping and settings that the mapping page begins with."""
    imp.mapping, imp.options, imp.draft = columns, options.as_json(), {"asked": True}
    imp.save(update_fields=["mapping", "options", "draft"])
