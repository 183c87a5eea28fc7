"""Who is on the sites now, one visitor with what it did and who it is, and how it is forgotten."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from contacts.models import Contact
from core.http import redirect_to, render_page
from core.parse import parse_id
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id
from tracking import live_view, visitor_paths
from tracking.models import Site, Visitor


@allow("contacts.view")
@require_safe
def visitors(request: WorkspaceRequest) -> HttpResponse:
    """The visitors of the last half hour; the fragment renews itself."""
    site_id, kind = parse_id(request.GET.get("site", "")), request.GET.get("kind", "")
    kind = kind if kind in live_view.KINDS else ""
    shown = live_view.live(now=timezone.now(), site_id=site_id, kind=kind)
    more = "+" if shown.more else ""
    context: dict[str, Any] = {
        "live": shown,
        "kind": kind,
        "here": urlencode({"site": site_id or "", "kind": kind}),
        "minutes": int(live_view.WINDOW.total_seconds() // 60),
        "stats": [
            {"label": "Visitors", "figure": f"{shown.total:,}{more}", "note": "in the last 30 minutes"},
            {"label": "Known", "tone": "who", "figure": f"{shown.known:,}", "note": "matched to a contact"},
            {"label": "Anonymous", "figure": f"{shown.anonymous:,}", "note": "not matched yet"},
        ],
    }
    if request.headers.get("HX-Target") == "visitors-live":
        return render_page(request, "tracking/_visitors_live.html", context)
    context |= {
        "site_id": site_id,
        "sites": list(Site.objects.order_by("name", "pk").values_list("pk", "name")),
        "kinds": live_view.KINDS.items(),
        "seen": Visitor.objects.exists(),
    }
    return render_page(request, "tracking/visitors.html", context)


@allow("contacts.view")
@require_safe
def visitor(request: WorkspaceRequest, visitor_id: int) -> HttpResponse:
    """What one visitor did, what it called itself, and who it is and why."""
    one = get_object_or_404(Visitor, pk=visitor_id)
    names = visitor_paths.identifiers(one.pk)
    context = {
        "visitor": one,
        "contact": Contact.objects.filter(pk=one.contact_id).first() if one.contact_id else None,
        "site": Site.objects.filter(pk=one.site_id).first(),
        "path": visitor_paths.path(one.pk),
        "identifiers": names,
        "name": next((name for name in names if name.kind == one.matched_by), None),
        "others": Visitor.objects.filter(device=one.device).exclude(pk=one.pk).order_by("generation")[:20],
        "stats": [
            {"label": "Visits", "figure": f"{one.visits:,}"},
            {"label": "Pages", "figure": f"{one.views:,}"},
        ],
    }
    return render_page(request, "tracking/visitor.html", context)


@allow("contacts.erase")
@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: WorkspaceRequest, visitor_id: int) -> HttpResponse:
    """Ask first; then remove the visitor with its events and identifiers for good."""
    one = get_object_or_404(Visitor, pk=visitor_id)
    if request.method != "POST":
        return render_page(request, "tracking/forget.html", {"visitor": one, **visitor_paths.held(one.pk)})
    counts = visitor_paths.forget(one.pk, now=timezone.now())
    audit.record("visitor.forgotten", user_id=user_id(request), target=f"visitor {visitor_id}", **counts)
    messages.success(request, f"Visitor {visitor_id} forgotten. {counts['events']:,} events were removed for good.")
    return redirect_to(request, "tracking:visitors")
