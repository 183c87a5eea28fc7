"""Segments: the list, and who is in one."""

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_safe

from contacts.models import Contact
from contacts.views.bulk import begun, preview, selection_of, sent
from core.http import render_page
from core.parse import parse_id, parse_ids
from segments import list_filter, membership
from segments.models import Member, Segment
from segments.rules import rule_text, tree
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

PAGE = 50


@allow("segments.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All segments with their sizes."""
    segments = list(Segment.objects.order_by("name")[:500])
    sizes = dict(
        Member.objects.filter(segment_id__in=[s.pk for s in segments])
        .values("segment_id")
        .annotate(n=Count("contact_id"))
        .values_list("segment_id", "n")
    )
    return render_page(request, "segments/list.html", {"segments": [(s, sizes.get(s.pk, 0)) for s in segments]})


@allow("segments.view")
@require_safe
def size(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """The fragment of the list: how many are in a dynamic segment, counted when it is asked for."""
    segment = get_object_or_404(Segment, pk=segment_id)
    return render_page(request, "segments/_size.html", {"size": membership.contacts(segment).count()})


@allow("segments.view")
@require_safe
def detail(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """The members of a segment, in keyset pages; of a dynamic one its rule, too."""
    segment = get_object_or_404(Segment, pk=segment_id)
    after = request.GET.get("after", "")
    members, problem = membership.contacts(segment), ""
    if segment.rule is not None:
        problem = list_filter.problem(segment)
    behind = parse_id(after)
    rest = members.filter(pk__gt=behind) if behind is not None else members
    contacts = list(rest.order_by("pk")[: PAGE + 1])
    context = {
        "segment": segment,
        "contacts": contacts[:PAGE],
        "size": members.count(),
        "problem": problem,
        "phrases": rule_text.phrases(tree.parse(segment.rule)) if segment.rule is not None else [],
        "rule": tree.dumps(tree.parse(segment.rule)) if segment.rule is not None else "",
        "older_url": f"?after={contacts[PAGE - 1].pk}" if len(contacts) > PAGE else None,
        "first_url": "?" if after else None,
    }
    return render_page(request, "segments/detail.html", context)


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
    ruled = Segment.objects.filter(rule__isnull=False).order_by("name")[:500]
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
