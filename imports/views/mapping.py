"""The second step: which column goes where, how the file is read, what the import may do."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from contacts.models import Attribute
from contacts.values.columns import SHOWN_IDENTIFIERS
from contacts.values.types import CORE, CUSTOM_TYPES, SYSTEM
from core.http import invalid, redirect_to, render_page
from imports.cleaning import consent_columns, row_settings
from imports.files import reader  # fmt: skip
from imports.files.encoding_candidates import differing
from imports.files.encodings import CHOICES
from imports.mapping import event_columns, guess, value_formats
from imports.models import Import, Phase
from imports.options import REVIVING, Options
from imports.pipeline import parse_unit, strict_values
from imports.views.upload import steps, workspace_of
from imports.wizard import column_choices, drafts, new_fields, sample_rows, saved_mappings, upload
from imports.wizard.forms import DialectForm, OptionsForm
from imports.workbooks.workbook_cells import likeliest
from segments.models import Segment
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest
from tracking import source_names

TEMPLATE = "imports/mapping.html"
WHY = {
    "name": "By name",
    "content": "By content",
    "chosen": "Chosen by you",
    "none": "",
    "new": "New field",
    "saved": "Saved mapping",
}
SEE_FIELDS = "Some settings cannot be used. See the messages next to the fields."
SAMPLES = 3
# The types by which values are judged that go to no field of dates or numbers yet.
FREE_TYPES = {"date": "date", "number": "decimal", "list": "choices"}


def show(
    request: WorkspaceRequest, imp: Import, *, form: OptionsForm | None = None, error: str = "", **more: Any
) -> HttpResponse:
    """The mapping page; with `error` as 422, and with the choices that were sent."""
    form = form or form_of(request, imp)
    context = context_of(imp, form, _posted(request, imp)) | {"error": error} | more
    return invalid(request, TEMPLATE, context) if error else render_page(request, TEMPLATE, context)


def _posted(request: WorkspaceRequest, imp: Import) -> Mapping[str, str]:
    """What was sent with the page, else what was kept of it."""
    posted: Mapping[str, str] = request.POST if "column-0" in request.POST else drafts.form(imp)
    return posted if "column-0" in posted else {}


def form_of(request: WorkspaceRequest, imp: Import) -> OptionsForm:
    """The current settings."""
    workspace = workspace_of(request)
    return OptionsForm(initial=_initial(imp), may_revive=may_revive(request), workspace=workspace)


def _initial(imp: Import) -> dict[str, Any]:
    known = Options.parse(imp.options).as_json()
    settings = known | {"segments": "\n".join(known["segments"]), "description": imp.description}
    return settings | drafts.settings(imp)


def may_revive(request: WorkspaceRequest) -> bool:
    return bool(request.membership.may("imports.revive"))


def context_of(imp: Import, form: OptionsForm, posted: Mapping[str, str]) -> dict[str, Any]:
    """All that the page shows."""
    own = {key: attribute.type for key, attribute in upload.custom_attributes().items()}
    return {
        **state(imp, posted, own),
        "steps": steps("map"),
        "targets": target_groups(own),
        "types": [(t.key, t.label, value_formats.kind_of(t.key)) for t in CUSTOM_TYPES.values()],
        "form": form,
        "dialect": DialectForm.of(imp.dialect),
        "readings": _readings(imp),
        "segments": Segment.objects.static().order_by("name")[:200],
        "names": source_names.names(),
        "same": upload.same_file(imp),
        "fitting": saved_mappings.fitting(imp).select_related("created_by")[:5],
        "proposed": _proposed(imp),
    }


def _proposed(imp: Import) -> row_settings.ImportType | None:
    """What the file seems to hold beside contacts, until somebody has said what it does."""
    proposed = event_columns.looks_like({guess.normal_name(name) for name in imp.header})
    answered = imp.draft.get("asked") or drafts.task_of(imp) != "contacts"
    return None if proposed == "contacts" or answered else row_settings.TASKS[proposed]


def state(imp: Import, posted: Mapping[str, str], own: Mapping[str, str]) -> dict[str, Any]:
    """What changes with every choice: the columns, and how many of them go where."""
    rows = _rows(imp, own, posted)
    targets = Counter(row["target"] for row in rows)
    wrong = new_fields.problems({row["index"]: row["new"] for row in rows if row["target"] == "new"})
    for row in rows:
        row["clash"] = targets[row["target"]] > 1 and row["target"] not in ("skip", "new", *row_settings.STATUSES)
        row["consent"] &= row["target"] in ("skip", "new")
        row["wrong"] = wrong.get(row["index"], "")
        row["needs"] = bool(
            row["clash"] or row["ask"] or row["wrong"] or (row["consent"] and not row["left_out"])
        )  # fmt: skip
    return {
        "import": imp,
        "columns": rows,
        "mapped": len(rows) - targets["skip"] - targets["new"],
        "skipped": targets["skip"],
        "created": targets["new"],
        "bare": [row for row in rows if row["empty"]],
        "strangers": [row for row in rows if row["target"] == "skip" and not row["empty"]],
        "identifiers": [CORE[t] for t in SHOWN_IDENTIFIERS if targets[t]],
        "needing": sum(row["needs"] for row in rows),
    }


def _readings(imp: Import) -> dict[str, Any]:
    """The encodings between which a person has to decide, and how each of them reads some cells; nothing if it is clear."""
    unsure = imp.dialect.get("unsure")
    if not unsure:
        return {}
    with parse_unit.path_of(imp).open("rb") as file:
        cells = differing(file.read(upload.SNIFF_BYTES), unsure)
    return {"heads": [(name, CHOICES[name]) for name in unsure], "cells": cells}


def _rows(imp: Import, own: Mapping[str, str], posted: Mapping[str, str]) -> list[dict[str, Any]]:
    """The columns of the file as the page shows them."""
    seen = kept = column_choices.preview(imp, rows=column_choices.FORMAT_ROWS)
    if imp.dialect.get("workbook"):
        kept = column_choices.preview(imp, rows=column_choices.FORMAT_ROWS, kept=range(len(imp.header)))
    able = ["number", "list"] if strict_values.is_strict() else list(value_formats.CHOICES)
    rows = []
    for i, name in enumerate(imp.header):
        shown, values = ([r[i].strip() for r in preview.rows if i < len(r)] for preview in (seen, kept))
        row = _column(imp, i, name, shown)
        row["type"] = value_formats.guess_type(
            [likeliest(*pair) for pair in zip(shown, values, strict=True) if pair[0]][:20]
        )
        row["new"] = replace(row["new"], type=row["type"])
        rows.append(_with_formats(_as_posted(row, posted), [v for v in values if v], own, posted, able))
    return rows


def _column(imp: Import, i: int, name: str, values: list[str]) -> dict[str, Any]:
    filled = [v for v in values if v]
    current = imp.mapping[i]
    return {
        "index": i,
        "letter": reader.letter(i),
        "name": name,
        "samples": list(dict.fromkeys(v[:60] for v in filled))[:SAMPLES],
        "filled": 100 * len(filled) // len(values) if values else 0,
        "target": current["target"],
        "why": WHY.get(current.get("reason", ""), ""),
        "empty": not filled,
        "new": new_fields.suggested(name, current),
        "formats": current.get("formats"),
        "consent": name not in column_choices.passed_over(imp.header) and consent_columns.looks_like(name, values),
        "left_out": "left_out" in current,
    }


def _as_posted(row: dict[str, Any], posted: Mapping[str, str]) -> dict[str, Any]:
    """The row with what a person has chosen in the form that could not be taken."""
    if not posted:
        return row
    i, target = row["index"], posted.get(f"column-{row['index']}", "skip")
    why = row["why"] if target == row["target"] else WHY["chosen"]
    new = new_fields.read(posted, i, row["new"], kind=row["type"])
    return {**row, "new": new, "type": new.type, "target": target, "why": why, "left_out": f"leave-{i}" in posted}


def _with_formats(
    row: dict[str, Any], values: list[str], own: Mapping[str, str], posted: Mapping[str, str], able: list[str]
) -> dict[str, Any]:
    """The row with the ways in which its dates or numbers can be written, and what is to be asked about them."""
    target = f"new:{row['type']}" if row["target"] == "new" else row["target"]
    current = value_formats.type_of(target, own)
    options = {key: attribute.options for key, attribute in upload.custom_attributes().items()}
    hows, row["ask"], row["ask_why"] = [], "", ""
    for kind in able:
        mine = value_formats.kind_of(current) == kind
        if not mine and kind not in value_formats.kinds(values[:20]):
            continue
        proposal = value_formats.find(
            current if mine else FREE_TYPES[kind], values, options.get(row["target"]) if mine else None
        )
        question = value_formats.question(kind, proposal) if proposal.ask else ""
        kept = (row["formats"] or [value_formats.STRICT])[0] if mine and row["formats"] is not None else ""
        chosen = posted.get(f"{kind}-format-{row['index']}", "") or kept or ("" if proposal.ask else proposal.choice)
        words = value_formats.offered(kind, proposal, chosen)
        hows.append({"kind": kind, "options": list(words.items()), "chosen": chosen, "question": question})
        if question and mine and not chosen:
            row["ask"], row["ask_why"] = question, value_formats.why(proposal)
    return row | {"hows": hows}


def target_groups(own_types: Mapping[str, str]) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """Fields that a column can go to, in groups for a select: (key, label, `date` or `number`, tasks that it is for)."""
    own = [(a.key, a.label) for a in Attribute.objects.filter(archived_at=None).order_by("label")]
    groups = [
        ("Contact", [*CORE.items(), ("full_name", "Full name"), *list(row_settings.SETTINGS.items())[:3]]),
        ("Standard fields", [(key, s.label) for key, s in SYSTEM.items()]),
        ("Custom fields", own),
        ("For this row", list(row_settings.SETTINGS.items())[3:]),
        ("Activity", list(row_settings.EVENT.items())),
    ]
    return [
        (
            group,
            [
                (key, label, value_formats.kind_of(value_formats.type_of(key, own_types)), _tasks(key))
                for key, label in fields
            ],
        )
        for group, fields in groups
        if fields
    ]


def _tasks(target: str) -> str:
    return " ".join(key for key, task in row_settings.TASKS.items() if target in task.targets)


@allow("imports.run")
@require_POST
def preview(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """The first rows by what is chosen at this moment: a fragment for htmx, the page for a browser without a script."""
    imp = get_object_or_404(Import, pk=import_id)
    if imp.phase != Phase.DRAFT:  # it was started meanwhile
        return HttpResponse(status=204)
    form = OptionsForm(request.POST, may_revive=may_revive(request), workspace=workspace_of(request))
    options = form.options() if form.is_valid() else Options()
    chosen = sample_rows.draft(imp, _choices(request, imp), _written(request, imp))
    rows = sample_rows.rows(imp, chosen, options)
    labels = {key: label for _group, fields in target_groups({}) for key, label, *_rest in fields}
    heads = [
        {"name": name, "label": labels.get(column["target"], "New field")}
        for name, column in zip(imp.header, chosen, strict=True)
        if column["target"] != "skip"
    ]
    context: dict[str, Any] = {"rows": rows, "heads": heads, "bad": sum(row.bad for row in rows)}
    if request.headers.get("HX-Request"):
        return render_page(request, "imports/_preview.html", context)
    return show(request, imp, form=form, **context)


@allow("imports.run")
@require_POST
def start(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Take mapping and settings and hand the import to the workers. A second click finds it started."""
    imp = get_object_or_404(Import.objects.select_for_update(), pk=import_id)
    if imp.phase != Phase.DRAFT:
        return redirect_to(request, "imports:detail", imp.pk)
    form = OptionsForm(request.POST, may_revive=may_revive(request), workspace=workspace_of(request))
    if imp.dialect.get("unsure"):
        return show(request, imp, form=form, error="Choose the encoding of the file first.")
    if not form.is_valid():
        return show(request, imp, form=form, error=SEE_FIELDS)
    try:
        with transaction.atomic():  # a mapping that cannot be leaves no new fields behind
            mapped = chosen(request, imp, form.options())
    except column_choices.BadMapping as problem:
        return show(request, imp, form=form, error=str(problem))
    auto = "without_review" in request.POST
    options = form.options()
    imp.description = form.cleaned_data["description"]
    imp.save(update_fields=["description"])
    upload.start(imp, options=options, columns=mapped, auto_start=auto)
    audit.record("import.checked", user_id=request.user.pk, target=f"import {imp.pk}", without_review=auto)
    if options.revives:
        said = {name: getattr(options, name) for name in REVIVING}
        audit.record("import.may_revive", user_id=request.user.pk, target=f"import {imp.pk}", **said)
    return redirect_to(request, "imports:detail", imp.pk)


def chosen(request: WorkspaceRequest, imp: Import, options: Options) -> list[dict[str, Any]]:
    """The mapping as the form says it. Raises columns.BadMapping."""
    left_out = {i for i in range(len(imp.header)) if f"leave-{i}" in request.POST}
    written = _written(request, imp)
    return column_choices.apply_choices(
        imp, _choices(request, imp), written=written, options=options, left_out=left_out
    )


def _written(request: WorkspaceRequest, imp: Import) -> dict[str, str]:
    """How dates and numbers are written, by column index, for the columns whose fields have such."""
    own = {key: attribute.type for key, attribute in upload.custom_attributes().items()}
    types = {at: value_formats.type_of(choice, own) for at, choice in _choices(request, imp).items()}
    kinds = {at: value_formats.kind_of(type_key) for at, type_key in types.items()}
    return {at: request.POST.get(f"{kind}-format-{at[1:]}", "") for at, kind in kinds.items() if kind}


def _choices(request: WorkspaceRequest, imp: Import) -> dict[str, str]:
    """Choices by column index; "new" becomes new:TYPE:KEY:NAME from the fields beside it."""
    out = {}
    for i in range(len(imp.header)):
        choice = request.POST.get(f"column-{i}", "skip")
        if choice == "new":
            choice = new_fields.read(request.POST, i, new_fields.suggested(imp.header[i], {}), kind="text").choice
        out[f"#{i}"] = choice
    return out
