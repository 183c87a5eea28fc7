"""The list of sources, and the forms of a new one."""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from core.http import invalid, redirect_to, render_page
from imports.files.reader import FileProblem
from imports.views import upload as import_upload
from segments.models import Segment
from sources import membership, refresh, source_list
from sources.models import Origin, Source, SourceState, SourceType, Target
from sources.source_form import STAGES, SourceForm
from sources.source_list import SourceListQuery
from tenants import audit
from tenants.roles import allow, takes_files
from tenants.web.request import WorkspaceRequest, user_id
from tracking.models import Site


@allow("sources.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All sources, from their first second."""
    return render_page(request, "sources/list.html", _shown(request))


@allow("sources.view")
@require_safe
def live(request: WorkspaceRequest) -> HttpResponse:
    """The fragment of the list that asks again while something is in progress."""
    return render_page(request, "sources/_list.html", _shown(request))


def _shown(request: WorkspaceRequest) -> dict[str, Any]:
    query = SourceListQuery.of(request.GET)
    sources = list(source_list.matching(query))
    return {
        "sources": sources,
        "query": query,
        "heads": source_list.heads(query),
        "any": bool(sources) or Source.objects.filter(archived_at=None).exists(),
        "removed": Source.objects.exclude(archived_at=None).count(),
        "busy": any(s.active or s.state == SourceState.WAITING for s in sources),
        "live_url": reverse("sources:list_live") + query.link(),
        "most": source_list.MOST,
        "types": SourceType.choices,
        "origins": Origin.choices,
        "statuses": [(key, label) for key, (label, _states) in source_list.STATUSES.items()],
    }


@allow("sources.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """A new source. One from a file goes on to the upload; the same token again finds the first one."""
    if request.method != "POST":
        return render_page(request, "sources/new.html", _form(SourceForm(), token=uuid.uuid4().hex))
    form, token = SourceForm.read(request.POST), request.POST.get("token", "").replace("\x00", "")[:32]
    if form.errors:
        return invalid(request, "sources/new.html", _form(form, token=token))
    source = _created(form, token=token, by=user_id(request))
    if source.origin == Origin.FILE and source.import_id is None:
        return redirect_to(request, "sources:upload", source.pk)
    return redirect_to(request, "sources:detail", source.pk)


def _created(form: SourceForm, *, token: str, by: int | None) -> Source:
    state = SourceState.WAITING if form.origin == Origin.FILE else SourceState.READY
    try:
        with transaction.atomic():
            source: Source = Source.objects.create(**form.values(), state=state, created_by_id=by, token=token or None)
    except IntegrityError:
        known: Source = Source.objects.get(token=token)
        return known
    audit.record("source.created", user_id=by, target=source.name, origin=source.origin, type=source.type)
    if source.origin != Origin.FILE:
        refresh.begin(source)
    return source


def _form(form: SourceForm, *, token: str) -> dict[str, Any]:
    people = membership.people_by_stage()
    return {
        "form": form,
        "token": token,
        "types": SourceType.choices,
        "targets": Target.choices,
        "segments": Segment.objects.present().order_by("name")[:500],
        "sites": Site.objects.order_by("name")[:200],
        "stages": [(stage, label, people.get(stage, 0)) for stage, label in STAGES.items()],
    }


@takes_files
@allow("sources.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: WorkspaceRequest, source_id: int) -> HttpResponse:
    """The first step of the import whose contacts become the source: the wizard's own page with another address."""
    waiting = Source.objects.filter(origin=Origin.FILE, archived_at=None)
    source = get_object_or_404(waiting.select_for_update() if request.method == "POST" else waiting, pk=source_id)
    if source.import_id is not None and source.state != SourceState.FAILED:
        return redirect_to(request, "imports:detail", source.import_id)
    about = {
        "title": f"Which file lists the contacts of {source.name}?",
        "lead": "The contacts of this file become the source. ",
        "upload_url": reverse("sources:upload", args=[source.pk]),
    }
    if request.method != "POST":
        return render_page(request, "imports/upload.html", import_upload.page_context(**about))
    try:
        imp = import_upload.receive(request)
    except FileProblem as problem:
        return import_upload.refused_page(request, problem, **about)
    source.import_id, source.state, source.reason = imp.pk, SourceState.WAITING, ""
    source.save(update_fields=["import_id", "state", "reason"])
    refresh.watch()
    audit.record("import.uploaded", user_id=request.user.pk, target=f"import {imp.pk}", file=imp.file_name)
    if import_upload.is_by_script(request):
        return JsonResponse({"location": reverse("imports:detail", args=[imp.pk])}, status=201)
    return redirect_to(request, "imports:detail", imp.pk)
