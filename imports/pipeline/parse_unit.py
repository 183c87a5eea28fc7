"""The file of an import: where it lies, how it is cut, and how a span of it becomes staged rows."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from contacts import staging as tables
from contacts.staging import Staging
from contacts.values import ads_consent
from contacts.values.types import SYSTEM
from core import file_store
from imports.cleaning import consent_columns
from imports.cleaning.row_cleaner import Cleaner, Column
from imports.cleaning.row_setting_cells import Names
from imports.cleaning.row_settings import RowSettings
from imports.files import reader
from imports.files.reader import Dialect, FileProblem, Span
from imports.files.splitter import UNIT_BYTES
from imports.files.stored_file import utf8_name
from imports.models import Import, Unit, UnitKind
from imports.options import Options
from imports.pipeline import queries
from tenants import file_removals
from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tracking import source_names

# In so many parts also a small file is read; parts of fewer bytes would cost more than they save.
PARTS, LEAST_BYTES = 4, 64 * 1024


def path_of(imp: Import) -> Path:
    """Where the upload lies. Raises FileProblem("file_missing") when it has gone, or is about to be removed."""
    try:
        if imp.file_removed_at is not None:
            raise FileNotFoundError(imp.path)
        return file_store.fetch(imp.path)
    except FileNotFoundError:
        raise FileProblem("file_missing", file=imp.file_name) from None


def readable(imp: Import) -> tuple[Path, Dialect]:
    """The file as UTF-8 text with the dialect to read it by: the upload itself, or the copy that the plan has made."""
    dialect = Dialect(**imp.dialect)
    try:
        return file_store.fetch(utf8_name(imp.path, imp.reopened)), dialect
    except FileNotFoundError:
        return path_of(imp), dialect


def forget_copy(imp: Import) -> None:
    """Remove the UTF-8 copy of an import that ends, once that is committed; the upload itself stays."""
    file_removals.add(utf8_name(imp.path, imp.reopened))


def spans(imp: Import) -> list[Span]:
    """Cut the file into spans at record ends, after making a UTF-8 copy where one is needed. Raises FileProblem."""
    path, dialect = path_of(imp), Dialect(**imp.dialect)
    if reader.needs_utf8_copy(path, dialect):
        copy, draft = utf8_name(imp.path, imp.reopened), path.with_suffix(file_store.DRAFT)
        reader.to_utf8(path, draft, dialect)
        os.replace(draft, file_store.path_of(copy))
        file_store.keep(copy)
    readable_path, dialect = readable(imp)
    size = readable_path.stat().st_size
    return reader.plan_units(readable_path, dialect, unit_bytes=min(UNIT_BYTES, max(LEAST_BYTES, size // PARTS + 1)))


# The last import's cleaner: its units come one after the other, and what it remembers of one helps the next.
_kept: dict[tuple[int, int, str], Cleaner] = {}


def cleaner(imp: Import) -> Cleaner:
    """The compiled way from cells to clean rows for this import's mapping and settings, which no longer change.

    Whoever goes back to the mapping begins another check.
    """
    key = (current_tenant(), imp.pk, imp.draft.get("checked_at", ""))
    if key not in _kept:
        _kept.clear()
        _kept[key] = compiled(imp)
    return _kept[key]


@dataclass(frozen=True)
class WorkspaceRules:
    """What of the workspace decides how cells are read, beside the mapping and settings of an import."""

    country: str
    time_zone: str
    identifier_order: str
    names: dict[str, dict[str, str]]

    @classmethod
    def of_today(cls) -> Self:
        tenant = Tenant.objects.get(pk=current_tenant())
        return cls(tenant.country, tenant.time_zone, tenant.identifier_order, source_names.names())

    @property
    def digest(self) -> str:
        """Equal for equal rules."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


def compiled(imp: Import, rules: WorkspaceRules | None = None) -> Cleaner:
    """A new cleaner by header, mapping and options of an import, which need not be stored."""
    options, rules = Options.parse(imp.options), rules or WorkspaceRules.of_today()
    zone = options.zone or (rules.time_zone if rules.time_zone != "UTC" else "")
    columns = [_column(imp, i, zone) for i in range(len(imp.header))]
    return Cleaner(
        columns,
        width=len(imp.header),
        region=options.country or rules.country or None,
        bad_value=options.bad_value,
        blank=options.blank,
        identifiers_used=options.identifiers(rules.identifier_order),
        extras=RowSettings(columns, task=options.task, event_name=options.event_name, names=Names(**rules.names)),
    )


def _column(imp: Import, i: int, zone: str) -> Column:
    chosen = imp.mapping[i]
    return Column(
        index=i,
        name=imp.header[i],
        target=chosen["target"],
        type=_type(chosen),
        options=chosen.get("options") or None,
        formats=consent_columns.ads_formats(imp.header[i])
        if chosen["target"] == ads_consent.KEY
        else tuple(chosen.get("formats") or ()),
        zone=zone,
        key=chosen.get("key", ""),
        strict=chosen.get("strict", False),
        required=chosen.get("required", False),
        region=chosen.get("region", ""),
        latest=imp.created_at.date().isoformat() if chosen["target"] == "birthday" else "",
    )


def _type(column: dict[str, Any]) -> str:
    target = column["target"]
    return str(column.get("type") or (SYSTEM[target].type if target in SYSTEM else "text"))


def read(imp: Import, unit: Unit) -> str:
    """The text of one span. The header is not part of it."""
    path, _dialect = readable(imp)
    with path.open("rb") as file:
        file.seek(unit.start)
        return file.read(unit.stop - unit.start).decode("utf-8")


def parse(imp: Import, unit: Unit, staging: Staging) -> dict[str, Any]:
    """Clean one span: good rows into staging by COPY, problems into row issues. Returns the unit's counts."""
    _path, dialect = readable(imp)
    block = cleaner(imp).block(
        read(imp, unit), first_line=unit.first_line, prefix=f"{staging.tenant_id}\t", dialect=dialect
    )
    if block.staged:
        tables.copy_rows(staging, block.staged)
    queries.add_issues(staging, block.issues)
    queries.add_rejected(staging, block.rejected)
    return {
        "rows": block.rows,
        "staged": block.staged_count,
        "rejected": len(block.rejected),
        "last_line": block.last_line,
    }


def collect(imp: Import, staging: Staging, rows: list[int]) -> int:
    """Store the cells of these rows, read again from the spans that hold them. Returns how many."""
    _path, dialect = readable(imp)
    wanted, stored = set(rows), 0
    for unit in Unit.objects.filter(import_id=imp.pk, kind=UnitKind.PARSE).order_by("no"):
        here = {row for row in wanted if unit.first_line <= row <= unit.counts["last_line"]}
        if here:
            cells = reader.records(read(imp, unit), first_line=unit.first_line, dialect=dialect)
            queries.add_rejected(staging, ((r.line, r.cells or []) for r in cells if r.line in here))
            stored += len(here)
    return stored
