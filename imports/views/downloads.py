"""Downloads of an import: its rows by what became of them."""

from collections.abc import Iterable
from typing import Any

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core.http import not_found, render_page
from core.outcome_bar import OUTCOMES as WORDS
from imports import csv_output
from imports.files.reader import FileProblem
from imports.models import Import
from imports.pipeline import parse_unit
from imports.results import outcome_download, progress, summary
from imports.views.upload import spoken
from imports.wizard import column_choices
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

_WORD = {outcome.key: outcome.word for outcome in WORDS}


def menu(imp: Import, counts: dict[str, int]) -> list[dict[str, Any]]:
    """What the menu "Download" of the result page offers: rows by outcome."""
    return [{"outcome": o, "word": _WORD[o], "rows": counts[o]} for o in outcome_download.offered(imp, counts)]


@allow("imports.rows")
@require_safe
def rows(request: WorkspaceRequest, import_id: int, outcome: str) -> HttpResponseBase:
    """All rows with one outcome, as CSV with the file's own columns."""
    imp = get_object_or_404(Import, pk=import_id)
    if not imp.ended or outcome not in outcome_download.offered(imp, progress.outcome(imp)):
        return not_found(request)
    try:
        parse_unit.path_of(imp)
    except FileProblem as problem:
        return gone(request, imp, problem)
    lines = outcome_download.lines(imp, outcome, labels=column_choices.labels())
    tenant_id: int = request.workspace.pk
    return as_csv(csv_output.streamed(tenant_id, lines), name=f"{stem(imp)} {_WORD[outcome].lower()}.csv")


@allow("imports.rows")
@require_safe
def original(request: WorkspaceRequest, import_id: int) -> HttpResponseBase:
    """The file as it came, under its own name."""
    imp = get_object_or_404(Import, pk=import_id)
    path = summary.original(imp)
    if path is None:
        return gone(request, imp, FileProblem("file_missing", file=imp.file_name))
    # Never a type that a browser would show: it is somebody else's file.
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=imp.file_name, content_type="application/octet-stream"
    )


def gone(request: WorkspaceRequest, imp: Import, problem: FileProblem) -> HttpResponse:
    """The page that says why a file cannot be had: 410."""
    context = {"import": imp, "problem": spoken(problem.code, problem.facts)}
    return render_page(request, "imports/gone.html", context, status=410)


def stem(imp: Import) -> str:
    """The file's name without its ending, of signs that a header can carry."""
    return ascii_name(imp.file_name.rpartition(".")[0] or imp.file_name)


def ascii_name(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_ .") else "_" for c in name)


def as_csv(lines: Iterable[str], *, name: str) -> StreamingHttpResponse:
    """A download that is sent line by line."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
