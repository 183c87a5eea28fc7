"""A source: its match report, its people, what uses it; rename, refresh, remove, restore."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.models import Contact
from core import charts, edit_conflicts
from core.formatting import number
from core.http import invalid, not_found, redirect_to, render_page, stop_polling
from core.parse import parse_id
from imports import csv_output
from imports.models import Import
from segments.models import Segment
from sources import match_report, refresh, usage
from sources.models import Origin, Source, SourceMember, SourceState, SourceType, Target
from sources.source_form import STAGES, changed
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id
from tracking.models import Site, Visitor, VisitorIdentifier

SAMPLES, PAGE, CSV_PAGE = 5, 50, 2_000


@allow("sources.view")
@require_safe
def detail(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """The match report of a source."""
    source = get_object_or_404(Source, pk=source_id)
    return render_page(request, "sources/detail.html", _report(source))


@allow("sources.view")
@require_safe
def live(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """The fragment with the figures, which asks again while they are worked out."""
    source = get_object_or_404(Source, pk=source_id)
    response = render_page(request, "sources/_report.html", _report(source))
    return response if source.active or source.state == SourceState.WAITING else stop_polling(response)


def _report(source: Source) -> dict[str, Any]:
    now = timezone.now()
    signals = match_report.lookalike_signals(source)
    return {
        "source": source,
        "origin": _origin(source),
        "import": Import.objects.filter(pk=source.import_id).first() if source.import_id else None,
        "counts": match_report.parts(source),
        "chart": _chart(source),
        "recent": _recent(source, since=now.date()),
        "samples": _evidence(match_report.sample(source, after=0, count=SAMPLES, matched=True)),
        "uses": usage.uses(source.pk),
        "signals": signals,
        "lookalike": all(has >= needed for _what, has, needed in signals),
        "busy": source.active or source.state == SourceState.WAITING,
        "waiting": source.state == SourceState.WAITING,
    }


def _origin(source: Source) -> str:
    """Where its contacts come from, in words."""
    if source.origin == Origin.SEGMENTS:
        names = Segment.objects.present().filter(pk__in=source.segments).order_by("name").values_list("name", flat=True)
        return ", ".join(names) or "segments that no longer exist"
    if source.origin == Origin.VISITORS:
        site = Site.objects.filter(pk=source.site_id).first() if source.site_id else None
        stages = [STAGES[stage].lower() for stage in source.stages if stage in STAGES]
        return f"visitors of {site or 'all sites'}" + (f" who {' or '.join(stages)}" if stages else "")
    return ""


def _chart(source: Source) -> Any:
    """Matched people over time; None while there are fewer than two days."""
    days = [(date.fromisoformat(day), count) for day, count in source.growth]
    if len(days) < 2:
        return None
    labels = [f"{day.day} {day:%b}" for day, _count in days]
    sentence = f"{number(source.matched)} matched people, from {number(days[0][1])} on {labels[0]}"
    return charts.line(labels, [count for _day, count in days], name="Matched people", sentence=sentence)


def _recent(source: Source, *, since: date) -> int:
    """People who were matched within seven days."""
    before = [count for day, count in source.growth if (since - date.fromisoformat(day)).days >= 7]
    return source.matched - (before[-1] if before else 0)


def _evidence(rows: list[tuple[SourceMember, Contact]]) -> list[dict[str, Any]]:
    """Members with the visitor by whom each was matched first, and what that visitor had entered."""
    visitors: dict[int, Visitor] = {}
    for visitor in Visitor.objects.filter(contact_id__in=[c.pk for _m, c in rows]).order_by("-claimed_at", "-pk"):
        visitors[visitor.contact_id] = visitor
    names = {
        (name.visitor_id, name.kind): name
        for name in VisitorIdentifier.objects.filter(visitor_id__in=[v.pk for v in visitors.values()]).order_by(
            "-seen_at"
        )
    }
    found = []
    for member, contact in rows:
        visitor = visitors.get(contact.pk)
        name = names.get((visitor.pk, visitor.matched_by or "")) if visitor else None
        found.append({"member": member, "contact": contact, "visitor": visitor, "name": name})
    return found


@allow("sources.view")
@require_safe
def people(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """The matched people of a source, or those that no visitor is, with the evidence; in keyset pages."""
    source = get_object_or_404(Source, pk=source_id)
    matched = request.GET.get("show") != "unmatched"
    after = parse_id(request.GET.get("after", "")) or 0
    page = match_report.page_of(source, after=after, count=PAGE + 1, matched=matched)
    rows = [(member, contact) for member, contact in page[:PAGE] if contact is not None]
    show = "matched" if matched else "unmatched"
    return render_page(
        request,
        "sources/people.html",
        {
            "source": source,
            "rows": _evidence(rows),
            "matched": matched,
            "download_url": reverse(f"sources:download_{show}", args=[source.pk]),
            "first_url": f"?show={show}" if after else None,
            "older_url": f"?show={show}&after={page[PAGE - 1][0].contact_id}" if len(page) > PAGE else None,
            "tabs": [
                {"label": "Matched", "url": "?", "count": number(source.matched), "current": matched},
                {
                    "label": "Not matched",
                    "url": "?show=unmatched",
                    "count": number(source.contacts - source.matched),
                    "current": not matched,
                },
            ],
        },
    )


HEADS = ("contact_id", "external_id", "email", "phone", "first_name", "last_name", "matched_by", "matched_at", "score")


@allow("contacts.export")
@require_POST
def download(request: WorkspaceRequest, source_id: int, show: str) -> HttpResponseBase:
    """The people of a source that are matched, or are not, or all of them, as CSV. A POST, because the audit log tells who
    has taken them."""
    source = get_object_or_404(Source, pk=source_id)
    wanted = {"matched": [True], "unmatched": [False], "all": [True, False]}[show]
    audit.record("source.exported", user_id=user_id(request), target=source.name, show=show)
    lines = csv_output.streamed(request.workspace.pk, _lines(source, wanted))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="source-{source.pk}-{show}.csv"'
    return response


def _lines(source: Source, wanted: list[bool]) -> Iterator[str]:
    yield csv_output.line(HEADS)
    for matched in wanted:
        after = 0
        while rows := match_report.page_of(source, after=after, count=CSV_PAGE, matched=matched):
            after = rows[-1][0].contact_id
            for member, contact in rows:
                if contact is not None:
                    yield csv_output.line(_cells(member, contact))


def _cells(member: SourceMember, contact: Contact) -> list[str]:
    at = timezone.localtime(member.matched_at).isoformat(timespec="seconds") if member.matched_at else ""
    own = [contact.external_id, contact.email_display, contact.phone_display, contact.first_name, contact.last_name]
    score = "" if member.score is None else str(member.score)
    return [str(contact.pk), *(value or "" for value in own), member.matched_by or "", at, score]


DESCRIBED = {"name": "Name", "type": "Type", "target": "Find more", "description": "Description"}


@allow("sources.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """Change the name, the type, the target and the description."""
    sources = Source.objects.select_for_update() if request.method == "POST" else Source.objects.all()
    source = get_object_or_404(sources, pk=source_id, archived_at=None)
    given = {name: getattr(source, name) for name in DESCRIBED}
    choices = {
        "source": source, "types": SourceType.choices, "targets": Target.choices,
        "seen": edit_conflicts.seen(source, DESCRIBED),
    }  # fmt: skip
    if request.method != "POST":
        return render_page(request, "sources/edit.html", {**choices, "given": given, "errors": {}})
    values, errors = changed(request.POST)
    if refused := edit_conflicts.sentence(request.POST, source, DESCRIBED):
        messages.error(request, refused)
    if refused or errors:
        return invalid(request, "sources/edit.html", {**choices, "given": values, "errors": errors})
    Source.objects.filter(pk=source.pk).update(**values)
    audit.record("source.changed", user_id=user_id(request), target=source.name, before=given, after=values)
    messages.success(request, "Saved.")
    return redirect_to(request, "sources:detail", source.pk)


@allow("sources.edit")
@require_POST
def start_refresh(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """Collect and match again now."""
    source = get_object_or_404(Source.objects.select_for_update(), pk=source_id, archived_at=None)
    if source.state != SourceState.WAITING:
        refresh.begin(source)
    return redirect_to(request, "sources:detail", source.pk)


@allow("sources.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """Remove a source, after a confirmation; refused, with the reason, while something uses it."""
    source = get_object_or_404(Source.objects.select_for_update() if request.method == "POST" else Source.objects.all(),
                               pk=source_id, archived_at=None)  # fmt: skip
    users = usage.uses(source.pk)
    if request.method != "POST" or users:
        status = 409 if request.method == "POST" else 200
        context = {"source": source, "uses": users, "days": refresh.RESTORE_DAYS}
        return render_page(request, "sources/remove.html", context, status=status)
    source.archived_at = timezone.now()
    source.save(update_fields=["archived_at"])
    audit.record("source.removed", user_id=user_id(request), target=source.name)
    messages.success(request, f"{source.name} was removed. You can restore it for {refresh.RESTORE_DAYS} days.")
    return redirect_to(request, "sources:list")


@allow("sources.edit")
@require_safe
def removed(request: WorkspaceRequest) -> HttpResponse:
    """Sources that can be restored."""
    gone = Source.objects.exclude(archived_at=None).order_by("-archived_at")[:200]
    return render_page(request, "sources/removed.html", {"sources": gone, "days": refresh.RESTORE_DAYS})


@allow("sources.edit")
@require_POST
def restore(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """Restore a source; it is matched again."""
    source = Source.objects.select_for_update().filter(pk=source_id).first()
    if source is None:
        return not_found(request)
    if source.archived_at is not None:
        source.archived_at = None
        source.save(update_fields=["archived_at"])
        if source.state != SourceState.WAITING:
            refresh.begin(source)
        refresh.watch()
        audit.record("source.restored", user_id=user_id(request), target=source.name)
        messages.success(request, f"{source.name} was restored.")
    return redirect_to(request, "sources:detail", source.pk)
