"""The audit log of the workspace: who did what to whom, and when."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.http import render_page
from core.parse import parse_id
from tenants import audit
from tenants.accounts import failed_sign_ins, sessions
from tenants.audit import SUBJECTS
from tenants.models import Membership
from tenants.retention import rules
from tenants.roles import allow

SIZE = 50


@allow("audit.view")
@require_safe
def failed(request: HttpRequest) -> HttpResponse:
    """Failed sign-ins with accounts of members, the latest first."""
    before = parse_id(request.GET.get("before", ""))
    found = failed_sign_ins.page(before=before, count=SIZE)
    context: dict[str, Any] = {
        "rows": [{"row": row, "browser": sessions.words_of(row.user_agent)} for row in found.rows],
        "days": rules.days_of("sign_ins"),
        "older_url": f"?before={found.older}" if found.older else None,
        "first_url": "?" if before else None,
    }
    return render_page(request, "tenants/failed_sign_ins.html", context)


@allow("audit.view")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Entries by what they are about, by whom, and by their object, the latest first."""
    given = {name: request.GET.get(name, "").replace("\x00", "").strip()[:120] for name in ("subject", "user", "about")}
    subject = given["subject"] if given["subject"] in SUBJECTS else ""
    entries = audit.page(
        subject=subject,
        user_id=parse_id(given["user"]),
        about=given["about"],
        before=parse_id(request.GET.get("before", "")),
        count=SIZE,
    )
    members = Membership.objects.select_related("user").order_by("user__email")
    context: dict[str, Any] = {
        "entries": [audit.format_entry(entry) for entry in entries[:SIZE]],
        "subjects": SUBJECTS.items(),
        "subject": subject,
        "people": [(str(m.user_id), m.user.display_name) for m in members],
        "user_id": given["user"],
        "about": given["about"],
        "filtered": bool(subject or given["user"] or given["about"]),
        "older_url": f"?{urlencode({**given, 'before': entries[SIZE - 1].pk})}" if len(entries) > SIZE else None,
        "first_url": f"?{urlencode(given)}" if request.GET.get("before") else None,
    }
    return render_page(request, "tenants/audit.html", context)
