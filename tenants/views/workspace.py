"""Pages about the workspace itself: notices, mail that was sent to files."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core.http import not_found, render_page
from tenants.models import Notice
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

MAILS_SHOWN = 50


@allow("workspace.view")
@require_safe
def start(request: WorkspaceRequest) -> HttpResponse:
    """The first page of a workspace: of those that the role may see."""
    return redirect("insights:audience" if request.membership.may("dashboards.view") else "imports:list")


@allow("workspace.view")
@require_safe
def notices(request: WorkspaceRequest) -> HttpResponse:
    """What this person was told, newest first."""
    own = Notice.objects.filter(user=request.user.pk).order_by("-pk")[:100]
    return render_page(request, "tenants/notices.html", {"notices": own})


@allow("workspace.view")
@require_POST
def read_notices(request: WorkspaceRequest) -> HttpResponse:
    Notice.objects.filter(user=request.user.pk, read_at=None).update(read_at=timezone.now())
    return redirect("tenants:notices")


@allow("mail.view")
@require_safe
def mail(request: WorkspaceRequest) -> HttpResponse:
    """Mails of this workspace, where no mail server is set up and they are written to files."""
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if not folder:
        return not_found(request)
    mine = f"<{request.workspace.pk}."
    files = sorted(Path(folder).glob("*.log"), key=lambda f: f.stat().st_mtime, reverse=True)
    mails = [m for m in map(_read, files[: MAILS_SHOWN * 4]) if str(m["Message-ID"]).startswith(mine)]
    shown = [{"to": m["To"], "subject": m["Subject"], "date": m["Date"], "body": _text(m)} for m in mails[:MAILS_SHOWN]]
    return render_page(request, "tenants/mail.html", {"mails": shown})


def _read(path: Path) -> EmailMessage:
    return BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(path.read_bytes())


def _text(mail: EmailMessage) -> str:
    text = mail.get_content() if mail.get_content_type() == "text/plain" else ""
    return str(text).rpartition("\n-----")[0] or str(text)
