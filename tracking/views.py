"""Sites and their snippet, resolved contacts, and what the visitors of a contact did."""

from typing import Any

import redis
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from cdp.http import page
from contacts.models import Contact
from tenants import audit
from tenants.roles import allow
from tracking import inbox
from tracking.models import Event, Site, Visitor, VisitorIdentifier
from tracking.sites import new_key

PAGE = 50
SHOWN_EVENTS = 30


@allow("sites.view")
@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """Sites with the pixel, and when we last saw each."""
    return page(request, "tracking/sites.html", {"sites": Site.objects.order_by("name")})


@allow("sites.manage")
@require_POST
def add_site(request: HttpRequest) -> HttpResponse:
    name = request.POST.get("name", "").strip()[:120]
    if not name:
        messages.error(request, "A site needs a name, for example shop.example.com.")
        return redirect("tracking:sites")
    site = Site.objects.create(name=name, key=new_key(request.workspace.pk))  # type: ignore[attr-defined]
    audit.record("site.added", user_id=request.user.pk, target=name)
    return redirect("tracking:site", site.pk)


@allow("sites.view")
@require_safe
def site(request: HttpRequest, site_id: int) -> HttpResponse:
    """The snippet to install, and the live check that it works."""
    found = get_object_or_404(Site, pk=site_id)
    return page(request, "tracking/site.html", {"site": found, "origin": settings.SITE_URL, **_drops(request, found)})


@allow("sites.view")
@require_safe
def seen(request: HttpRequest, site_id: int) -> HttpResponse:
    """The fragment that says when we last saw the site."""
    found = get_object_or_404(Site, pk=site_id)
    return page(request, "tracking/_seen.html", {"site": found, **_drops(request, found)})


def _drops(request: HttpRequest, found: Site) -> dict[str, Any]:
    try:
        drops = inbox.drops(tenant_id=request.workspace.pk, site_id=found.pk)  # type: ignore[attr-defined]
        return {"drops": sorted(drops.items(), key=lambda d: -d[1]), "waiting": inbox.waiting()}
    except redis.RedisError:
        return {"drops": None, "waiting": None}


@allow("contacts.view")
@require_safe
def resolved(request: HttpRequest) -> HttpResponse:
    """Contacts that a visitor turned out to be, the latest first, with the reason."""
    before = request.GET.get("before", "")
    visitors = Visitor.objects.exclude(contact_id=None)
    if before.isascii() and before.isdigit() and len(before) < 18:
        visitors = visitors.filter(pk__lt=int(before))
    rows = list(visitors.order_by("-pk")[: PAGE + 1])
    contacts = Contact.objects.in_bulk([v.contact_id for v in rows])
    shown = [(v, contacts[v.contact_id]) for v in rows[:PAGE] if v.contact_id in contacts]
    older = f"?before={rows[PAGE - 1].pk}" if len(rows) > PAGE else None
    total = Visitor.objects.exclude(contact_id=None).count()
    return page(request, "tracking/resolved.html", {"rows": shown, "older_url": older, "total": total})


@allow("contacts.view")
@require_safe
def of_contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """The fragment of a profile: its visitors, and why they are this person."""
    visitors = list(Visitor.objects.filter(contact_id=contact_id).order_by("first_seen")[:20])
    names: dict[int, list[VisitorIdentifier]] = {}
    for name in VisitorIdentifier.objects.filter(visitor_id__in=[v.pk for v in visitors]).order_by("kind"):
        names.setdefault(name.visitor_id, []).append(name)
    rows = [(v, names.get(v.pk, [])) for v in visitors]
    return page(request, "tracking/_of_contact.html", {"rows": rows, "contact_id": contact_id})


@allow("contacts.view")
@require_safe
def activity(request: HttpRequest, contact_id: int) -> HttpResponse:
    """The fragment of a profile: what its visitors did on the sites."""
    ids = list(Visitor.objects.filter(contact_id=contact_id).values_list("pk", flat=True))
    events = Event.objects.filter(visitor_id__in=ids).order_by("-at")[:SHOWN_EVENTS]
    return page(request, "tracking/_activity.html", {"events": events, "count": Event.objects.filter(visitor_id__in=ids).count()})
