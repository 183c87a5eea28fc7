"""Pages about the workspace itself: members, notices, mail that was sent to files."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from cdp.http import invalid, not_found, page
from tenants import audit, invitations
from tenants.forms import InviteForm, RoleForm
from tenants.models import Invitation, Membership, Notice
from tenants.roles import Role, allow

MAILS_SHOWN = 50


@allow("workspace.view")
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The first page of a workspace."""
    return redirect("imports:list")


def _members_page(form: InviteForm) -> dict[str, Any]:
    return {
        "form": form,
        "members": Membership.objects.select_related("user").order_by("user__email"),
        "invitations": Invitation.objects.filter(accepted_at=None).order_by("-pk"),
        "roles": Role.choices,
    }


@allow("members.view")
@require_safe
def members(request: HttpRequest) -> HttpResponse:
    """Who works here, and who is invited."""
    return page(request, "tenants/members.html", _members_page(InviteForm()))


@allow("members.manage")
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST)
    if not form.is_valid():
        return invalid(request, "tenants/members.html", _members_page(form))
    found = invitations.invite(form.cleaned_data["email"], role=form.cleaned_data["role"], by=request.user)  # type: ignore[arg-type]
    messages.success(request, f"{found.email} is invited. The link in the mail is good for {invitations.DAYS} days.")
    return redirect("tenants:members")


@allow("members.manage")
@require_POST
def set_role(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Another role. The last owner stays owner, and only owners make owners."""
    member = get_object_or_404(Membership.objects.select_for_update(), pk=membership_id)
    form = RoleForm(request.POST)
    mine: Any = request.membership  # type: ignore[attr-defined]
    if not form.is_valid() or (Role.OWNER in (member.role, form.cleaned_data["role"]) and mine.role != Role.OWNER):
        return not_found(request)
    if member.role == Role.OWNER and not Membership.objects.filter(role=Role.OWNER).exclude(pk=member.pk).exists():
        messages.error(request, "A workspace needs an owner. Make somebody else owner first.")
        return redirect("tenants:members")
    before, member.role = member.role, form.cleaned_data["role"]
    member.save(update_fields=["role"])
    audit.record("member.role", user_id=request.user.pk, target=str(member.user), before=before, after=member.role)
    messages.success(request, f"{member.user} is {member.role_label} now.")
    return redirect("tenants:members")


@allow("workspace.view")
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """What this person was told, newest first."""
    own = Notice.objects.filter(user=request.user.pk).order_by("-pk")[:100]
    return page(request, "tenants/notices.html", {"notices": own})


@allow("workspace.view")
@require_POST
def read_notices(request: HttpRequest) -> HttpResponse:
    Notice.objects.filter(user=request.user.pk, read_at=None).update(read_at=timezone.now())
    return redirect("tenants:notices")


@allow("mail.view")
@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """Mails of this workspace, where no mail server is set up and they are written to files."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if not folder:
        return not_found(request)
    mine = f"<{request.workspace.pk}."  # type: ignore[attr-defined]
    files = sorted(Path(folder).glob("*.log"), key=lambda f: f.stat().st_mtime, reverse=True)
    found = [m for m in map(_read, files[: MAILS_SHOWN * 4]) if str(m["Message-ID"]).startswith(mine)]
    shown = [{"to": m["To"], "subject": m["Subject"], "date": m["Date"], "body": _text(m)} for m in found[:MAILS_SHOWN]]
    return page(request, "tenants/mail.html", {"mails": shown})


def _read(path: Path) -> EmailMessage:
    return BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(path.read_bytes())


def _text(mail: EmailMessage) -> str:
    text = mail.get_content() if mail.get_content_type() == "text/plain" else ""
    return str(text).rpartition("\n-----")[0] or str(text)
