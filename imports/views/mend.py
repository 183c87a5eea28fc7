"""Rows in error, mended in their sheet and brought again."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from cdp.http import go, page
from contacts.models import Contact
from imports import mending, reports, sheet
from imports.models import Import
from imports.reports import SheetRow
from tenants import audit
from tenants.roles import allow


def drawn(request: HttpRequest, imp: Import, rows: list[SheetRow]) -> dict[str, Any]:
    """What the sheet's template shows of rows: columns, lines, whether they can be mended, and how many are ready."""
    columns = sheet.columns(imp.header, rows)
    targets = [column.get("target", "skip") for column in imp.mapping]
    people = Contact.objects.living().in_bulk({pk for row in rows for pk in row.contacts})
    may = request.membership.may  # type: ignore[attr-defined]
    can_mend = may("imports.run") and may("imports.rows") and mending.mendable(imp)
    return {
        "columns": columns,
        "lines": sheet.lines(rows, width=len(columns), header=len(imp.header), targets=targets, people=people),
        "can_mend": can_mend,
        "ready": len(mending.ready(imp)) if can_mend else 0,
    }


def _given(request: HttpRequest, line: int) -> dict[int, str]:
    """Index of the column → what was typed, from fields named r12-0, r12-1 …"""
    prefix = f"r{line}-"
    names = [name for name in request.POST if name.startswith(prefix)]
    return {int(name[len(prefix) :]): request.POST[name] for name in names if name[len(prefix) :].isdecimal()}


def _chosen(request: HttpRequest, imp: Import, line: int) -> int | None:
    """The contact that was chosen for a row: one of those that its reasons name, or none."""
    text = request.POST.get(f"r{line}-contact", "")
    row = reports.row(imp, line)
    if row is None or not text.isdecimal() or int(text) not in row.contacts:
        return None
    return int(text) if Contact.objects.living().filter(pk=int(text)).exists() else None


@allow("imports.run")
@require_POST
def mend(request: HttpRequest, import_id: int, line: int) -> HttpResponse:
    """Keep what was typed into a row and judge it at once: the row as a fragment."""
    imp = get_object_or_404(Import, pk=import_id)
    chosen = _chosen(request, imp, line)
    if not mending.mendable(imp) or not mending.mend(imp, line, _given(request, line), chosen=chosen):
        raise Http404
    row = reports.row(imp, line)
    if row is None or not request.headers.get("HX-Request"):
        return go(request, "imports:detail", imp.pk)
    context = drawn(request, imp, [row])
    return page(request, "imports/_sheet_mended.html", {"import": imp, "line": context["lines"][0], **context})


@allow("imports.run")
@require_POST
def retry(request: HttpRequest, import_id: int) -> HttpResponse:
    """Bring the mended rows. What was typed without a script comes with the same form."""
    imp = get_object_or_404(Import, pk=import_id)
    if not mending.mendable(imp):
        return go(request, "imports:detail", imp.pk)
    typed = {int(n[1:].partition("-")[0]) for n in request.POST if n[:1] == "r" and n[1:].partition("-")[0].isdecimal()}
    for line in sorted(typed)[: reports.SHEET_ROWS]:
        mending.mend(imp, line, _given(request, line), chosen=_chosen(request, imp, line))
    made = mending.retry(imp, tenant=request.workspace, user=request.user)  # type: ignore[attr-defined, arg-type]
    if made is None:
        messages.error(request, "No row is ready yet. Mend the red cells of a row, then bring it again.")
        return go(request, "imports:detail", imp.pk)
    audit.record("import.retried", user_id=request.user.pk, target=f"import {imp.pk}", into=made.pk)
    messages.success(request, f"The mended rows of {imp.file_name} are on their way.")
    return go(request, "imports:detail", made.pk)
