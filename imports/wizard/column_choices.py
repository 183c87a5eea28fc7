"""Which column goes where: guesses, a person's choices, new attributes; checked before an import may start."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from contacts.fields import custom_fields
from contacts.models import Attribute
from contacts.values import types
from contacts.values.formula_guard import unmarked
from contacts.values.types import CUSTOM_TYPES, SYSTEM
from core import file_store
from imports.cleaning import consent_columns, row_settings
from imports.files import reader
from imports.files.reader import Dialect
from imports.mapping import guess, value_formats
from imports.mapping.header_synonyms import CHANGED_COLUMN, EXPORT_COLUMNS, OWN_COLUMNS
from imports.models import Import
from imports.options import Options
from imports.pipeline import strict_values
from imports.problems import catalogue
from imports.wizard import upload
from tenants.isolation.context import current_tenant
from tenants.models import Tenant

CORE = guess.CORE_TARGETS
# Rows that are looked at to know how a column is written.
FORMAT_ROWS = 500


class BadMapping(ValueError):
    """A mapping that an import cannot start with. The sentence is for people."""


class Ambiguous(BadMapping):
    """A column that can be read in several ways: those, by the keys that a command takes."""

    def __init__(self, sentence: str, name: str, ways: Sequence[str]) -> None:
        super().__init__(sentence)
        self.name, self.ways = name, tuple(ways)


def reread_file(imp: Import, tenant: Tenant, changes: dict[str, Any]) -> None:
    """Read the file by other means (encoding, separator, quote, header, header_line) and guess its columns again."""
    path = file_store.fetch(imp.path)
    look = upload.inspect(path, container=imp.container, tenant=tenant, changes=changes)
    upload.look_anew(imp, look)


def preview(imp: Import, rows: int = 20, *, kept: Collection[int] = ()) -> reader.Preview:
    """Header and first rows of the file as the import's dialect reads them; of a workbook the columns `kept` as the sheet
    keeps them, the others as it shows them."""
    dialect = Dialect(**{**imp.dialect, "kept": tuple(kept)})
    return reader.preview(file_store.fetch(imp.path), dialect, rows=rows)


def apply_choices(
    imp: Import,
    choices: Mapping[str, str],
    *,
    written: Mapping[str, str] | None = None,
    create_unknown: bool = False,
    options: Options | None = None,
    left_out: Collection[int] | None = None,
) -> list[dict[str, Any]]:
    """The import's mapping with a person's choices by column name (or by "#index"); the rest stays guessed.

    A choice is a target, `skip`, or `new:TYPE:KEY:NAME`, of which key and name may be left out; `written` says how dates
    and numbers of a column are written (imports.mapping.value_formats). New attributes are made. Columns that look like
    consent are left out only by a choice: those whose index is in `left_out`, or (None) those that `choices` names. Raises
    BadMapping.
    """
    options, written = options or Options(), written or {}
    unknown = {*choices, *written} - set(imp.header) - {f"#{i}" for i in range(len(imp.header))}
    if unknown:
        raise BadMapping(f"The file has no column {', '.join(sorted(unknown))}. It has: {', '.join(imp.header)}.")
    columns = _mapped(imp, choices, create_unknown=create_unknown)
    known = {*SYSTEM, *upload.custom_attributes()}
    targets = [c["target"] for c in columns]
    order = Tenant.objects.get(pk=current_tenant()).identifier_order
    problems = guess.check(
        targets,
        known=known,
        task=options.task,
        event_name=options.event_name,
        identifiers_used=options.identifiers(order),
    )
    if problems:
        raise BadMapping(" ".join(catalogue.sentence(p.code, value=p.value, **p.facts) for p in problems))
    _refuse_missing(targets, options)
    if left_out is None:
        left_out = {
            i for i, name in enumerate(imp.header)
            if name in choices or f"#{i}" in choices or "left_out" in columns[i]
        }  # fmt: skip
    _refuse_left_out(imp, columns, answered=left_out)
    _say_formats(imp, columns, {i: written.get(f"#{i}", written.get(name, "")) for i, name in enumerate(imp.header)})
    return columns


def _mapped(imp: Import, choices: Mapping[str, str], *, create_unknown: bool) -> list[dict[str, Any]]:
    """The columns of the mapping, as chosen or else as guessed."""
    columns: list[dict[str, Any]] = []
    for i, (name, guessed) in enumerate(zip(imp.header, imp.mapping, strict=True)):
        choice = choices.get(f"#{i}", choices.get(name, guessed["target"]))
        chosen = name in choices or f"#{i}" in choices
        if choice == "skip" and create_unknown and not chosen and name not in passed_over(imp.header):
            choice = f"new:text:{key_of(name)}"
        kept = choice == guessed["target"]
        column = _column(choice, name, reason=guessed.get("reason", "") if kept else "chosen")
        kept_of = ("formats", "left_out") if kept else ()
        columns.append(column | {key: guessed[key] for key in kept_of if key in guessed})
    return columns


def passed_over(header: Sequence[str]) -> tuple[str, ...]:
    """Names of columns that downloads of ours add, and that mean nothing in an import."""
    own = guess.is_our_export([guess.normal_name(name) for name in header])
    return (*OWN_COLUMNS, CHANGED_COLUMN, *(EXPORT_COLUMNS if own else ()))


def consent_left_out(imp: Import, columns: Sequence[Mapping[str, Any]]) -> list[int]:
    """Indexes of columns that look like consent or a status and go nowhere, or into a field that nobody asks before writing
    to somebody."""
    about = set(row_settings.STATUSES)
    open_ones = [
        i for i, column in enumerate(columns)
        if column["target"] == "skip" or (column.get("reason") == "new" and column["target"] not in about)
    ]  # fmt: skip
    if not open_ones:
        return []
    rows = preview(imp, rows=FORMAT_ROWS).rows
    own = passed_over(imp.header)
    return [
        i for i in open_ones
        if imp.header[i] not in own
        and consent_columns.looks_like(imp.header[i], [row[i] for row in rows if i < len(row)])
    ]  # fmt: skip


def _refuse_left_out(imp: Import, columns: Sequence[dict[str, Any]], *, answered: Collection[int]) -> None:
    """Whoever leaves out who may not be written to has to say so; the mapping keeps that it was said."""
    left = consent_left_out(imp, columns)
    if open_ones := [imp.header[i] for i in left if i not in answered]:
        said = catalogue.sentence("consent_left_out", value=", ".join(open_ones))
        raise BadMapping(f"{said} {catalogue.remedy('consent_left_out')}")
    for i in left:
        columns[i]["left_out"] = True


def _refuse_missing(targets: Sequence[str], options: Options) -> None:
    """A file that may make contacts needs a column for every required field."""
    if options.mode != "update_only":
        wanted = Attribute.objects.filter(archived_at=None, required=True).exclude(key__in=targets)
        if missing := list(wanted.order_by("label").values_list("label", flat=True)):
            raise BadMapping(catalogue.sentence("required_not_mapped", value=", ".join(missing)))


def _say_formats(imp: Import, columns: list[dict[str, Any]], written: Mapping[int, str]) -> None:
    """Put into the mapping how dates and numbers are written: as chosen, or as the values leave no doubt."""
    types = {i: type_of(column) for i, column in enumerate(columns)}
    able = [kind for kind in value_formats.CHOICES if kind != "date" or not strict_values.is_strict()]
    kinds = {i: kind for i, type_key in types.items() if (kind := value_formats.kind_of(type_key)) in able}
    for i, choice in written.items():
        if choice not in ("", value_formats.STRICT) and not value_formats.possible(kinds.get(i, ""), choice):
            possible = ", ".join(value_formats.CHOICES.get(kinds.get(i, ""), {})) or "none"
            raise BadMapping(f"{choice} is not a format of column {imp.header[i]}. Possible formats: {possible}.")
    open_ones = {i: types[i] for i in kinds if not written[i] and "formats" not in columns[i]}
    proposals = find_formats(imp, open_ones, {i: columns[i].get("options") or {} for i in open_ones})
    for i in kinds:
        if choice := written[i]:
            columns[i]["formats"] = value_formats.expanded(choice)
        elif i in proposals and proposals[i].ask:
            raise Ambiguous(_question(imp.header[i], kinds[i], proposals[i]), imp.header[i], proposals[i].ask)
        elif i in proposals:
            columns[i]["formats"] = value_formats.expanded(proposals[i].choice)


def _question(name: str, kind: str, proposal: value_formats.Found) -> str:
    what = {"date": "dates", "number": "numbers", "list": "options"}[kind]
    question = value_formats.question(kind, proposal)
    return f"Choose how {what} in column {name} are written: {question}"


def find_formats(
    imp: Import, types: Mapping[int, str], options: Mapping[int, Mapping[str, str]]
) -> dict[int, value_formats.Found]:
    """How the values of these columns (index → type) are written, by many rows of the file; `options` are of choices."""
    if not types:
        return {}
    rows = preview(imp, rows=FORMAT_ROWS, kept=types).rows
    return {
        i: value_formats.find(
            type_key, [text for row in rows if i < len(row) and (text := row[i].strip())], options.get(i)
        )
        for i, type_key in types.items()
    }


def type_of(column: Mapping[str, Any]) -> str:
    """The type of a mapped column."""
    return str(column.get("type") or value_formats.type_of(column["target"], {}))


def _column(choice: str, name: str, *, reason: str) -> dict[str, Any]:
    if choice.startswith("new:"):
        _new, kind, key, label = [*choice.split(":", 3), "", ""][:4]
        label = " ".join(label.split()) or name
        return _attribute(_create(kind, key or key_of(label), label=label), reason="new")
    if choice == "event.property":
        return {"target": choice, "key": key_of(name), "reason": reason}
    if choice in CORE or choice == "skip" or choice in SYSTEM or choice in row_settings.TARGETS:
        return {"target": choice, "reason": reason}
    attribute = Attribute.objects.filter(key=choice, archived_at=None).first()
    if attribute is None:
        raise BadMapping(f"{choice} is not a field of this workspace.")
    return _attribute(attribute, reason=reason)


def _attribute(attribute: Attribute, *, reason: str) -> dict[str, Any]:
    more = {"required": True} if attribute.required else {}
    region = {"region": attribute.region} if attribute.region else {}
    kept = {"target": attribute.key, "type": attribute.type, "options": attribute.options, "reason": reason}
    return {**kept, **more, **region}


def _create(kind: str, key: str, *, label: str) -> Attribute:
    if kind not in CUSTOM_TYPES:
        raise BadMapping(f"{kind} is not a type. Choose one of: {', '.join(CUSTOM_TYPES)}.")
    if not is_key(key):
        raise BadMapping(f"{key} cannot name the column of a new field: it is in use or not written like shoe_size.")
    label = unmarked(label)
    if not Attribute.objects.filter(key=key).exists():
        try:
            custom_fields.refuse_label(label[:120])
        except custom_fields.BadField as problem:
            raise BadMapping(f"{label[:120]} cannot be added as a field: {problem}") from None
    wanted = {"label": label[:120], "type": kind}
    attribute: Attribute = Attribute.objects.get_or_create(key=key, defaults=wanted)[0]
    if attribute.archived_at:
        raise BadMapping(f"The field {key} is archived. Choose another column name.")
    if attribute.type != kind:
        raise BadMapping(f"The field {key} already exists with the type {attribute.type}.")
    return attribute


def is_key(key: str) -> bool:
    """Whether a field of the workspace could have this key."""
    return key not in CORE and key not in SYSTEM and re.fullmatch(r"[a-z][a-z0-9_]{0,59}", key) is not None


def key_of(name: str) -> str:
    """The key that a column name suggests: "Shoe size (EU)" → shoe_size_eu."""
    key = re.sub(r"[^a-z0-9]+", "_", guess.normal_name(name)).strip("_")[:60]
    return key if key[:1].isalpha() else f"column_{key}".rstrip("_")


def labels() -> dict[str, str]:
    """Key → label of every field of the workspace."""
    own = dict(Attribute.objects.values_list("key", "label"))
    system = {key: s.label for key, s in SYSTEM.items()}
    return {**own, **system, **types.CORE, **row_settings.TARGETS, "deleted": "Deleted contact"}
