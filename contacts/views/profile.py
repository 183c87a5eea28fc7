"""One contact: everything entered, with what each app knows besides, loaded as fragments."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from contacts import extensions
from contacts.consent import platform_blacklist
from contacts.duplicates import merge
from contacts.linkage import review
from contacts.models import Alias, Attribute, ConsentRecord, Contact, Merge, StatusReason
from contacts.profile import quick_actions
from contacts.profile.form import ContactForm
from contacts.values.identifiers import takes_messages
from contacts.values.types import CORE, SYSTEM, in_words
from core.http import redirect_to, render_page
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

SHOWN = 30
TABS = {
    "": "Overview",
    "activity": "Activity",
    "attributes": "Fields",
    "segments": "Segments",
    "history": "History",
}


@allow("contacts.view")
@require_safe
def profile(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """The profile. Origins of values, visitors and segments come from their apps' fragments."""
    contact = get_object_or_404(Contact, pk=contact_id)
    if contact.merged_into is not None:
        return redirect_to(request, "contacts:profile", merge.current_contact(contact).pk)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else ""
    workspace: Any = request.workspace
    shown = {
        "contact": contact,
        "tab": tab,
        "tabs": [
            {"label": label, "url": f"?tab={key}" if key else "?", "current": key == tab}
            for key, label in TABS.items()
            if key != "segments" or request.membership.may("segments.view")
        ],
        "form": ContactForm(workspace=workspace, contact=contact) if tab == "attributes" else None,
        "facts": facts(contact),
        "channels": channels(contact),
        "acts": quick_actions.offered(contact),
        "deleted_by": quick_actions.deleted_by([contact]).get(contact.pk, ""),
        "aliases": Alias.objects.filter(contact_id=contact.pk).order_by("kind", "value"),
        "merges": Merge.objects.filter(contact_id=contact.pk, undone_at=None).order_by("-pk"),
        "likes": review.of_contact(contact.pk),
        "here": request.get_full_path(),
        **_activity(request, contact, tab),
    }
    return render_page(request, "contacts/profile.html", shown)


def _activity(request: WorkspaceRequest, contact: Contact, tab: str) -> dict[str, Any]:
    """What the person did, as the app that knows it tells: the latest of it first, on a tab of its own all."""
    overview = extensions.overview()
    if tab == "":
        return dict(overview.latest(contact.pk))
    kind, after = request.GET.get("kind", ""), request.GET.get("after", "")[:60]
    return dict(overview.stream(contact.pk, kind=kind, after=after)) if tab == "activity" else {}


@allow("contacts.view")
@require_safe
def history(request: WorkspaceRequest, contact_id: int) -> HttpResponse:
    """The fragment of a profile: what people have done to the contact, and how it agreed to be written to."""
    contact = get_object_or_404(Contact, pk=contact_id)
    shown = {
        "entries": audit.about(f"contact {contact.pk}", count=SHOWN),
        "consents": ConsentRecord.objects.filter(contact_id=contact.pk)
        .select_related("said_by")
        .order_by("-pk")[:SHOWN],
    }
    return render_page(request, "contacts/_history.html", shown)


def channels(contact: Contact) -> list[dict[str, Any]]:
    """Where the contact can be reached: address, status, since when and why."""
    rows = []
    for kind, label, icon in (("email", "E-mail", "mail"), ("phone", "Phone", "phone")):
        if getattr(contact, kind):
            rows.append(
                {
                    "label": label,
                    "icon": icon,
                    "address": getattr(contact, f"{kind}_display"),
                    "normal": getattr(contact, kind),
                    "status": getattr(contact, f"{kind}_status"),
                    "since": getattr(contact, f"{kind}_status_at") or contact.created_at,
                    "reason": StatusReason.text_of(getattr(contact, f"{kind}_status_reason")),
                    "silent": kind == "phone" and not takes_messages(contact.phone or ""),
                    "blocked": kind == "email" and bool(platform_blacklist.is_blocked_for_display(contact.email or "")),
                }
            )
    return rows


def facts(contact: Contact) -> list[dict[str, Any]]:
    """Every value of the contact with the label of its field, core fields first."""
    own = dict(Attribute.objects.values_list("key", "label"))
    labels = {**own, **{key: s.label for key, s in SYSTEM.items()}}
    core = [{"key": key, "label": label, "value": getattr(contact, key)} for key, label in CORE.items()]
    rest = [
        {"key": key, "label": labels.get(key, key), "value": in_words(key, value)}
        for key, value in sorted(contact.attributes.items(), key=lambda item: labels.get(item[0], item[0]))
    ]
    return [fact for fact in core if fact["value"]] + rest
