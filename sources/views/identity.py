"""The identity of a contact: its identifiers and visitors with the reason for each, releases, and its tracked link."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contacts.models import Contact
from core.http import invalid, redirect_to, render_page
from sources import identity as identities
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id
from tracking import links
from tracking.models import Visitor


@allow("contacts.view")
@require_safe
def identity(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """Who the contact is, and why."""
    contact = get_object_or_404(Contact, pk=contact_id)
    shown = {"contact": contact, "page": identities.of_contact(contact), "days": links.DAYS}
    return render_page(request, "sources/identity.html", shown)


@allow("contacts.edit")
@require_POST
def link(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """A tracked link of the contact to an address. It is a key to who somebody is, so it is not made by GET."""
    contact = get_object_or_404(Contact, pk=contact_id)
    url = request.POST.get("url", "")[:1500]
    shown = {"contact": contact, "page": identities.of_contact(contact), "days": links.DAYS, "url": url}
    try:
        made = links.tag(url, contact.pk, tenant_id=request.workspace.pk)
    except ValueError as problem:
        return invalid(request, "sources/identity.html", {**shown, "error": str(problem)})
    return render_page(request, "sources/identity.html", {**shown, "made": made})


@allow("contacts.edit")
@require_POST
def release(request: WorkspaceRequest, contact_id: int, visitor_id: int) -> HttpResponse:
    """Say that a visitor is not this contact."""
    contact = get_object_or_404(Contact, pk=contact_id)
    get_object_or_404(Visitor, pk=visitor_id)
    if identities.release(visitor_id, contact.pk, user_id=user_id(request)):
        back = reverse("sources:undo_release", args=[contact.pk, visitor_id])
        messages.success(request, f"Visitor {visitor_id} released. It is anonymous again.", extra_tags=back)
    else:
        messages.warning(request, f"Visitor {visitor_id} does not belong to this contact. Nothing was changed.")
    return redirect_to(request, "sources:identity", contact.pk)


@allow("contacts.edit")
@require_POST
def undo_release(request: WorkspaceRequest, contact_id: int, visitor_id: int) -> HttpResponse:
    """Give a released visitor back to the contact."""
    contact = get_object_or_404(Contact, pk=contact_id)
    get_object_or_404(Visitor, pk=visitor_id)
    if identities.undo_release(visitor_id, contact.pk, user_id=user_id(request)):
        messages.success(request, f"Undone. Visitor {visitor_id} belongs to this contact again.")
    else:
        messages.warning(request, f"Visitor {visitor_id} was matched with another contact. Nothing was changed.")
    return redirect_to(request, "sources:identity", contact.pk)
