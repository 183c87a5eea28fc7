"""One click on one contact: statuses of channels, deleting, restoring, and the way back."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from contacts.duplicates import merge
from contacts.errors import NotAllowed
from contacts.models import DELETION_REASONS, Contact
from contacts.profile import quick_actions
from contacts.profile import undo as profile_undo
from contacts.profile.quick_actions import QUICK_ACTIONS
from core.http import redirect_to, render_page
from tenants.models import AuditEntry
from tenants.roles import allow
from tenants.web.request import safe_next, user_id


@allow("contacts.edit")
@require_POST
def act(request: HttpRequest, contact_id: int, name: str) -> HttpResponse:
    """Set the status of a channel by the button of that name."""
    wanted = QUICK_ACTIONS.get(name)
    if wanted is None:
        raise Http404
    contact = get_object_or_404(Contact, pk=contact_id)
    address = contact.email_display if wanted.channel == "email" else contact.phone_display
    return _done(
        request,
        contact_id,
        lambda: quick_actions.perform(contact_id, wanted, user_id=user_id(request)),
        f"{address} {wanted.done}.",
    )


@allow("contacts.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Asks for the reason, then takes the contact out of all lists."""
    contact = get_object_or_404(Contact, pk=contact_id)
    reason = request.POST.get("reason", "")
    if request.method != "POST" or reason not in DELETION_REASONS:
        back = safe_next(request) or reverse("contacts:profile", args=[contact.pk])
        status = 422 if request.method == "POST" else 200
        likely = request.GET.get("reason", "")
        shown = {
            "contact": contact,
            "reasons": DELETION_REASONS,
            "likely": likely if likely in DELETION_REASONS else DELETION_REASONS[0],
            "back": back,
        }
        return render_page(request, "contacts/delete.html", shown, status=status)
    return _done(
        request,
        contact_id,
        lambda: quick_actions.delete(contact_id, reason=reason, user_id=user_id(request)),
        f"{contact.display_name} was deleted. You can restore it under “Deleted only”.",
    )


@allow("contacts.edit")
@require_POST
def restore(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Restore a deleted contact. Where another one has its external ID meanwhile, `how` says what becomes of it: without
    the ID (`alone`), or one contact with the other (`merge`); without a choice it is asked for."""
    contact = get_object_or_404(Contact, pk=contact_id)
    holder, how = quick_actions.taken_by(contact), request.POST.get("how", "")
    if holder is not None and contact.merged_into is None and how not in ("alone", "merge"):
        back = safe_next(request) or reverse("contacts:profile", args=[contact.pk])
        return render_page(
            request, "contacts/restore.html", {"contact": contact, "holder": holder, "back": back}, status=422
        )
    if holder is not None and how == "merge":
        return _restored_into(request, contact, holder)
    return _done(
        request,
        contact_id,
        lambda: quick_actions.restore(contact_id, user_id=user_id(request), without_id=how == "alone"),
        f"{contact.display_name} was restored.",
    )


def _restored_into(request: HttpRequest, contact: Contact, holder: Contact) -> HttpResponse:
    try:
        with transaction.atomic():
            quick_actions.restore(contact.pk, user_id=user_id(request), without_id=True)
            merge.merge([holder.pk, contact.pk], user_id=user_id(request))
    except NotAllowed as problem:
        messages.warning(request, str(problem))
        return redirect_to(request, "contacts:profile", contact.pk)
    messages.success(request, f"{contact.display_name} was merged into this contact. You can undo the merge here.")
    return redirect_to(request, "contacts:profile", holder.pk)


@allow("contacts.edit")
@require_POST
def undo(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Undo one action by its entry in the audit log."""
    try:
        contact = profile_undo.undo(entry_id, user_id=user_id(request))
    except AuditEntry.DoesNotExist:
        raise Http404 from None
    except NotAllowed as problem:
        messages.warning(request, str(problem))
    else:
        messages.success(request, f"Change to {contact.display_name} undone.")
    return redirect_to(request, safe_next(request) or "contacts:list")


def _done(request: HttpRequest, contact_id: int, do: Callable[[], AuditEntry], said: str) -> HttpResponse:
    """Do it, say so with the way back, and return to where the button was."""
    back = safe_next(request) or reverse("contacts:profile", args=[contact_id])
    try:
        entry = do()
    except NotAllowed as problem:
        messages.warning(request, str(problem))
    else:
        way_back = f"{reverse('contacts:undo', args=[entry.pk])}?{urlencode({'next': back})}"
        messages.success(request, said, extra_tags=way_back)
    return redirect_to(request, back)
