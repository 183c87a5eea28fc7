"""Sites and their snippet, resolved contacts, and what the visitors of a contact did."""

from collections.abc import Iterable
from typing import Any

import redis
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contacts.models import Contact
from contacts.values.vocabulary import COUNTRY_CODES
from core import places
from core.http import invalid, render_page
from core.parse import parse_id
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest
from tracking import overview, quarantine
from tracking import timeline as stream
from tracking.models import Quarantine, Site, Visitor, VisitorIdentifier
from tracking.pixel import inbox
from tracking.pixel.sites import forget, new_key, read_hosts

PAGE = 50
# Why a hit was refused (tracking.pixel.hits), in words.
REASONS = {
    "opted_out": "The visitor’s browser asks not to be tracked (Global Privacy Control, Do Not Track)",
    "bot": "Sent by a bot",
    "too_large": "Larger than 32 KB, or more than 100 hits in a batch",
    "not_json": "Not JSON",
    "kind": "Unknown type of hit",
    "name": "Event without a name",
    "properties": "Properties are not an object, too many or nested too deeply",
    "device": "No device ID. Check that the script is ours",
    "identifiers": "Identify call without an identifier",
    "not_storable": "Contains characters or numbers that cannot be stored",
    "host": "Sent from a page outside the allowed hosts",
    "excluded": "On a page that is excluded",
    "internal": "Sent from an internal IP address",
    "id": "The ID of the hit is missing or not a UUID",
    "time": "More than 2 days old, or from the future",
    "signature": "Wrong signature",
    "repeated": "Sent again after a lost connection. Stored once",
    "too_often": "Too many hits from one IP address (answered 429)",
    "unreadable_phone": "Phone number not recognised. The rest of the hit was saved",
    "unreadable_email": "E-mail address not recognised. The rest of the hit was saved",
    "unreadable_external_id": "External ID not recognised. The rest of the hit was saved",
    "too_many_people": "Too many people on one device. Saved without the identifier",
    "too_many_identifiers": "Too many identifiers for one visitor. Saved without this one",
}


@allow("sites.view")
@require_safe
def sites(request: WorkspaceRequest) -> HttpResponse:
    """Sites with the pixel, and when we last saw each."""
    shown = {
        "sites": Site.objects.order_by("name"),
        "held": Quarantine.objects.filter(released_at=None).order_by("-at")[:100],
        "count_claimed": request.workspace.count_claimed_orders,
    }
    return render_page(request, "tracking/sites.html", shown)


@allow("sites.manage")
@require_POST
def count_claimed(request: WorkspaceRequest) -> HttpResponse:
    """Whether orders that only browsers have told of count in segments."""
    workspace: Any = request.workspace
    workspace.count_claimed_orders = "count" in request.POST
    workspace.save(update_fields=["count_claimed_orders"])
    detail = {"count": workspace.count_claimed_orders}
    audit.record("site.claimed_orders", user_id=request.user.pk, target="orders of the pixel", **detail)
    messages.success(request, "Saved.")
    return redirect("tracking:sites")


@allow("sites.manage")
@require_POST
def release(request: WorkspaceRequest, item_id: int) -> HttpResponse:
    """Let an identifier in quarantine count again."""
    get_object_or_404(Quarantine, pk=item_id, released_at=None)
    item = quarantine.release(item_id, user_id=request.user.pk or 0)
    audit.record("identifier.released", user_id=request.user.pk, target=f"{item.kind} in quarantine {item.pk}")
    messages.success(request, "Identifier released. Visitors that use only this one will be matched.")
    return redirect("tracking:sites")


@allow("sites.manage")
@require_POST
def settings_of(request: WorkspaceRequest, site_id: int) -> HttpResponse:
    """Where the pages of a site are, and whose phones are meant without a country."""
    site = get_object_or_404(Site, pk=site_id)
    country = request.POST.get("country", "").strip().upper()
    try:
        hosts = read_hosts(request.POST.get("hosts", ""))
        if country and country not in COUNTRY_CODES:
            raise ValueError(f"{country[:40]} is not a country. Choose one from the list.")
    except ValueError as problem:
        return invalid(request, "tracking/site.html", _site(request, site) | {"error": str(problem)})
    site.hosts, site.country = "\n".join(hosts), country
    site.save(update_fields=["hosts", "country"])
    forget(site.key)
    audit.record("site.changed", user_id=request.user.pk, target=site.name, hosts=hosts, country=country)
    messages.success(request, "Saved. The new settings apply within a minute.")
    return redirect("tracking:site", site.pk)


@allow("sites.manage")
@require_POST
def add_site(request: WorkspaceRequest) -> HttpResponse:
    name = request.POST.get("name", "").strip()[:120]
    if not name:
        messages.error(request, "Enter the site address, for example shop.example.com.")
        return redirect("tracking:sites")
    site = Site.objects.create(name=name, key=new_key(request.workspace.pk))
    audit.record("site.added", user_id=request.user.pk, target=name)
    return redirect("tracking:site", site.pk)


@allow("sites.view")
@require_safe
def site(request: WorkspaceRequest, site_id: int) -> HttpResponse:
    """The snippet to install, and the live check that it works."""
    return render_page(request, "tracking/site.html", _site(request, get_object_or_404(Site, pk=site_id)))


def _site(request: WorkspaceRequest, site: Site) -> dict[str, Any]:
    snippet = (
        f'<script src="{settings.SITE_URL}/static/pixel.js" data-key="{site.key}" defer></script>\n'
        f'<noscript><img src="{settings.SITE_URL}/p/{site.key}" alt="" width="1" height="1"></noscript>'
    )
    return {
        "site": site,
        "snippet": snippet,
        "workspace_country": places.country(_country(request)),
        "countries": places.countries(COUNTRY_CODES),
        **_drops(request, site),
    }


def _country(request: WorkspaceRequest) -> str:
    return str(request.workspace.country)


@allow("sites.view")
@require_safe
def seen(request: WorkspaceRequest, site_id: int) -> HttpResponse:
    """The fragment that says when we last saw the site."""
    site = get_object_or_404(Site, pk=site_id)
    return render_page(request, "tracking/_seen.html", {"site": site, **_drops(request, site)})


def _drops(request: WorkspaceRequest, site: Site) -> dict[str, Any]:
    try:
        drops = inbox.drops(tenant_id=request.workspace.pk, site_id=site.pk)
        refused = sorted(((REASONS.get(reason, reason), n) for reason, n in drops.items()), key=lambda d: -d[1])
        return {"drops": refused, "refused": sum(drops.values()), "waiting": inbox.waiting()}
    except redis.RedisError:
        return {"drops": None, "refused": None, "waiting": None}


@allow("contacts.view")
@require_safe
def resolved(request: WorkspaceRequest) -> HttpResponse:
    """Contacts that a visitor turned out to be, the latest first, with the reason."""
    before = parse_id(request.GET.get("before", ""))
    visitors = Visitor.objects.exclude(contact_id=None)
    if before is not None:
        visitors = visitors.filter(pk__lt=before)
    rows = list(visitors.order_by("-pk")[: PAGE + 1])
    contacts = Contact.objects.in_bulk([v.contact_id for v in rows])
    names = _names(v.pk for v in rows)
    shown = [(v, contacts[v.contact_id], _matched(v, names)) for v in rows[:PAGE] if v.contact_id in contacts]
    older = f"?before={rows[PAGE - 1].pk}" if len(rows) > PAGE else None
    context = {
        "rows": shown,
        "older_url": older,
        "newest_url": "?" if before else None,
        "total": Visitor.objects.exclude(contact_id=None).count(),
        "seen": Visitor.objects.exists(),
    }
    return render_page(request, "tracking/resolved.html", context)


def _names(visitor_ids: Iterable[int]) -> dict[int, list[VisitorIdentifier]]:
    """What visitors have named themselves."""
    names: dict[int, list[VisitorIdentifier]] = {}
    for name in VisitorIdentifier.objects.filter(visitor_id__in=list(visitor_ids)).order_by("kind", "seen_at"):
        names.setdefault(name.visitor_id, []).append(name)
    return names


def _matched(visitor: Visitor, names: dict[int, list[VisitorIdentifier]]) -> VisitorIdentifier | None:
    """The identifier of a visitor that made it a contact."""
    return next((n for n in names.get(visitor.pk, []) if n.kind == visitor.matched_by), None)


@allow("contacts.view")
@require_safe
def of_contact(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """The fragment of a profile: its visitors, and why they are this person."""
    visitors = list(Visitor.objects.filter(contact_id=contact_id).order_by("first_seen")[:20])
    names = _names(v.pk for v in visitors)
    context = {
        "contact": get_object_or_404(Contact, pk=contact_id),
        "rows": [(v, _matched(v, names)) for v in visitors],
        "visitors_word": f"{len(visitors)} visitors",
        "visits": sum(v.visits for v in visitors),
        "views": sum(v.views for v in visitors),
        "last_seen": max((v.last_seen for v in visitors), default=None),
    }
    return render_page(request, "tracking/_of_contact.html", context)


@allow("contacts.view")
@require_safe
def activity(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """The fragment of a profile: what its visitors did on the sites, what imports and providers have told; by kind."""
    contact = get_object_or_404(Contact, pk=contact_id)
    kind, after = request.GET.get("kind", ""), request.GET.get("after", "")[:60]
    return render_page(request, "tracking/_activity.html", overview.stream(contact.pk, kind=kind, after=after))


@allow("contacts.view")
@require_safe
def panel(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """The panel "Contact activity", over the list: every message with its channel, language, date and status. Without a
    script it is the tab of the profile."""
    contact = get_object_or_404(Contact, pk=contact_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('contacts:profile', args=[contact.pk])}?tab=activity&kind=message")
    shown = stream.page(contact.pk, kind="message", after="", size=PAGE)
    context = {
        "contact": contact,
        "messages_": [entry.event for entry in shown.entries],
        "count": shown.count,
        "activities": stream.page(contact.pk, kind="", after="", size=1).count,
    }
    return render_page(request, "tracking/_panel.html", context)
