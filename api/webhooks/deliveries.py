"""From what has happened to requests that arrive: noted once, sent until they are taken, given up after two days.

`gather` moves a webhook's place in the logs and notes the deliveries in the same transaction, so nothing is noted twice or
passed over. `send` takes a delivery for a minute; where its process dies meanwhile, it is sent again, with the same ID. A
receiver therefore sees every delivery at least once.
"""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from api.webhooks import bodies, event_feed, signatures
from api.webhooks.event_feed import Window
from api.webhooks.event_types import PING
from api.webhooks.models import Delivery, DeliveryState, Webhook
from core import outside_post, watermark
from core.outside_post import Answer
from tenants import audit, outbox, pending_work
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Membership, Tenant
from tenants.roles import may
from tenants.tasks import defer
from tenants.web import workspace_urls

log = logging.getLogger(__name__)
WAKE, TASK = "webhooks", "api.work_on_webhook"
# Waits between the attempts of one delivery, in seconds: about two days together.
BACK_OFF = (10, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400)
# Waits of the whole webhook after failures that are its own: nobody answers, or it says that it cannot.
MOST_PAUSE = 3_600
DISABLE_AFTER = timedelta(days=3)
# So long they are kept where no other rule is set, and so far back is read what a disabled webhook has missed.
KEEP = timedelta(days=30)
# Longer than one request can take.
LEASE = timedelta(seconds=60)
# One look notes at most so many deliveries, and sends for so long.
NOTED, SLICE_SECONDS = 20, 10.0
USER_AGENT = "cdp-webhooks/1"


def work(tenant_id: int, webhook_id: int) -> None:
    """Note what has happened for a webhook, and send what is due. Safe to run any number of times, side by side."""
    for _page in range(NOTED):
        with tenant_context(tenant_id):
            if not gather(webhook_id):
                break
    until = timezone.now() + timedelta(seconds=SLICE_SECONDS)
    while timezone.now() < until:
        if not send(tenant_id, webhook_id):
            return


def gather(webhook_id: int) -> bool:
    """Note the next page of events as a delivery; whether there is more to read at once."""
    webhook = _locked(webhook_id)
    if webhook is None:
        return False
    events, webhook.contact_cursor, more = event_feed.read_contacts(webhook)
    if not more:
        others, more = _read_window(webhook)
        events += others
    for start in range(0, len(events), event_feed.PAGE):
        note(webhook, events[start : start + event_feed.PAGE])
    webhook.save(update_fields=["contact_cursor", "read_until", "window_end", "place"])
    return more


def _read_window(webhook: Webhook) -> tuple[list[dict[str, Any]], bool]:
    """The next events that are found by their time, and whether more follow. Moves the webhook's place."""
    if webhook.window_end is None:
        settled = watermark.settled()
        if settled <= webhook.read_until:
            return [], False
        webhook.window_end = settled
    page = event_feed.read(webhook, Window(webhook.read_until, webhook.window_end), webhook.place)
    if page.next_place is None:
        webhook.read_until, webhook.window_end = webhook.window_end, None
    webhook.place = page.next_place
    return page.events, page.next_place is not None


def note(webhook: Webhook, events: list[dict[str, Any]], *, message_id: str = "", is_replay: bool = False) -> Delivery:
    """Add a delivery, to be sent as soon as possible."""
    delivery: Delivery = Delivery.objects.create(
        webhook_id=webhook.pk, message_id=message_id or f"msg_{uuid.uuid4().hex}", events=events, is_replay=is_replay
    )
    return delivery


def ping(webhook: Webhook) -> Delivery:
    """Send an event that says nothing, to try the address."""
    delivery = note(webhook, [{"type": PING, "at": timezone.now().isoformat()}])
    wake(webhook)
    return delivery


def replay(delivery: Delivery, webhook: Webhook) -> Delivery:
    """Send a delivery once more, under the ID that its receiver knows."""
    again = note(webhook, delivery.events, message_id=delivery.message_id, is_replay=True)
    Webhook.objects.filter(pk=webhook.pk).update(paused_until=None)
    wake(webhook)
    return again


def send(tenant_id: int, webhook_id: int) -> bool:
    """Send the next delivery that is due; whether another look is worth it. Runs outside of any transaction: a receiver may
    take its time, and a transaction that waits for it would hold up others."""
    with tenant_context(tenant_id):
        claimed = _claim(webhook_id, now=timezone.now())
    if claimed is None:
        return False
    delivery, webhook, body, headers = claimed
    answer = outside_post.post(webhook.url, body, headers)
    with tenant_context(tenant_id):
        _note_answer(delivery, answer)
        return _note_health(webhook_id, answer)


def _claim(webhook_id: int, *, now: datetime) -> tuple[Delivery, Webhook, bytes, dict[str, str]] | None:
    """Take the next delivery for LEASE: who dies with it leaves it to others after that."""
    webhook = Webhook.objects.filter(pk=webhook_id, disabled_at=None).first()
    if webhook is None or (webhook.paused_until is not None and webhook.paused_until > now):
        return None
    due = Delivery.objects.filter(webhook_id=webhook_id, state=DeliveryState.WAITING, next_at__lte=now)
    delivery = due.select_for_update(skip_locked=True).order_by("next_at", "pk").first()
    if delivery is None:
        return None
    delivery.attempts, delivery.next_at = delivery.attempts + 1, now + LEASE
    delivery.save(update_fields=["attempts", "next_at"])
    body = bodies.of(delivery.message_id, delivery.events)
    headers = signatures.headers(webhook, delivery.message_id, body, now=now)
    return delivery, webhook, body, headers | {"content-type": "application/json", "user-agent": USER_AGENT}


def _note_answer(delivery: Delivery, answer: Answer) -> None:
    now = timezone.now()
    delivery.status, delivery.answer, delivery.seconds = answer.status, answer.text, answer.seconds
    if answer.is_good:
        delivery.state, delivery.ended_at = DeliveryState.SENT, now
    elif delivery.attempts > len(BACK_OFF):
        delivery.state, delivery.ended_at = DeliveryState.FAILED, now
    else:
        wait = max(BACK_OFF[delivery.attempts - 1], answer.retry_after)
        delivery.next_at = now + timedelta(seconds=wait)
    delivery.save()


def _note_health(webhook_id: int, answer: Answer) -> bool:
    """Keep whether the webhook works; whether more can be sent at once."""
    webhook: Webhook = Webhook.objects.select_for_update().get(pk=webhook_id)
    now = timezone.now()
    if answer.is_good:
        webhook.failures, webhook.failing_since, webhook.paused_until, webhook.last_success_at = 0, None, None, now
        webhook.save(update_fields=["failures", "failing_since", "paused_until", "last_success_at"])
        return True
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    if is_down := answer.status is None or answer.status == 429 or answer.status >= 500:
        pause = max(min(5 * 2 ** min(webhook.failures, 12), MOST_PAUSE), min(answer.retry_after, MOST_PAUSE))
        webhook.paused_until = now + timedelta(seconds=pause)
    webhook.save(update_fields=["failures", "failing_since", "paused_until"])
    if answer.status == 410:
        disable(webhook, reason="The address answered 410 Gone: it wants nothing more.")
    elif webhook.failing_since < now - DISABLE_AFTER:
        disable(webhook, reason=f"Nothing has been accepted for {DISABLE_AFTER.days} days.")
    return not is_down and webhook.is_enabled


def disable(webhook: Webhook, *, reason: str, user_id: int | None = None) -> None:
    """Stop a webhook; what waits stays. Where nobody did it themselves, the admins are told."""
    webhook.disabled_at, webhook.disabled_reason = timezone.now(), reason[:200]
    webhook.save(update_fields=["disabled_at", "disabled_reason"])
    audit.record("webhook.disabled", user_id=user_id, target=f"webhook {webhook.pk}", url=webhook.url, reason=reason)
    if user_id is None:
        _tell(webhook)


def enable(webhook: Webhook, *, user_id: int) -> None:
    """Go on with what waits, and with what has happened meanwhile for as long as its log is kept."""
    webhook.disabled_at, webhook.disabled_reason = None, ""
    webhook.failures, webhook.failing_since, webhook.paused_until = 0, None, None
    webhook.read_until = max(webhook.read_until, timezone.now() - KEEP)
    webhook.save()
    audit.record("webhook.enabled", user_id=user_id, target=f"webhook {webhook.pk}", url=webhook.url)
    wake(webhook)


def wake(webhook: Webhook) -> None:
    """Let a worker look at it, once the transaction has committed."""
    pending_work.mark_pending(WAKE)
    defer(TASK, tenant_id=current_tenant(), webhook_id=webhook.pk)


def wake_active(tenant_id: int) -> None:
    """Tell workers about every enabled webhook of a workspace; forget the workspace when it has none."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        usable = Q(paused_until=None) | Q(paused_until__lte=seen_at)
        if not Webhook.objects.filter(disabled_at=None).exists():
            pending_work.clear_pending(WAKE, seen_at=seen_at)
        for pk in Webhook.objects.filter(usable, disabled_at=None).order_by("pk").values_list("pk", flat=True):
            defer(TASK, tenant_id=tenant_id, webhook_id=pk)


def _locked(webhook_id: int) -> Webhook | None:
    enabled = Webhook.objects.filter(pk=webhook_id, disabled_at=None)
    webhook: Webhook | None = enabled.select_for_update(skip_locked=True).first()
    return webhook


def _tell(webhook: Webhook) -> None:
    url = workspace_urls.inside(
        Tenant.objects.values_list("slug", flat=True).get(pk=current_tenant()), "webhooks:detail", webhook.pk
    )
    body = (
        f"The webhook to {webhook.host} was disabled. {webhook.disabled_reason}\n\n{workspace_urls.absolute(url)}\n\n"
        "Check its address and enable it again. What has happened in the meantime is then sent.\n"
    )
    for member in Membership.objects.select_related("user"):
        if may(member.role, "settings.manage"):
            key = f"webhook-{webhook.pk}-{webhook.disabled_at:%Y%m%d%H%M%S}-{member.user_id}"
            outbox.put_mail(key, to=member.user.email, subject="A webhook was disabled", body=body)
            outbox.put_notice(member.user, text=f"Webhook to {webhook.host} was disabled", url=url, tone="bad")
