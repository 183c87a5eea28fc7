"""What e-mail providers tell about messages: delivered, read, clicked, undelivered, complained, unsubscribed.

Each provider posts to an address of the workspace that holds a secret; django-anymail reads the dialects. What is told is
activity of the contact, once however often it is told, and makes the status of its e-mail stricter, never milder.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from importlib import import_module
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from contacts import blacklist, bulk_queries, consent, turns
from contacts.identifiers import normal_email
from contacts.models import Contact, EmailStatus
from tenants.context import current_tenant
from tracking import rating
from tracking.models import Event, EventKey, MailHook

# Provider → (its name, module and class of anymail, settings of it that only matter where anymail itself guards the door).
PROVIDERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "postmark": ("Postmark", "postmark.PostmarkTrackingWebhookView", {}),
    "mailgun": ("Mailgun", "mailgun.MailgunTrackingWebhookView", {"webhook_signing_key": "unused"}),
    "brevo": ("Brevo", "brevo.BrevoTrackingWebhookView", {}),
    "mailjet": ("Mailjet", "mailjet.MailjetTrackingWebhookView", {}),
    "sparkpost": ("SparkPost", "sparkpost.SparkPostTrackingWebhookView", {}),
    "mandrill": ("Mandrill", "mandrill.MandrillCombinedWebhookView", {"webhook_key": "unused"}),
}
# What anymail calls it → what the activity says.
SAID = {
    "sent": "sent", "delivered": "delivered", "opened": "read", "clicked": "clicked", "bounced": "undelivered",
    "rejected": "undelivered", "failed": "undelivered", "complained": "spam report", "unsubscribed": "unsubscribed",
}  # fmt: skip
# What it makes of the status of the contact's e-mail, and the reason that the contact carries.
STATUS = {
    "bounced": (EmailStatus.BLACKLISTED, "a message bounced"),
    "complained": (EmailStatus.SPAM, "complained about a message"),
    "unsubscribed": (EmailStatus.UNSUBSCRIBED, "unsubscribed from a message"),
}
MAX_BYTES = 5_000_000
# Times that are wildly wrong are those of broken clocks.
AHEAD, BACK = timedelta(days=1), timedelta(days=3_650)


class BadPost(ValueError):
    """What was posted is not what the provider posts."""


@dataclass(frozen=True)
class Told:
    """What came of a post: events of contacts that are new, known before, and about nobody whom we know."""

    new: int
    known: int
    strangers: int


def new_key(tenant_id: int) -> str:
    """The secret part of an address: it names the tenant, so that it can be looked up in the tenant's own rows."""
    return f"{tenant_id:x}-{secrets.token_hex(20)}"


def add(provider: str) -> MailHook:
    """A new address for a provider."""
    made: MailHook = MailHook.objects.create(provider=provider, key=new_key(current_tenant()))
    return made


def read(provider: str, request: HttpRequest) -> list[Any]:
    """The events of a post, as anymail says them. Raises BadPost."""
    _name, path, options = PROVIDERS[provider]
    module, _dot, name = path.rpartition(".")
    # The door is guarded by the key in the address; anymail would look for passwords of its own in the settings.
    view = getattr(import_module(f"anymail.webhooks.{module}"), name)(**{"webhook_secret": "unused:unused", **options})
    try:
        return list(view.parse_events(request) or [])
    except Exception as problem:  # dialects differ in how they fail on what is none of theirs
        raise BadPost(type(problem).__name__) from problem


def tell(hook: MailHook, events: Iterable[Any]) -> Told:
    """Keep what a provider has told, in the tenant's transaction and turn; twice the same is once."""
    turns.lock()
    now = timezone.now()
    useful = [(e, email) for e in events if e.event_type in SAID and (email := normal_email(e.recipient or ""))]
    contacts = _contacts({email for _event, email in useful})
    keyed = {
        _key(hook.provider, event, email): (event, contacts[email]) for event, email in useful if email in contacts
    }
    known = set(EventKey.objects.filter(key__in=keyed).values_list("key", flat=True))
    fresh = {key: pair for key, pair in keyed.items() if key not in known}
    tenant = current_tenant()
    EventKey.objects.bulk_create(EventKey(tenant_id=tenant, key=key, import_id=0) for key in fresh)
    Event.objects.bulk_create(_event(hook, event, contact, now) for event, contact in fresh.values())
    for kind, (status, reason) in STATUS.items():
        _make_stricter([c for e, c in fresh.values() if e.event_type == kind], status, reason, now)
    _keep_bounced(e.recipient for e, _contact in fresh.values() if e.event_type == "bounced")
    rating.rate(sorted({contact for _event, contact in fresh.values()}))
    hook.last_at, hook.told = now, hook.told + len(fresh)
    hook.save(update_fields=["last_at", "told"])
    strangers = sum(email not in contacts for _event, email in useful)
    return Told(len(fresh), len(useful) - len(fresh) - strangers, strangers)


def _contacts(emails: set[str]) -> dict[str, int]:
    """E-mail → the contact that has it, the first where several do."""
    rows = Contact.objects.living().filter(email__in=emails).order_by("-pk").values_list("email", "pk")
    return dict(rows)


def _key(provider: str, event: Any, email: str) -> str:
    """What makes it the same event when it is told again: the provider's own ID, or everything that it says."""
    own = event.event_id or repr((event.timestamp, event.message_id, event.click_url))
    said = f"{provider} {event.event_type} {email} {own}"
    return f"mail:{blake2b(said.encode(), digest_size=16).hexdigest()}"


def _event(hook: MailHook, event: Any, contact_id: int, now: datetime) -> Event:
    at = event.timestamp if event.timestamp and now - BACK < event.timestamp < now + AHEAD else now
    tags = [str(tag) for tag in event.tags or []]
    about = {
        "channel": "email", "status": SAID[event.event_type], "message": (tags or [event.message_id or ""])[0][:200],
        "provider": hook.provider, "id": str(event.message_id or "")[:200], "url": (event.click_url or "")[:500],
        "why": str(event.description or event.mta_response or "")[:300],
    }  # fmt: skip
    found = {name: value for name, value in about.items() if value}
    return Event(tenant_id=current_tenant(), at=at, kind="message", contact_id=contact_id, properties=found)


def _make_stricter(contact_ids: list[int], status: str, reason: str, now: datetime) -> None:
    order = consent.EMAIL_ORDER
    milder = order[: order.index(status)]
    wanted = Contact.objects.filter(pk__in=contact_ids, email_status__in=milder).order_by("pk")
    ids = list(wanted.select_for_update().values_list("pk", flat=True))
    if ids:
        told = {"email_status": status, "email_status_at": now, "email_status_reason": reason, "changed_at": now}
        Contact.objects.filter(pk__in=ids).update(**told)
        bulk_queries.note_changes(ids, now=now)
        turns.written()


def _keep_bounced(recipients: Iterable[str]) -> None:
    """Addresses to which nothing can be delivered are on the blacklist from now on, whoever comes to have them."""
    values = sorted({email for recipient in recipients if (email := normal_email(recipient))})
    if values:
        blacklist.add("email", values, reason="a message bounced", user_id=None)
