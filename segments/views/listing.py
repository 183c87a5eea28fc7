"""Segments: the list, those of a contact or a field, and adding contacts to them."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_safe

from contacts.models import Contact
from contacts.views.bulk import begun, preview, selection_of, sent
from core.formatting import number
from core.http import render_page
from core.parse import parse_ids
from segments import member_list, membership, removal, segment_list
from segments.models import Segment, SegmentState
from segments.rules import tree
from segments.segment_list import SegmentListQuery
from tenants.roles import allow, tolerates_lag
from tenants.web.request import WorkspaceRequest


@allow("segments.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """The segments with their sizes and what uses them, or those that can be restored."""
    query = SegmentListQuery.of(request.GET.dict())
    present, deleted = Segment.objects.present(), Segment.objects.exclude(archived_at=None)
    context = {
        "query": query,
        "rows": segment_list.rows(query),
        "heads": segment_list.heads(query),
        "any": present.exists(),
        "tabs": [
            {"label": "Segments", "url": "?", "count": number(present.count()), "current": not query.show},
            {"label": "Deleted", "url": "?show=deleted", "count": number(deleted.count()), "current": bool(query.show)},
        ],
        "kinds": segment_list.KINDS.items(),
        "states": SegmentState.choices,
        "most": segment_list.MOST,
        "days": removal.RESTORE_DAYS,
    }
    return render_page(request, "segments/list.html", context)


@allow("segments.view")
@tolerates_lag
@require_safe
def size(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """The fragment of the list: how many are in a dynamic segment, counted when it is asked for."""
    segment = get_object_or_404(Segment, pk=segment_id)
    return render_page(request, "segments/_size.html", {"size": member_list.size(segment)})


@allow("segments.view")
@require_safe
def of_contact(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """The fragment of a profile: the segments that a contact is in."""
    contact = get_object_or_404(Contact, pk=contact_id)
    return render_page(request, "segments/_of_contact.html", {"segments": membership.of_contact(contact.pk)})


@allow("segments.view")
@require_safe
def of_field(request: WorkspaceRequest, key: str) -> HttpResponse:
    """The fragment of a field's page: the dynamic segments whose rules ask for it."""
    ruled = Segment.objects.dynamic().order_by("name")[:500]
    asking = [s for s in ruled if any(getattr(c, "key", "") == key for c in tree.conditions(tree.parse(s.rule)))]
    return render_page(request, "segments/_of_field.html", {"segments": asking})


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: WorkspaceRequest) -> HttpResponse:
    """Contacts that were selected into static segments, existing or new. GET, or POST with `preview`: the preview."""
    given, posted = sent(request)
    selection = selection_of(given)
    ids = parse_ids(given.getlist("segment"))
    segments = list(Segment.objects.static().filter(pk__in=ids).values_list("pk", flat=True))
    name = given.get("name", "").replace("\x00", "").strip()[:120]
    error = ""
    if posted and (segments or name):
        try:
            new = [membership.named(name).pk] if name else []
        except membership.NotStatic as problem:
            error = str(problem)
        else:
            return begun(request, "segments", selection, segments=sorted({*segments, *new}))
    shown = {**preview("segments", selection), "segments": Segment.objects.static().order_by("name")[:500]}
    return render_page(request, "segments/add.html", {**shown, "error": error}, status=422 if posted else 200)
