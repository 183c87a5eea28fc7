"""How an import was done, in words: settings, columns, dialect, time by phase, and when its file is deleted."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django import forms
from django.db.models import Count, Max, Min, Sum

from contacts.values.types import TYPES
from imports import phases
from imports.files import encodings
from imports.models import Import, Unit
from imports.options import Options
from imports.results.import_list import ORIGINS
from imports.wizard import column_choices, upload
from imports.wizard.forms import OptionsForm, separator_name
from tenants.models import Tenant

Pairs = list[tuple[str, str]]
# Settings that are shown elsewhere, or only guard others.
_LEFT_OUT = {"description", "revive_confirmed"}
CONTAINERS = {"gzip": "gzip file", "zip": "ZIP archive", "xlsx": "Excel workbook (XLSX)"}


def describe(imp: Import, tenant: Tenant) -> dict[str, Any]:
    """All of it, for the page of an import that has ended."""
    return {
        "settings": settings(imp),
        "columns": mapped(imp),
        "dialect": dialect(imp),
        "timings": timings(imp),
        "origin": ORIGINS.get(imp.origin, imp.origin),
        "kept_until": kept_until(imp, tenant),
        "has_file": original(imp) is not None,
    }


def settings(imp: Import) -> Pairs:
    """What the import was allowed to do: the labels and words of the form. Settings without a value are left out."""
    options = Options.parse(imp.options).as_json()
    pairs = []
    for name, field in OptionsForm(may_revive=True).fields.items():
        value = options.get(name)
        if isinstance(field, forms.ChoiceField):
            value = dict(field.choices).get(value or "", value)  # type: ignore[arg-type]
        words = ", ".join(value) if isinstance(value, list) else str(value or "")
        if words and name not in _LEFT_OUT:
            pairs.append((str(field.label), words))
    return pairs


def mapped(imp: Import) -> list[dict[str, str]]:
    """Column of the file → field, with its type where that was chosen."""
    labels = {"skip": "not imported", "full_name": "Full name", "contact_id": "Contact"} | column_choices.labels()
    columns = []
    for name, column in zip(imp.header, imp.mapping, strict=False):
        target, kind = column["target"], column.get("type") or ""
        type_label = TYPES[kind].label if kind in TYPES else ""
        columns.append({"name": name, "target": target, "field": labels.get(target, target), "type": type_label})
    return columns


def dialect(imp: Import) -> Pairs:
    """How the file was read."""
    stored = imp.dialect
    pairs = [
        ("Encoding", encodings.CHOICES.get(stored["encoding"], stored["encoding"])),
        ("Separator", separator_name(stored["separator"])),
        ("Quote", stored["quote"] or "none"),
        ("Header", _header(stored)),
    ]
    if imp.sheet:
        return [*pairs, ("Uploaded as", _sheet(imp))]
    return [*pairs, ("Uploaded as", CONTAINERS[imp.container])] if imp.container else pairs


def _sheet(imp: Import) -> str:
    of = f", one of {len(imp.sheets)} sheets" if len(imp.sheets) > 1 else ""
    looks = imp.looks
    hidden = f"; {looks['hidden_rows']:,} hidden rows {'skipped' if looks.get('skip_hidden') else 'imported'}"
    merged = "; merged cells filled down" if looks.get("fill") else ""
    return f"sheet {imp.sheet} of an Excel workbook (XLSX){of}{hidden if looks.get('hidden_rows') else ''}{merged}"


def _header(stored: dict[str, Any]) -> str:
    line = stored.get("header_line") or 1
    return f"on line {line}" if stored["header"] else f"none; rows start on line {line}"


def timings(imp: Import) -> list[dict[str, Any]]:
    """Phase, its parts, the seconds from the first to the last of them by the clock, and those of work in them, of all
    workers together."""
    units = Unit.objects.filter(import_id=imp.pk).exclude(done_at=None)
    figures = {"parts": Count("pk"), "work": Sum("seconds"), "began": Min("claimed_at"), "ended": Max("done_at")}
    kinds = {u["kind"]: u for u in units.values("kind").annotate(**figures)}
    rows = []
    for stage in (*phases.STAGES, phases.UNDO):
        done = [kinds[kind] for kind in phases.kinds_of_stage(stage) if kind in kinds]
        if done:
            took = max(k["ended"] for k in done) - min(k["began"] for k in done)
            parts, work = (sum(k[name] for k in done) for name in ("parts", "work"))
            rows.append({"label": stage.label, "parts": parts, "took": took.total_seconds(), "work": work})
    return rows


def original(imp: Import) -> Path | None:
    """The file as it came, None when it is no longer in storage."""
    try:
        return upload.original_path(imp)
    except FileNotFoundError:
        return None


def kept_until(imp: Import, tenant: Tenant) -> datetime | None:
    """When the file of an import that has ended goes."""
    return imp.finished_at + timedelta(days=tenant.keep_files_days) if imp.finished_at else None
