"""The import's own page, whatever state it is in: mapping, running, review, result. And what one can do to it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from cdp.http import go, page, stop_polling
from contacts.attributes import CORE, SYSTEM
from contacts.models import Attribute
from imports import intake, progress, reports
from imports.models import Import, Phase, Status
from imports.views import mapping
from imports.views.upload import spoken, steps
from segments.models import Segment
from tenants import audit
from tenants.roles import allow


@allow("imports.view")
@require_safe
def detail(request: HttpRequest, import_id: int) -> HttpResponse:
    """One address for the whole life of an import."""
    imp = get_object_or_404(Import.objects.select_related("created_by"), pk=import_id)
    if imp.phase == Phase.DRAFT:
        return mapping.show(request, imp)
    if imp.phase == Phase.REVIEW:
        return page(request, "imports/review.html", _review(imp))
    if imp.ended:
        return page(request, "imports/result.html", _result(request, imp))
    return page(request, "imports/running.html", _running(imp))


def _running(imp: Import) -> dict[str, Any]:
    return {"import": imp, "progress": progress.of(imp), "steps": steps("run" if imp.started else "review")}


@allow("imports.view")
@require_safe
def live(request: HttpRequest, import_id: int) -> HttpResponse:
    """The running page's figures; when there is something else to see, the page is loaded anew."""
    imp = get_object_or_404(Import, pk=import_id)
    if imp.ended or imp.phase in (Phase.DRAFT, Phase.REVIEW):
        response = stop_polling(HttpResponse())
        response.headers["HX-Refresh"] = "true"
        return response
    return page(request, "imports/_running.html", _running(imp))


def _review(imp: Import) -> dict[str, Any]:
    labels = field_labels()
    changes = [c | {"label": labels.get(c["key"], c["key"])} for c in imp.review["changes"]]
    found = imp.review["visitors"]
    kinds = (("email", "by e-mail"), ("external_id", "by external ID"), ("phone", "by phone"))
    return {
        "import": imp,
        "steps": steps("review"),
        "counts": imp.counts,
        "changes": changes,
        "reasons": reports.codes_by_column(imp),
        "skipped": reports.codes(imp, "skipped"),
        "warnings": reports.codes(imp, "warning"),
        "visitors": [(label, found.get(kind, 0)) for kind, label in kinds],
        "matched": imp.review["counts"]["visitors"],
        "ambiguous": found.get("ambiguous", 0),
        "writes": imp.created + imp.updated,
    }


def field_labels() -> dict[str, str]:
    """Key → label of every field of the workspace."""
    own = dict(Attribute.objects.values_list("key", "label"))
    return {**own, **{key: s.label for key, s in SYSTEM.items()}, **CORE}


def _result(request: HttpRequest, imp: Import) -> dict[str, Any]:
    code = request.GET.get("code", "")
    after = _number(request.GET.get("after"))
    may_see = request.membership.may("imports.rows")  # type: ignore[attr-defined]
    rows = reports.sheet(imp, code=code, after=after, rows=reports.SHEET_ROWS) if may_see else []
    return {
        "import": imp,
        "steps": steps("result"),
        "counts": imp.counts,
        "problem": spoken(imp.reason, imp.reason_facts) if imp.status == Status.FAILED else None,
        "codes": reports.codes(imp),
        "skipped": reports.codes(imp, "skipped"),
        "warnings": reports.codes(imp, "warning"),
        "columns": reports.columns(imp),
        "sheet": rows,
        "code": code,
        "after": after,
        "older": rows[-1].line if len(rows) == reports.SHEET_ROWS else None,
        "segment": Segment.objects.filter(pk=imp.segment_id).first() if imp.segment_id else None,
        "may_see": may_see,
    }


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


@allow("imports.run")
@require_POST
def confirm(request: HttpRequest, import_id: int) -> HttpResponse:
    """Start after the review. A second click changes nothing."""
    imp = get_object_or_404(Import, pk=import_id)
    if intake.confirm(imp):
        audit.record("import.started", user_id=request.user.pk, target=f"import {imp.pk}", **imp.review["counts"])
    return go(request, "imports:detail", imp.pk)


@allow("imports.cancel")
@require_POST
def cancel(request: HttpRequest, import_id: int) -> HttpResponse:
    """End an import. What is written stays and is counted on its page."""
    imp = get_object_or_404(Import, pk=import_id)
    if intake.cancel(imp):
        audit.record("import.canceled", user_id=request.user.pk, target=f"import {imp.pk}")
        messages.success(request, f"{imp.file_name} is being canceled.")
    return go(request, "imports:detail", imp.pk)


@allow("imports.rows")
@require_safe
def errors(request: HttpRequest, import_id: int) -> StreamingHttpResponse:
    """All rows in error as CSV."""
    imp = get_object_or_404(Import, pk=import_id)
    lines = reports.streamed(request.workspace.pk, reports.errors_csv(imp))  # type: ignore[attr-defined]
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = imp.file_name.rpartition(".")[0] or imp.file_name
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_ .") else "_" for c in name)
    response.headers["Content-Disposition"] = f'attachment; filename="{safe} rows in error.csv"'
    return response
