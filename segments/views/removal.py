"""Deleting a segment after a question, and restoring it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from core.http import not_found, redirect_to, render_page
from segments import removal, usage
from segments.models import Segment
from segments.segment_form import SegmentForm
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """Asks, with all that uses the segment; then deletes it, and by choice the segments whose rules name it."""
    segments = Segment.objects.present()
    posted = request.method == "POST"
    segment = get_object_or_404(segments.select_for_update() if posted else segments, pk=segment_id)
    naming = usage.naming(segment.pk)
    holding = removal.holding(segment, naming)
    own = [use for one, use in holding if one.pk == segment.pk]
    agreed = not naming or request.POST.get("naming") == "delete"
    if posted and agreed and not holding:
        removal.delete(segment, naming, user_id=user_id(request))
        also = f" and {len(naming)} segment{'s' if len(naming) != 1 else ''} that used it" if naming else ""
        messages.success(
            request, f"{segment.name}{also} deleted. You can restore segments for {removal.RESTORE_DAYS} days."
        )
        return redirect_to(request, "segments:list")
    context = {
        "segment": segment,
        "naming": naming,
        "own": own,
        "others": [(one, use) for one, use in holding if one.pk != segment.pk],
        "days": removal.RESTORE_DAYS,
        "unanswered": posted and not agreed,
    }
    status = 200 if not posted else 409 if holding else 422
    return render_page(request, "segments/delete.html", context, status=status)


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """Make a deleted segment available again; under another name when a segment has its name by now."""
    segments = Segment.objects.all()
    segment = (segments.select_for_update() if request.method == "POST" else segments).filter(pk=segment_id).first()
    if segment is None:
        return not_found(request)
    if segment.archived_at is None:
        return redirect_to(request, "segments:detail", segment.pk)
    form = SegmentForm.read(request.POST) if "name" in request.POST else SegmentForm(segment.name)
    if request.method == "POST" and not form.errors:
        if removal.restore(segment, form.name, user_id=user_id(request)):
            messages.success(request, f"{form.name} restored.")
            return redirect_to(request, "segments:detail", segment.pk)
        form.taken()
    context = {"segment": segment, "form": form, "until": removal.restorable_until(segment)}
    return render_page(request, "segments/restore.html", context, status=422 if form.errors else 200)
