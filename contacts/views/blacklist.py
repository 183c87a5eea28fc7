"""The blacklists of the workspace: e-mails and phones that get no messages."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contacts.consent import blacklist
from contacts.models import BlacklistEntry
from core.http import redirect_to, render_page
from core.parse import parse_id
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

SIZE = 50
_ROUTES = {"email": "contacts:blacklist", "phone": "contacts:blacklist_phone"}
_LABELS = {"email": "e-mail address", "phone": "phone number"}


@allow("contacts.view")
@require_safe
def listing(request: WorkspaceRequest, kind: str) -> HttpResponse:
    """One of the two lists, the latest entries first; `q` finds a whole address or number."""
    return render_page(request, "contacts/blacklist.html", _shown(request, kind))


def _shown(request: WorkspaceRequest, kind: str) -> dict[str, Any]:
    typed, before = request.GET.get("q", "").replace("\x00", "").strip()[:254], request.GET.get("before", "")
    values, bad = blacklist.read(kind, [typed], region=_region(request))
    number = parse_id(before)
    entries = blacklist.listed(kind, search=(values or bad or [""])[0], before=number, count=SIZE)
    return {
        "kind": kind,
        "label": _LABELS[kind],
        "q": typed,
        "entries": entries[:SIZE],
        "older_url": f"?before={entries[SIZE - 1].pk}" if len(entries) > SIZE else None,
        "first_url": request.path if before else None,
        "tabs": [
            {"label": label, "url": reverse(route), "current": key == kind, "bad": False,
             "count": BlacklistEntry.objects.filter(kind=key).count()}
            for key, label, route in (("email", "E-mail", _ROUTES["email"]), ("phone", "Phone", _ROUTES["phone"]))
        ],
        "most": blacklist.MOST,
    }  # fmt: skip


def _region(request: WorkspaceRequest) -> str | None:
    return request.workspace.country or None


@allow("contacts.edit")
@require_POST
def add(request: WorkspaceRequest, kind: str) -> HttpResponse:
    """Put what was typed, one a line, on the list. Lines that cannot be read are shown again for correction."""
    lines = request.POST.get("values", "").replace("\x00", "").splitlines()
    values, bad = blacklist.read(kind, lines[: blacklist.MOST + 1], region=_region(request))
    if len(lines) > blacklist.MOST:
        error = f"You entered {len(lines):,} lines. Add up to {blacklist.MOST:,} at once. Nothing was added."
        return _again(request, kind, {"error": error, "typed": "\n".join(lines)})
    if not values and not bad:
        return _again(request, kind, {"error": f"Enter at least one {_LABELS[kind]}."})
    reason = request.POST.get("reason", "").strip()[:200]
    new = blacklist.add(kind, values, reason=reason, user_id=user_id(request)) if values else 0
    if bad:
        return _again(
            request, kind, {"said": _added_sentence(new, len(values)), **blacklist.refused(bad), "reason": reason}
        )
    messages.success(request, _added_sentence(new, len(values)))
    return redirect_to(request, _ROUTES[kind])


def _again(request: WorkspaceRequest, kind: str, more: dict[str, Any]) -> HttpResponse:
    return render_page(request, "contacts/blacklist.html", {**_shown(request, kind), **more}, status=422)


def _added_sentence(new: int, values: int) -> str:
    """What became of the lines that could be read."""
    if not values:
        return "Nothing was added."
    known = (
        f" {values - new:,} {'was' if values - new == 1 else 'were'} already on the blacklist." if values > new else ""
    )
    return f"{new:,} added. They will receive no messages.{known}" if new else "All were already on the blacklist."


@allow("contacts.edit")
@require_POST
def remove(request: WorkspaceRequest, entry_id: int) -> HttpResponse:
    """Take a value off the list."""
    try:
        entry = blacklist.remove(entry_id, user_id=user_id(request))
    except BlacklistEntry.DoesNotExist:
        raise Http404 from None
    messages.success(
        request, f"{entry.value} removed from the blacklist. Its contacts have their previous status again."
    )
    return redirect_to(request, _ROUTES[entry.kind])
