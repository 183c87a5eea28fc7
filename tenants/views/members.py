"""Who works here and who is invited: roles, removing, leaving; invitations sent, sent again and withdrawn."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.http import invalid, not_found, redirect_to, render_page
from tenants.members import invitations, memberships
from tenants.members.forms import InviteForm, RoleForm
from tenants.members.invitations import Expired, IsMember
from tenants.members.memberships import LastOwner, NotAllowed
from tenants.models import Invitation, Membership
from tenants.roles import PERMISSIONS, WORDS, Role, allow
from tenants.web import workspace_urls
from tenants.web.request import WorkspaceRequest

NEEDS_OWNER = "A workspace needs an owner. Make another member owner first."
NOT_OPEN = "This invitation is no longer open: it was accepted or withdrawn."


def _context(form: InviteForm) -> dict[str, Any]:
    return {
        "form": form,
        "members": Membership.objects.select_related("user").order_by("user__email"),
        "invitations": [(i, invitations.is_over(i)) for i in invitations.waiting().order_by("-pk")],
        "roles": Role.choices,
    }


@allow("members.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """Who works here, and who is invited."""
    return render_page(request, "tenants/members.html", _context(InviteForm()))


@allow("members.view")
@require_safe
def role_matrix(request: WorkspaceRequest) -> HttpResponse:
    """Which role may do what, and how many members have it."""
    counts = Counter(Membership.objects.values_list("role", flat=True))
    rows = [(name, WORDS[name], [role in allowed for role in Role]) for name, allowed in PERMISSIONS.items()]
    return render_page(
        request, "tenants/roles.html", {"roles": [(role, counts[role.value]) for role in Role], "rows": rows}
    )


@allow("members.manage")
@require_POST
def invite(request: WorkspaceRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            link = invitations.invite(form.cleaned_data["email"], role=form.cleaned_data["role"], by=_user(request))
        except IsMember:
            form.add_error("email", "This person is already a member. You can change their role in the list.")
        else:
            messages.success(request, _sent(link))
            return redirect_to(request, "tenants:members")
    return invalid(request, "tenants/members.html", _context(form))


@allow("members.manage")
@require_POST
def invite_again(request: WorkspaceRequest, invitation_id: int) -> HttpResponse:
    """Another mail with another link, good for seven days from now."""
    get_object_or_404(Invitation, pk=invitation_id)
    try:
        messages.success(request, _sent(invitations.send_again(invitation_id, by=_user(request))))
    except Expired:
        messages.error(request, NOT_OPEN)
    return redirect_to(request, "tenants:members")


@allow("members.manage")
@require_POST
def withdraw(request: WorkspaceRequest, invitation_id: int) -> HttpResponse:
    """The link stops working at once."""
    get_object_or_404(Invitation, pk=invitation_id)
    try:
        email = invitations.withdraw(invitation_id, by=_user(request))
    except Expired:
        messages.error(request, NOT_OPEN)
    else:
        messages.success(request, f"The invitation to {email.email} was withdrawn. Its link no longer works.")
    return redirect_to(request, "tenants:members")


@allow("members.manage")
@require_POST
def set_role(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Another role. The last owner stays owner, and only owners make owners."""
    form = RoleForm(request.POST)
    if not form.is_valid():
        return not_found(request)
    try:
        member = memberships.set_role(membership_id, role=form.cleaned_data["role"], by=_user(request).pk)
    except NotAllowed:
        return not_found(request)
    except LastOwner:
        messages.error(request, NEEDS_OWNER)
    else:
        messages.success(request, f"{member.user} now has the role {member.role_label}.")
    return redirect_to(request, "tenants:members")


@allow("members.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Ask, then take a member out of the workspace."""
    if request.method != "POST":
        member = get_object_or_404(Membership.objects.select_related("user"), pk=membership_id)
        return render_page(request, "tenants/remove_member.html", {"member": member})
    try:
        member = memberships.remove(membership_id, by=_user(request).pk)
    except NotAllowed:
        return not_found(request)
    except LastOwner:
        messages.error(request, NEEDS_OWNER)
    else:
        messages.success(request, f"{member.user} was removed from the workspace.")
        if member.user_id == _user(request).pk:
            return redirect_to(request, workspace_urls.outside("home"))
    return redirect_to(request, "tenants:members")


@allow("workspace.view")
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: WorkspaceRequest) -> HttpResponse:
    """Ask, then leave the workspace oneself."""
    if request.method != "POST":
        return render_page(request, "tenants/remove_member.html", {"member": request.membership, "self": True})
    try:
        memberships.leave(_user(request).pk)
    except NotAllowed:
        return not_found(request)
    except LastOwner:
        messages.error(request, NEEDS_OWNER)
        return redirect_to(request, "tenants:members")
    messages.success(request, f"You have left {request.workspace.name}.")
    return redirect_to(request, workspace_urls.outside("home"))


def _user(request: WorkspaceRequest) -> Any:
    return request.user


def _sent(invitation: Invitation) -> str:
    return (
        f"Invitation sent to {invitation.email}. The link in the e-mail works for {invitations.INVITATION_DAYS} days."
    )
