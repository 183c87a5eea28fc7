"""The import's own page, whatever state it is in: mapping, running, review, result. And what one can do to it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from contacts.models import EmailStatus
from core.formatting import number, stored
from core.http import redirect_to, render_page, stop_polling
from core.parse import parse_id
from imports import csv_output
from imports.models import Import, Phase, Status, UndoDirection
from imports.pipeline import undo
from imports.results import error_rows, outcome, progress, summary
from imports.views import corrections, downloads, mapping
from imports.views.upload import spoken, steps
from imports.wizard import column_choices, upload
from imports.wizard.forms import CancelForm
from segments.models import Segment
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

MAX_DESCRIPTION = 300

# The last line that a file can have: rows have numbers of four bytes.
MAX_LINE = 2**31 - 1


@allow("imports.view")
@require_safe
def detail(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """One address for the whole life of an import."""
    imp = get_object_or_404(Import.objects.select_related("created_by"), pk=import_id)
    if imp.ended:
        return render_page(request, "imports/result.html", _result(request, imp))
    if not outcome.rests(imp):
        return render_page(
            request, "imports/undoing.html" if imp.undo_direction else "imports/running.html", _running(imp)
        )
    if imp.phase == Phase.DRAFT:
        return (
            mapping.show(request, imp)
            if _may(request, "imports.run")
            else render_page(request, "imports/draft.html", {"import": imp})
        )
    return render_page(request, "imports/review.html", _review(imp))


def _may(request: WorkspaceRequest, permission: str) -> bool:
    return bool(request.membership.may(permission))


def _running(imp: Import) -> dict[str, Any]:
    if imp.undo_direction:
        return {"import": imp, "turned": undo.progress(imp)}
    return {"import": imp, "progress": progress.of(imp), "steps": steps("run" if imp.started else "review")}


@allow("imports.view")
@require_safe
def live(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """The running page's figures; when there is something else to see, the page is loaded again."""
    imp = get_object_or_404(Import, pk=import_id)
    if outcome.rests(imp):
        response = stop_polling(HttpResponse())
        response.headers["HX-Refresh"] = "true"
        return response
    return render_page(
        request,
        "imports/_undoing.html" if imp.undo_direction else "imports/_running.html",
        _running(imp) | {"live": True},
    )


CHANNELS = {"email_status": "E-mail", "phone_status": "Phone"}
KINDS = (("email", "by e-mail"), ("external_id", "by external ID"), ("phone", "by phone"))


def _review(imp: Import) -> dict[str, Any]:
    labels = column_choices.labels()
    changes = [
        c | {"label": labels.get(c["key"], c["key"]), "before": _read(c["before"]), "after": _read(c["after"])}
        for c in imp.review["changes"]
    ]
    matched = imp.review["visitors"]
    return {
        "import": imp,
        "steps": steps("review"),
        "counts": imp.counts,
        "changes": changes,
        "reasons": error_rows.codes_by_column(imp),
        "skipped": error_rows.codes(imp, "skipped"),
        "warnings": error_rows.codes(imp, "warning"),
        "visitors": [(label, matched[kind]) for kind, label in KINDS if matched.get(kind)],
        "matched": imp.review["counts"]["visitors"],
        "ambiguous": matched.get("ambiguous", 0),
        "segments": imp.review["segments"],
        "events": imp.review.get("events"),
        "statuses": [
            s | {"channel": CHANNELS[s["key"]], "label": EmailStatus(s["status"]).label}
            for s in imp.review.get("statuses", [])
        ],
        "writes": imp.imported,
    }


def _read(value: Any) -> str | None:
    """A value of the review as people read it; None where there was or will be none."""
    return None if value is None else stored(value)


def _result(request: WorkspaceRequest, imp: Import) -> dict[str, Any]:
    counts, now = progress.outcome(imp), timezone.now()
    return {
        "import": imp,
        "undoable": undo.undoable(imp, now=now),
        "redoable": undo.redoable(imp, now=now),
        "undo_lines": undo.report_lines(imp),
        "steps": steps("result"),
        "counts": counts,
        "how": summary.describe(imp, request.workspace),
        "parent": Import.objects.filter(pk=imp.parent_id).first() if imp.parent_id else None,
        "brought": _brought_again(imp),
        "downloads": downloads.menu(imp, counts),
        "imported": sum(counts[name] for name in ("created", "updated", "unchanged", "duplicates")),
        "written": counts["created"] + counts["updated"],
        "problem": spoken(imp.reason, imp.reason_facts) if imp.status == Status.FAILED else None,
        "sum_urls": {"in_error": "#errors"},
        "visitors_word": f"{number(imp.matched_visitors)} visitor{'' if imp.matched_visitors == 1 else 's'} matched",
        "skipped": error_rows.codes(imp, "skipped"),
        "warnings": error_rows.codes(imp, "warning"),
        "segments": Segment.objects.present().filter(pk__in=imp.segments.values()).order_by("name")[:20],
        **_sheet(request, imp),
    }


def _brought_again(imp: Import) -> dict[str, Any] | None:
    """What became of rows in error that were corrected and imported again: the sum of those imports, and the imports."""
    again = list(Import.objects.filter(parent_id=imp.pk).order_by("pk"))
    if not again:
        return None
    ended = [retry for retry in again if retry.ended and retry.status == Status.IMPORTED]
    return {
        "imports": again,
        "rows": sum(retry.rows or 0 for retry in ended),
        "imported": sum(retry.imported for retry in ended),
        "skipped": sum(retry.skipped for retry in ended),
        "in_error": sum(retry.in_error for retry in ended),
        "running": len(again) - sum(retry.ended for retry in again),
    }


def _sheet(request: WorkspaceRequest, imp: Import) -> dict[str, Any]:
    """A page of the rows in error: of one reason or of all, behind a line. Cells only for those who may see them."""
    codes = error_rows.codes(imp)
    code = request.GET.get("code", "")
    chosen = next((c for c in codes if c["code"] == code), None)
    may_see = request.membership.may("imports.rows")
    after = min(parse_id(request.GET.get("after", "")) or 0, MAX_LINE)
    code = code if chosen else ""
    columns_ = error_rows.columns_in_error(imp, code=code)
    column = next((c for c in columns_ if str(c["index"]) == request.GET.get("column", "")), None)
    at = column["index"] if column else None
    rows = error_rows.sheet(imp, code=code, column=at, after=after, rows=error_rows.SHEET_ROWS) if may_see else []
    query = {"code": code} if chosen else {}
    query |= {"column": str(at)} if column else {}
    of = column or chosen
    return {
        "may_see": may_see,
        "codes": codes,
        "chosen": chosen,
        "of_columns": columns_,
        "chosen_column": column,
        **corrections.drawn(request, imp, rows),
        "pager_text": f"{number(len(rows))} of {number(of['rows'] if of else imp.in_error)} rows of the file",
        "first_url": f"?{urlencode(query)}#errors" if after else None,
        "older_url": f"?{urlencode(query | {'after': rows[-1].line})}#errors"
        if len(rows) == error_rows.SHEET_ROWS
        else None,
    }


@allow("imports.run")
@require_POST
def confirm(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Start after the review. A second click changes nothing."""
    imp = get_object_or_404(Import, pk=import_id)
    if upload.confirm(imp):
        audit.record("import.started", user_id=request.user.pk, target=f"import {imp.pk}", **imp.review["counts"])
    return redirect_to(request, "imports:detail", imp.pk)


@allow("imports.run")
@require_POST
def describe(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """What the import is, in words: may be said at any time, also after its end."""
    imp = get_object_or_404(Import.objects.select_for_update(), pk=import_id)
    text = " ".join(request.POST.get("description", "").replace("\x00", "").split())
    if len(text) > MAX_DESCRIPTION:
        messages.error(
            request, f"A description can have at most {MAX_DESCRIPTION} characters. This one has {len(text)}."
        )
    elif text != imp.description:
        before, imp.description = imp.description, text
        imp.save(update_fields=["description"])
        audit.record("import.described", user_id=request.user.pk, target=f"import {imp.pk}", before=before, after=text)
        messages.success(request, "Description saved.")
    return redirect_to(request, "imports:detail", imp.pk)


@allow("imports.cancel")
@require_safe
def ask_cancel(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """What canceling would do, in figures of this moment: a dialog for htmx, a page for a browser without a script."""
    imp = get_object_or_404(Import, pk=import_id)
    if imp.ended or imp.undo_direction:
        return redirect_to(request, "imports:detail", imp.pk)
    now = progress.of(imp)
    open_rows = max((imp.rows or 0) - (now.done if now.writing else 0), 0)
    context = {"import": imp, "progress": now, "effects": _effects(now.written, open_rows, imp.rows)}
    context["form"] = CancelForm() if imp.started and _may(request, "imports.undo") else None
    fragment = bool(request.headers.get("HX-Request"))
    return render_page(request, "imports/_cancel.html" if fragment else "imports/cancel.html", context)


def _effects(written: int, open_rows: int, rows: int | None) -> list[dict[str, str]]:
    """What canceling does, for ui/dialog.html."""
    stay = {"icon": "check", "text": "Rows already written stay", "figure": number(written)}
    out = {"icon": "x", "text": "Rows that will not be processed", "figure": number(open_rows) if rows else "all"}
    again = {
        "icon": "repeat",
        "text": "To import the rest, import the file again. This does not create duplicates.",
        "figure": "",
    }
    return [stay, out, again]


@allow("imports.cancel")
@require_POST
def cancel(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """End an import. What is written stays and is counted on its page."""
    imp = get_object_or_404(Import, pk=import_id)
    take_back = request.POST.get("written") == "take_back" and _may(request, "imports.undo")
    if upload.cancel(imp, take_back=take_back):
        audit.record("import.canceled", user_id=request.user.pk, target=f"import {imp.pk}", take_back=take_back)
        messages.success(request, f"Canceling {imp.file_name}.")
    return redirect_to(request, "imports:detail", imp.pk)


@allow("imports.undo")
@require_safe
def confirm_undo(request: WorkspaceRequest, import_id: int, direction: UndoDirection) -> HttpResponse:
    """What an undo, or its reversal, would do: a dialog for htmx, a page for a browser without a script."""
    imp = get_object_or_404(Import, pk=import_id)
    now = timezone.now()
    if not (undo.undoable(imp, now=now) if direction == UndoDirection.UNDO else undo.redoable(imp, now=now)):
        return redirect_to(request, "imports:detail", imp.pk)
    context = {"import": imp, "direction": direction, "effects": undo.effects(imp, direction)}
    fragment = bool(request.headers.get("HX-Request"))
    return render_page(request, "imports/_turn.html" if fragment else "imports/turn.html", context)


@allow("imports.undo")
@require_POST
def start_undo(request: WorkspaceRequest, import_id: int, direction: UndoDirection) -> HttpResponse:
    """Undo an import, or take its undo back. A second click changes nothing."""
    imp = get_object_or_404(Import, pk=import_id)
    user: Any = request.user
    if undo.request(imp, direction, user=user):
        audit.record(f"import.{direction}", user_id=user.pk, target=f"import {imp.pk}")
    return redirect_to(request, "imports:detail", imp.pk)


@allow("imports.rows")
@require_safe
def errors(request: WorkspaceRequest, import_id: int) -> StreamingHttpResponse:
    """All rows in error as CSV."""
    imp = get_object_or_404(Import, pk=import_id)
    lines = csv_output.streamed(request.workspace.pk, error_rows.errors_csv(imp))
    return downloads.as_csv(lines, name=f"{downloads.stem(imp)} rows in error.csv")
