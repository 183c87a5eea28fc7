"""Deleting an audience after a question, and restoring it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from audiences import lifecycle, usage
from audiences.models import Audience
from core.http import not_found, redirect_to, render_page
from segments import member_list
from segments.removal import RESTORE_DAYS
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id


@allow("audiences.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """Asks, then deletes the audience; refused, with the reason, while something uses it."""
    present = Audience.objects.filter(archived_at=None)
    posted = request.method == "POST"
    audience = get_object_or_404(present.select_for_update() if posted else present, pk=audience_id)
    users = usage.uses([audience.pk])[audience.pk]
    if not posted or users:
        size = member_list.size(lifecycle.segment_of(audience))
        context = {"audience": audience, "uses": users, "size": size, "days": RESTORE_DAYS}
        return render_page(request, "audiences/delete.html", context, status=409 if posted else 200)
    lifecycle.delete(audience, user_id=user_id(request))
    messages.success(request, f"{audience.name} deleted. You can restore it for {RESTORE_DAYS} days.")
    return redirect_to(request, "audiences:list")


@allow("audiences.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """Make a deleted audience available again; under another name when one has its name by now."""
    audiences = Audience.objects.all()
    audience = (audiences.select_for_update() if request.method == "POST" else audiences).filter(pk=audience_id).first()
    if audience is None:
        return not_found(request)
    if audience.archived_at is None:
        return redirect_to(request, "audiences:detail", audience.pk)
    name = " ".join(request.POST.get("name", audience.name).replace("\x00", "").split())[: lifecycle.MOST_NAME]
    taken = False
    if request.method == "POST" and name:
        if lifecycle.restore(audience, name, user_id=user_id(request)):
            messages.success(request, f"{name} restored. It is built now.")
            return redirect_to(request, "audiences:detail", audience.pk)
        taken = True
    context = {"audience": audience, "name": name, "taken": taken, "until": lifecycle.restorable_until(audience)}
    return render_page(request, "audiences/restore.html", context, status=422 if request.method == "POST" else 200)
