"""Sites and their snippet, resolved contacts, and what the visitors of a contact did."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import redis
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from contacts.models import Contact
from contacts.values.identifiers import normal_email
from contacts.values.vocabulary import COUNTRY_CODES
from core import edit_conflicts, places
from core.http import invalid, render_page
from tenants import audit, outbox, setting_changes
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest
from tracking import overview, quarantine, retention
from tracking import timeline as stream
from tracking.models import Quarantine, Site, Visitor, VisitorIdentifier
from tracking.pixel import inbox, installation, live_check, repeats, site_secrets
from tracking.pixel.sites import forget, new_key, read_addresses, read_hosts, read_paths

PAGE = 50
MOST_DAYS = 3_650
# Why a hit was refused (tracking.pixel.hits), in words.
REASONS = {
    "opted_out": "The visitor’s browser asks not to be tracked (Global Privacy Control, Do Not Track)",
    "bot": "Sent by a bot",
    "too_large": "Larger than 32 KB, or a batch larger than 60 KB or 100 hits",
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
    "too_often": "Too many hits from one IP address (answered 429)",
    "unreadable_phone": "Phone number not recognised. The rest of the hit was saved",
    "unreadable_email": "E-mail address not recognised. The rest of the hit was saved",
    "unreadable_external_id": "External ID not recognised. The rest of the hit was saved",
    "too_many_people": "Too many people on one device. Saved without the identifier",
    "link_forged": "Tracked link with a wrong signature. Saved without the link",
    "link_expired": "Tracked link that has expired. Saved without the link",
    "link_of_another": "Tracked link of another contact than the visitor’s. Saved without the link",
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
    setting_changes.tell(["count_claimed_orders"])
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
    """Where the pages of a site are, what is not recorded, for how long the rest is stored, and what the snippet says."""
    site = get_object_or_404(Site.objects.select_for_update(), pk=site_id)
    try:
        settings_ = _read_settings(request.POST)
        if refused := edit_conflicts.sentence(request.POST, site, _LABELS):
            raise ValueError(refused)
    except ValueError as problem:
        return _refused(request, site, error=str(problem))
    days = settings_["retention_days"]
    if request.POST.get("confirmed") != str(days) and (found := retention.preview(site, days, now=timezone.now())):
        return _refused(request, site, old=found, days=days, until=timezone.now() - timedelta(days=days))
    before = {name: getattr(site, name) for name in settings_}
    changed = {name: value for name, value in settings_.items() if value != before[name]}
    if changed:
        for name, value in changed.items():
            setattr(site, name, value)
        site.save(update_fields=list(changed))
        forget(site.key)
        audit.record("site.changed", user_id=request.user.pk, target=site.name, **changed)
    messages.success(request, "Saved. The new settings apply within a minute.")
    return redirect(f"{reverse('tracking:site', args=[site.pk])}?tab=settings")


def _refused(request: WorkspaceRequest, site: Site, **more: Any) -> HttpResponse:
    """The settings as they were typed, with what has to be corrected or confirmed before they are saved."""
    given = {name: request.POST.get(name, "") for name in _SETTINGS} | {n: n in request.POST for n in _SWITCHES}
    return invalid(request, "tracking/site.html", _site(request, site, "settings", given=given, **more))


_SETTINGS = ("hosts", "excluded_paths", "internal_addresses", "country", "retention_days")
_SWITCHES = ("consent_required", "capture_forms")
_LABELS = {
    "hosts": "Addresses", "excluded_paths": "Excluded pages", "internal_addresses": "Own addresses", "country": "Country",
    "retention_days": "Days", "consent_required": "Consent", "capture_forms": "Forms",
}  # fmt: skip


def _read_settings(posted: QueryDict) -> dict[str, Any]:
    """What was typed, as it is stored. Raises ValueError with a sentence for the person."""
    country, days = posted.get("country", "").strip().upper(), posted.get("retention_days", "").strip()
    if country and country not in COUNTRY_CODES:
        raise ValueError(f"{country[:40]} is not a country. Choose one from the list.")
    if days and not (days.isascii() and days.isdigit() and 1 <= int(days[:9]) <= MOST_DAYS):
        raise ValueError(f"“{days[:40]}” is not a number of days. Enter 1 to {MOST_DAYS:,}, or leave it empty.")
    return {
        "hosts": "\n".join(read_hosts(posted.get("hosts", ""))),
        "excluded_paths": "\n".join(read_paths(posted.get("excluded_paths", ""))),
        "internal_addresses": "\n".join(read_addresses(posted.get("internal_addresses", ""))),
        "country": country,
        "retention_days": int(days) if days else None,
        **{name: name in posted for name in _SWITCHES},
    }


@allow("sites.manage")
@require_POST
def mail_developer(request: WorkspaceRequest, site_id: int) -> HttpResponse:
    """Mail the instructions to whoever installs the pixel; to one address once a day."""
    site = get_object_or_404(Site, pk=site_id)
    to = normal_email(request.POST.get("email", ""))
    if to is None:
        typed = request.POST.get("email", "")[:100]
        problem = f"“{typed}” is not an e-mail address." if typed.strip() else "Enter an e-mail address."
        return invalid(request, "tracking/site.html", _site(request, site, mail_error=problem, typed=typed))
    subject, body = installation.mail(
        site, base=settings.SITE_URL, sender=str(request.user), workspace=request.workspace.name
    )
    digest = hashlib.sha256(f"{to}\n{body}".encode()).hexdigest()[:24]
    outbox.put_mail(f"pixel-{site.pk}-{timezone.now():%Y%m%d}-{digest}", to=to, subject=subject, body=body)
    audit.record("site.instructions_sent", user_id=request.user.pk, target=site.name, to=to)
    messages.success(request, f"We are sending the instructions to {to}.")
    return redirect("tracking:site", site.pk)


@allow("sites.manage")
@require_POST
def renew_secret(request: WorkspaceRequest, site_id: int) -> HttpResponse:
    """A new secret for the server of a site, shown in this answer and never again. A reload does not make yet another."""
    site = get_object_or_404(Site.objects.select_for_update(), pk=site_id)
    if request.POST.get("salt", "") != _digest_of(site.secret_salt):
        messages.error(request, "The secret was created in the meantime. Create another one if you do not have it.")
        return redirect(f"{reverse('tracking:site', args=[site.pk])}?tab=server")
    secret = site_secrets.renew(site, now=timezone.now())
    forget(site.key)
    audit.record("site.secret_created", user_id=request.user.pk, target=site.name)
    return render_page(request, "tracking/site.html", _site(request, site, "server", secret=secret))


@allow("sites.manage")
@require_POST
def remove_secret(request: WorkspaceRequest, site_id: int) -> HttpResponse:
    """From now on nothing that a server sends for the site is accepted."""
    site = get_object_or_404(Site, pk=site_id)
    site_secrets.remove(site)
    forget(site.key)
    audit.record("site.secret_removed", user_id=request.user.pk, target=site.name)
    messages.success(request, "Secret removed. Signed hits are refused within a minute.")
    return redirect(f"{reverse('tracking:site', args=[site.pk])}?tab=server")


def _digest_of(salt: str) -> str:
    return hashlib.sha256(salt.encode()).hexdigest()[:16]


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
    """How to install the pixel and whether it works; the settings of the site; what its server may send."""
    return render_page(
        request,
        "tracking/site.html",
        _site(request, get_object_or_404(Site, pk=site_id), request.GET.get("tab", "")),
    )


TABS = {"": "Install", "settings": "Settings", "server": "Server"}


def _site(request: WorkspaceRequest, site: Site, tab: str = "", **more: Any) -> dict[str, Any]:
    tab = tab if tab in TABS else ""
    url = reverse("tracking:site", args=[site.pk])
    subject, body = installation.mail(
        site, base=settings.SITE_URL, sender=str(request.user), workspace=request.workspace.name
    )
    return {
        "site": site,
        "tab": tab,
        "tabs": [{"label": v, "url": f"{url}?tab={k}" if k else url, "current": k == tab} for k, v in TABS.items()],
        "snippets": installation.snippets(site, base=settings.SITE_URL),
        "mailto": f"mailto:?{urlencode({'subject': subject, 'body': body}, quote_via=quote)}",
        "check_address": installation.example_address(site),
        "endpoint": f"{settings.SITE_URL}/p/{site.key}",
        "salt": _digest_of(site.secret_salt),
        "seen": edit_conflicts.seen(site, _LABELS),
        "given": {name: getattr(site, name) for name in (*_SETTINGS, *_SWITCHES)},
        "workspace_country": places.country(_country(request)),
        "countries": places.countries(COUNTRY_CODES),
        **_drops(request, site),
        **more,
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
    """What was dropped, by reason with the latest of each, and what has been seen of the site."""
    ids = {"tenant_id": request.workspace.pk, "site_id": site.pk}
    try:
        counts, signs, waiting = inbox.drops(**ids), inbox.signs(**ids), inbox.waiting()
    except redis.RedisError:
        return {"drops": None, "refused": None, "waiting": None, "findings": []}
    repeats_ = counts.pop(repeats.REPEATED, 0)
    if site.last_hit_at is not None:  # known to the database, also where the broker has forgotten it
        signs.setdefault(inbox.KEPT, inbox.Sign(site.last_hit_at.timestamp(), ""))
    rows = [
        {"why": REASONS.get(reason, reason), "count": n, "host": signs[reason].host if reason in signs else "",
         "at": datetime.fromtimestamp(signs[reason].at, UTC) if reason in signs else None}
        for reason, n in sorted(counts.items(), key=lambda item: -item[1])
    ]  # fmt: skip
    return {
        "drops": rows,
        "refused": sum(counts.values()),
        "repeats": repeats_,
        "waiting": waiting,
        "findings": live_check.findings(signs, now=timezone.now()),
    }


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
