"""The blacklist of the platform, for those who run it; for everybody else there is no such page."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from contacts.consent import blacklist as lists
from contacts.consent import platform_blacklist
from contacts.models import PlatformBlock
from core.http import not_found, redirect_to, render_page
from tenants.roles import signed_in


@signed_in
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def blacklist(request: HttpRequest) -> HttpResponse:
    """GET: how many are blocked, and with `q` whether one address is. POST: block the addresses, or let them go."""
    user: Any = request.user
    if user.email.casefold() not in settings.OPERATORS:
        return not_found(request)
    if request.method == "POST":
        return _change(request, by=user.email)
    return render_page(
        request, "contacts/platform.html", _shown(request.GET.get("q", "").replace("\x00", "").strip()[:254])
    )


def _change(request: HttpRequest, *, by: str) -> HttpResponse:
    lines = request.POST.get("values", "").replace("\x00", "").splitlines()
    values, bad = lists.read("email", lines[: lists.MOST + 1], region=None)
    if len(lines) > lists.MOST or not (values or bad):
        error = f"Enter 1 to {lists.MOST:,} e-mail addresses, one per line. Nothing was changed."
        return _again(request, {"error": error, "typed": "\n".join(lines)})
    said = _do(request, values, by=by) if values else "Nothing was changed."
    if bad:
        return _again(request, {"said": said, **lists.refused(bad)})
    messages.success(request, said)
    return redirect_to(request, "platform_blacklist")


def _do(request: HttpRequest, values: list[str], *, by: str) -> str:
    """What the button says to do with the addresses; returns what was done."""
    if request.POST.get("do") == "remove":
        return f"{platform_blacklist.remove(values):,} unblocked."
    new = platform_blacklist.add(values, reason=request.POST.get("reason", "").strip(), by=by)
    return f"{new:,} blocked for all workspaces." if new else "All were already blocked."


def _again(request: HttpRequest, more: dict[str, Any]) -> HttpResponse:
    return render_page(request, "contacts/platform.html", {**_shown(""), **more}, status=422)


def _shown(typed: str) -> dict[str, Any]:
    values, _bad = lists.read("email", [typed], region=None)
    return {
        "q": typed,
        "entry": platform_blacklist.find(values[0]) if values else None,
        "count": PlatformBlock.objects.count(),
        "most": lists.MOST,
    }
