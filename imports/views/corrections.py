"""Rows in error, corrected in their sheet and imported again."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from contacts.models import Contact
from core.formatting import number
from core.http import redirect_to, render_page
from core.parse import parse_id as whole_number
from imports.cleaning.row_cleaner import Cleaner
from imports.files import reader
from imports.models import Import
from imports.pipeline import parse_unit
from imports.results import correction_queries, corrections, error_rows, error_sheet, suggestions
from imports.results.error_rows import SheetRow
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest


def drawn(request: WorkspaceRequest, imp: Import, rows: list[SheetRow]) -> dict[str, Any]:
    """What the sheet's template shows of rows: columns, lines, whether they can be corrected, and how many are ready."""
    columns = error_sheet.columns(imp.header, rows)
    targets = [column.get("target", "skip") for column in imp.mapping]
    contacts = Contact.objects.living().in_bulk({pk for row in rows for pk in row.contacts})
    may = request.membership.may
    can_correct = may("imports.run") and may("imports.rows") and corrections.is_correctable(imp)
    lines = error_sheet.lines(rows, width=len(columns), header=len(imp.header), targets=targets, contacts=contacts)
    if can_correct:
        propose(imp, lines)
    return {
        "columns": columns,
        "lines": lines,
        "can_correct": can_correct,
        "ready": len(corrections.ready_lines(imp)) if can_correct else 0,
    }


def propose(imp: Import, lines: list[error_sheet.Line]) -> None:
    """Propose corrections of bad cells, and say at corrected ones how many others have their old value."""
    proposals: list[tuple[int, error_sheet.DrawnCell, suggestions.Proposal]] = []
    cleaner: Cleaner | None = None
    for line in lines:
        for i, square in enumerate(line.squares[: len(imp.header)] if not line.retried_in else ()):
            if square.bad and square.reasons:
                cleaner = cleaner or parse_unit.compiled(imp)
                made = suggestions.propose(square.value, imp.mapping[i], good=_good(cleaner, line, i))
            elif square.was is not None:
                made = suggestions.Proposal(square.was, square.value, True)
            else:
                continue
            if made is not None:
                proposals.append((i, square, made))
    counts = correction_queries.count_cells(imp.pk, [(i, made.find, made.whole) for i, _square, made in proposals])
    for (_i, square, made), same in zip(proposals, counts, strict=True):
        square.proposal, square.same = made, same


def _good(cleaner: Cleaner, line: error_sheet.Line, at: int) -> Callable[[str], bool]:
    cells = [square.value for square in line.squares]

    def good(value: str) -> bool:
        problems = corrections.validate(cleaner, [*cells[:at], value, *cells[at + 1 :]])
        return all(problem.column != at for problem in problems)

    return good


def _given(request: WorkspaceRequest, line: int) -> dict[int, str]:
    """Index of the column → what was typed, from fields named r12-0, r12-1 …"""
    prefix = f"r{line}-"
    names = [name for name in request.POST if name.startswith(prefix)]
    return {int(name[len(prefix) :]): request.POST[name] for name in names if name[len(prefix) :].isdecimal()}


def _chosen(request: WorkspaceRequest, imp: Import, line: int) -> int | None:
    """The contact that was chosen for a row: one of those that its reasons name, or none."""
    text = request.POST.get(f"r{line}-contact", "")
    row = error_rows.row(imp, line)
    if row is None or not text.isdecimal() or int(text) not in row.contacts:
        return None
    return int(text) if Contact.objects.living().filter(pk=int(text)).exists() else None


@allow("imports.run")
@require_POST
def correct_row(request: WorkspaceRequest, import_id: int, line: int) -> HttpResponse:
    """Keep what was typed into a row and judge it at once: the row as a fragment."""
    imp = get_object_or_404(Import, pk=import_id)
    chosen = _chosen(request, imp, line)
    if not corrections.is_correctable(imp) or not corrections.correct_row(
        imp, line, _given(request, line), chosen=chosen
    ):
        raise Http404
    corrections.recheck(imp, [line])
    row = error_rows.row(imp, line)
    if row is None or not request.headers.get("HX-Request"):
        return redirect_to(request, "imports:detail", imp.pk)
    context = drawn(request, imp, [row])
    return render_page(request, "imports/_sheet_mended.html", {"import": imp, "line": context["lines"][0], **context})


@allow("imports.run")
@require_POST
def replace(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """One change in many cells: what was typed to be found and put, or the proposal whose button was pressed."""
    imp = get_object_or_404(Import, pk=import_id)
    if not corrections.is_correctable(imp):
        raise Http404
    _keep_typed(request, imp)
    column, find, put, whole = _change(request)
    changed = corrections.replace(imp, column, find, put, whole=whole)
    if changed:
        name = imp.header[column] or f"column {reader.letter(column)}"
        told = {"column": column, "cells": changed}
        audit.record("import.replaced", user_id=request.user.pk, target=f"import {imp.pk}", **told)
        messages.success(request, f"Changed {number(changed)} cell{'s' * (changed != 1)} in {name}.")
    else:
        messages.info(request, "No cell in this column contains that text. Nothing was changed.")
    shown = {name: request.POST[name] for name in ("code", "column") if request.POST.get(name)}
    return redirect_to(request, f"{reverse('imports:detail', args=[imp.pk])}?{urlencode(shown)}#errors")


def _change(request: WorkspaceRequest) -> tuple[int, str, str, bool]:
    """(index of the column, what is sought, what is put, whether the whole cell is meant)"""
    try:
        given = json.loads(request.POST.get("change", "null"))
        column, find, put, whole = given if isinstance(given, list) and len(given) == 4 else _typed(request)
    except ValueError:
        column, find, put, whole = -1, "", "", True
    if not (isinstance(column, int) and isinstance(find, str) and isinstance(put, str)):
        return -1, "", "", True
    return column, find, put, bool(whole)


def _typed(request: WorkspaceRequest) -> tuple[int, str, str, bool]:
    given = request.POST
    index = whole_number(given.get("in", ""))
    return -1 if index is None else index, given.get("find", ""), given.get("put", ""), "whole" in given


def _keep_typed(request: WorkspaceRequest, imp: Import) -> None:
    """What was typed without a script comes with the form."""
    typed = {int(n[1:].partition("-")[0]) for n in request.POST if n[:1] == "r" and n[1:].partition("-")[0].isdecimal()}
    for line in sorted(typed)[: error_rows.SHEET_ROWS]:
        corrections.correct_row(imp, line, _given(request, line), chosen=_chosen(request, imp, line))
    corrections.recheck(imp)


@allow("imports.run")
@require_POST
def retry(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Import the corrected rows. What was typed without a script comes with the same form."""
    imp = get_object_or_404(Import, pk=import_id)
    if not corrections.is_correctable(imp):
        return redirect_to(request, "imports:detail", imp.pk)
    _keep_typed(request, imp)
    made = corrections.import_corrections(imp, tenant=request.workspace, user=request.user)  # type: ignore[arg-type]
    if made is None:
        messages.error(request, "No corrected rows yet. Correct the highlighted cells, then import the rows.")
        return redirect_to(request, "imports:detail", imp.pk)
    audit.record("import.retried", user_id=request.user.pk, target=f"import {imp.pk}", into=made.pk)
    messages.success(request, f"Importing the corrected rows of {imp.file_name}.")
    return redirect_to(request, "imports:detail", made.pk)
