"""What e-mail providers tell about messages: delivered, read, clicked, undelivered, complained, unsubscribed.

Each provider posts to an address of the workspace that holds a secret; django-anymail reads the dialects. What is told is
activity of the contact, once however often it is told, and makes the status of its e-mail stricter, never milder.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from importlib import import_module
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from contacts import change_queue, write_lock
from contacts.consent import address_status, blacklist
from contacts.models import Contact, EmailStatus
from contacts.values import channel_status
from contacts.values.identifiers import normal_email
from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tracking import queries
from tracking.email import deliverability, rating
from tracking.email.deliverability import Verdict
from tracking.models import Event, EventKey, MailHook

# Provider → (its name, module and class of anymail that reads its posts).
PROVIDERS: dict[str, tuple[str, str]] = {
    "postmark": ("Postmark", "postmark.PostmarkTrackingWebhookView"),
    "mailgun": ("Mailgun", "mailgun.MailgunTrackingWebhookView"),
    "brevo": ("Brevo", "brevo.BrevoTrackingWebhookView"),
    "amazon_ses": ("Amazon SES", "amazon_ses.AmazonSESTrackingWebhookView"),
    "sendgrid": ("SendGrid", "sendgrid.SendGridTrackingWebhookView"),
    "mailersend": ("MailerSend", "mailersend.MailerSendTrackingWebhookView"),
    "resend": ("Resend", "resend.ResendTrackingWebhookView"),
    "mailjet": ("Mailjet", "mailjet.MailjetTrackingWebhookView"),
    "sparkpost": ("SparkPost", "sparkpost.SparkPostTrackingWebhookView"),
    "mandrill": ("Mandrill", "mandrill.MandrillCombinedWebhookView"),
}
# So many soft bounces in a row within so many days are a hard one (the number is a setting of the workspace).
SOFT_DAYS = 30
MAX_BYTES = 5_000_000
# Times that are wildly wrong are those of broken clocks.
AHEAD, BACK = timedelta(days=1), timedelta(days=3_650)


class BadPost(ValueError):
    """What was posted is not what the provider posts."""


@dataclass(frozen=True)
class WebhookResult:
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
    module, _dot, name = PROVIDERS[provider][1].rpartition(".")
    kind = getattr(import_module(f"anymail.webhooks.{module}"), name)
    # Only the dialect is wanted: the door is guarded by the key in the address, so that nothing of how anymail guards its
    # own (passwords, keys, a client of the provider) has to be set up.
    view = kind.__new__(kind)
    try:
        return list(view.parse_events(request) or [])
    except Exception as problem:  # dialects differ in how they fail on what is none of theirs
        raise BadPost(type(problem).__name__) from problem


def confirmation(provider: str, body: bytes) -> str:
    """The address by which Amazon wants a new subscription to be confirmed, "" for any other post. A person opens it."""
    if provider != "amazon_ses":
        return ""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(said, dict) or said.get("Type") != "SubscriptionConfirmation":
        return ""
    url = str(said.get("SubscribeURL", ""))
    return url if CONFIRMATION.fullmatch(url) else ""


CONFIRMATION = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/\S{1,2000}")


def ask_to_confirm(hook: MailHook, url: str) -> None:
    """Keep the address by which a person confirms the subscription; the page of providers shows it."""
    hook.confirm_url = url
    hook.save(update_fields=["confirm_url"])


def tell(hook: MailHook, events: Iterable[Any]) -> WebhookResult:
    """Store the reports of a provider, in the tenant's transaction under the write lock; a repeated report counts once."""
    write_lock.lock()
    now = timezone.now()
    judged = [(e, verdict) for e in events if (verdict := deliverability.classify(hook.provider, e)) is not None]
    useful = [
        (e, verdict, email)
        for e, verdict in judged
        if (email := normal_email(deliverability.recipient(hook.provider, e)))
    ]
    contacts = _contacts({email for _event, _verdict, email in useful})
    keyed = {
        _key(hook.provider, event, email): (event, verdict, email)
        for event, verdict, email in useful
        if email in contacts
    }
    known = set(EventKey.objects.filter(key__in=keyed).values_list("key", flat=True))
    fresh = {key: said for key, said in keyed.items() if key not in known}
    tenant = current_tenant()
    EventKey.objects.bulk_create(EventKey(tenant_id=tenant, key=key, import_id=0) for key in fresh)
    Event.objects.bulk_create(
        _event(hook, event, verdict, contacts[mail], now) for event, verdict, mail in fresh.values()
    )
    change_queue.add({contacts[mail] for _event, _verdict, mail in fresh.values()}, "event")
    said = [(email, verdict) for _event, verdict, email in fresh.values() if verdict.status]
    said += [(email, TOO_SOFT) for email in _too_soft(fresh.values(), contacts, now)]
    _make_stricter(said, now)
    rating.recompute_rating(sorted({contacts[email] for _event, _verdict, email in fresh.values()}))
    hook.last_at, hook.told = now, hook.told + len(fresh)
    hook.confirm_url = ""  # posts arrive: it was confirmed
    hook.save(update_fields=["last_at", "told", "confirm_url"])
    strangers = sum(email not in contacts for _event, _verdict, email in useful)
    return WebhookResult(len(fresh), len(useful) - len(fresh) - strangers, strangers)


TOO_SOFT = Verdict("undelivered", EmailStatus.BLACKLISTED, "soft bounces in a row")


def _contacts(emails: set[str]) -> dict[str, int]:
    """E-mail → the contact that has it, the first where several do."""
    rows = Contact.objects.living().filter(email__in=emails).order_by("-pk").values_list("email", "pk")
    return dict(rows)


def _key(provider: str, event: Any, email: str) -> str:
    """What makes it the same event when it is told again: the provider's own ID, or everything that it says."""
    own = event.event_id or repr((event.timestamp, event.message_id, event.click_url))
    said = f"{provider} {event.event_type} {email} {own}"
    return f"mail:{blake2b(said.encode(), digest_size=16).hexdigest()}"


def _event(hook: MailHook, event: Any, verdict: Verdict, contact_id: int, now: datetime) -> Event:
    at = event.timestamp if event.timestamp and now - BACK < event.timestamp < now + AHEAD else now
    tags = [str(tag) for tag in event.tags or []]
    about = {
        "channel": "email", "status": verdict.activity, "message": (tags or [event.message_id or ""])[0][:200],
        "provider": hook.provider, "id": str(event.message_id or "")[:200], "url": (event.click_url or "")[:500],
        "why": str(event.description or event.mta_response or "")[:300], "bounce": "soft" if verdict.soft else "",
    }  # fmt: skip
    properties = {name: value for name, value in about.items() if value}
    return Event(tenant_id=current_tenant(), at=at, kind="message", contact_id=contact_id, properties=properties)


def _too_soft(told: Iterable[tuple[Any, Verdict, str]], contacts: Mapping[str, int], now: datetime) -> list[str]:
    """Addresses whose last messages have all bounced softly, as many in a row as the workspace allows."""
    most = int(Tenant.objects.values_list("soft_bounces", flat=True).get(pk=current_tenant()))
    soft = {contacts[email]: email for _event, verdict, email in told if verdict.soft}
    if not soft or not most:
        return []
    since = now - timedelta(days=SOFT_DAYS)
    full = queries.softly_bounced(current_tenant(), sorted(soft), most=most, since=since)
    return [soft[contact_id] for contact_id in full]


def _make_stricter(said: Iterable[tuple[str, Verdict]], now: datetime) -> None:
    """Set what was said of addresses: at every contact that has one, never to something milder. What cannot be reached is on
    the blacklist from now on, whoever comes to have it."""
    order = channel_status.EMAIL_ORDER
    for email, verdict in said:
        status = str(verdict.status)
        milder = order[: order.index(status)]
        address_status.set_email(email, status, instead_of=milder, reason=verdict.reason, now=now)
        if status == EmailStatus.BLACKLISTED:
            blacklist.add("email", [email], reason=verdict.reason, user_id=None)
