"""Static segments: made, named, described, copied; contacts added and removed by people, and that undone."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from contacts.listing import search_box
from contacts.models import Contact
from core import edit_conflicts
from core.formatting import number
from core.http import invalid, redirect_to, render_page
from core.parse import parse_ids
from segments import copies, member_edits, segment_form
from segments.models import Member, Segment, SegmentEdit
from segments.segment_form import SegmentForm
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

# So many contacts a search for new members shows, and so many can be added or removed in one form.
FOUND, MOST = 50, 200


DESCRIBED = {"name": "Name", "description": "Description"}


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """A new static segment, without members."""
    if request.method != "POST":
        return render_page(request, "segments/new_static.html", {"form": SegmentForm(), "token": uuid.uuid4().hex})
    form, token = SegmentForm.read(request.POST), _token(request)
    segment = None if form.errors else segment_form.make_static(form, user_id=user_id(request), token=token)
    if segment is None:
        return invalid(request, "segments/new_static.html", {"form": form, "token": token})
    messages.success(request, f"Segment {segment.name} saved. Now add contacts to it.")
    return redirect_to(request, "segments:detail", segment.pk)


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def describe(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """The name and the description of a segment of either kind."""
    present = Segment.objects.present()
    segment = get_object_or_404(present.select_for_update() if request.method == "POST" else present, pk=segment_id)
    context: dict[str, Any] = {"segment": segment, "seen": edit_conflicts.seen(segment, DESCRIBED)}
    if request.method != "POST":
        form = SegmentForm(segment.name, segment.description)
        return render_page(request, "segments/describe.html", {**context, "form": form})
    form = SegmentForm.read(request.POST)
    if refused := edit_conflicts.sentence(request.POST, segment, DESCRIBED):
        messages.error(request, refused)
    if refused or form.errors or not segment_form.change(segment, form, user_id=user_id(request)):
        return invalid(request, "segments/describe.html", {**context, "form": form})
    messages.success(request, "Saved.")
    return redirect_to(request, "segments:detail", segment.pk)


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def members(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """Contacts that a search finds, to be added by ticks. POST: adds them."""
    segment = get_object_or_404(Segment.objects.static(), pk=segment_id)
    if request.method == "POST":
        ids = _chosen(request)
        if ids and (locked := member_edits.lock(segment.pk)):
            edit = member_edits.add(locked, ids, user_id=user_id(request))
            _tell(
                request, edit, f"Added {_contacts(edit.entered)} to {segment.name}.", nothing="They are in it already."
            )
            return redirect_to(request, "segments:detail", segment.pk)
    workspace: Any = request.workspace
    q = request.POST.get("q", request.GET.get("q", "")).replace("\x00", "").strip()[:200]
    error = _refused(request) if request.method == "POST" else ""
    contacts = _search(q, region=workspace.country or None) if q else []
    there = Member.objects.filter(segment_id=segment.pk, contact_id__in=[c.pk for c in contacts])
    context = {
        "segment": segment,
        "q": q,
        "contacts": contacts[:FOUND],
        "more": len(contacts) > FOUND,
        "members": set(there.values_list("contact_id", flat=True)),
        "error": error,
    }
    return render_page(request, "segments/members.html", context, status=422 if error else 200)


def _search(q: str, *, region: str | None) -> list[Contact]:
    found = Contact.objects.living().filter(search_box.condition(q, region=region))
    return list(found.order_by("-pk")[: FOUND + 1])


@allow("segments.edit")
@require_POST
def remove(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """Take the ticked contacts out of a static segment."""
    segment = get_object_or_404(Segment.objects.static(), pk=segment_id)
    ids = _chosen(request)
    if not ids:
        messages.warning(request, _refused(request))
    elif locked := member_edits.lock(segment.pk):
        edit = member_edits.remove(locked, ids, user_id=user_id(request))
        said = f"Removed {_contacts(edit.departed)} from {segment.name}."
        _tell(request, edit, said, nothing="None of them was in the segment.")
    return redirect_to(request, "segments:detail", segment.pk)


@allow("segments.edit")
@require_POST
def undo(request: WorkspaceRequest, segment_id: int, edit_id: int) -> HttpResponse:
    """Undo one change of the members."""
    segment = get_object_or_404(Segment, pk=segment_id)
    edit = get_object_or_404(SegmentEdit, pk=edit_id, segment_id=segment.pk)
    if member_edits.lock(segment_id) is None:
        messages.warning(request, "This segment was deleted. Restore it first.")
        return redirect_to(request, "segments:detail", segment_id)
    edit.refresh_from_db()
    if edit.undone_at is not None:
        messages.warning(request, "This change has already been undone.")
    else:
        left, returned = member_edits.undo(edit, user_id=user_id(request))
        said = [f"{_contacts(left)} removed"] if left else []
        said += [f"{_contacts(returned)} added again"] if returned else []
        messages.success(request, f"Undone: {' and '.join(said)}." if said else "Undone. No members had to change.")
    return redirect_to(request, "segments:detail", segment_id)


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """A new static segment with the contacts that are in this one now."""
    source = get_object_or_404(Segment.objects.present(), pk=segment_id)
    if request.method != "POST":
        form, token = SegmentForm(copies.name_for(source)), uuid.uuid4().hex
        return render_page(request, "segments/copy.html", {"segment": source, "form": form, "token": token})
    form, token = SegmentForm.read(request.POST), _token(request)
    made = None if form.errors else segment_form.make_static(form, user_id=user_id(request), token=token)
    if made is None:
        return invalid(request, "segments/copy.html", {"segment": source, "form": form, "token": token})
    count = copies.copy_members(source, made, user_id=user_id(request))
    if count is not None:
        messages.success(request, f"{made.name} contains the {_contacts(count)} of {source.name}.")
    return redirect_to(request, "segments:detail", made.pk)


def _token(request: WorkspaceRequest) -> str:
    return request.POST.get("token", "").replace("\x00", "")[:32]


def _chosen(request: WorkspaceRequest) -> list[int]:
    """The ticked contacts; none when there are more than a form can have."""
    ids = parse_ids(request.POST.getlist("id"))
    return ids if len(ids) <= MOST else []


def _refused(request: WorkspaceRequest) -> str:
    sent = len(request.POST.getlist("id"))
    return (
        f"Select up to {MOST} contacts at once. Nothing was changed." if sent > MOST else "Select at least one contact."
    )


def _contacts(count: int) -> str:
    return f"{number(count)} contact{'s' if count != 1 else ''}"


def _tell(request: WorkspaceRequest, edit: SegmentEdit, said: str, *, nothing: str) -> None:
    if edit.pk is None:
        messages.warning(request, f"Nothing was changed. {nothing}")
    else:
        way_back = reverse("segments:undo_edit", args=[edit.segment_id, edit.pk])
        messages.success(request, said, extra_tags=way_back)
