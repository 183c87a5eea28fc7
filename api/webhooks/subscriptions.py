"""Webhooks made and changed by people: what is checked, and what the audit log keeps."""

from collections.abc import Collection

from django.utils import timezone

from api.webhooks import deliveries, signatures
from api.webhooks.event_types import EVENT_TYPES
from api.webhooks.models import Delivery, Webhook
from contacts import change_feed
from core import outside_post
from core.outside_addresses import BadAddress
from segments.models import Segment
from tenants import audit
from tenants.models import User

MOST = 20
MAX_DESCRIPTION = 120


class BadWebhook(ValueError):
    """A webhook that cannot be. The sentence is for people; `field` says which field it is about."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


def create(
    url: str, *, event_types: Collection[str], segment_ids: Collection[int] = (), description: str = "", user: User
) -> Webhook:
    """Make a webhook that is told what happens from now on. Raises BadWebhook."""
    if Webhook.objects.count() >= MOST:
        raise BadWebhook(f"This workspace has {MOST} webhooks, which is the limit. Delete one that is not used.", "url")
    webhook = Webhook(salt=signatures.new_salt(), created_by=user, contact_cursor=change_feed.now())
    _take(webhook, url, event_types, segment_ids, description)
    webhook.save()
    _record("created", webhook, user, events=sorted(event_types))
    deliveries.wake(webhook)
    return webhook


def change(
    webhook: Webhook, url: str, *, event_types: Collection[str], segment_ids: Collection[int] = (), description: str = "",
    user: User,
) -> None:  # fmt: skip
    """Change what a webhook is told, and where. Raises BadWebhook."""
    before = {"url": webhook.url, "events": webhook.event_types}
    _take(webhook, url, event_types, segment_ids, description)
    webhook.save(update_fields=["url", "event_types", "segment_ids", "description"])
    _record("changed", webhook, user, before=before, events=sorted(event_types))


def rotate(webhook: Webhook, *, user: User) -> str:
    """A new secret, which is returned; requests are signed with the former one as well for a day."""
    webhook.former_salt, webhook.salt, webhook.rotated_at = webhook.salt, signatures.new_salt(), timezone.now()
    webhook.save(update_fields=["former_salt", "salt", "rotated_at"])
    _record("rotated", webhook, user)
    return signatures.secret_of(webhook)


def replay(delivery: Delivery, webhook: Webhook, *, user: User) -> Delivery:
    """Send a delivery once more, under the ID that its receiver knows."""
    again = deliveries.replay(delivery, webhook)
    audit.record("webhook.replayed", user_id=user.pk, target=f"webhook {webhook.pk}", message=delivery.message_id)
    return again


def delete(webhook: Webhook, *, user: User) -> None:
    """Remove a webhook with what was sent to it and what waits."""
    _record("deleted", webhook, user)
    Delivery.objects.filter(webhook_id=webhook.pk).delete()
    webhook.delete()


def _take(
    webhook: Webhook, url: str, event_types: Collection[str], segment_ids: Collection[int], description: str
) -> None:
    try:
        outside_post.check(url.strip())
    except BadAddress as problem:
        raise BadWebhook(str(problem), "url") from None
    unknown = [name for name in event_types if name not in EVENT_TYPES]
    if unknown or not event_types:
        raise BadWebhook("Choose at least one event.", "event_types")
    chosen = sorted(set(segment_ids))
    if Segment.objects.present().filter(pk__in=chosen).count() != len(chosen):
        raise BadWebhook("One of these segments no longer exists. Choose again.", "segment_ids")
    if len(description) > MAX_DESCRIPTION:
        raise BadWebhook(f"A description has up to {MAX_DESCRIPTION} characters.", "description")
    webhook.url, webhook.description = url.strip(), description.strip()
    webhook.event_types = [name for name in EVENT_TYPES if name in event_types]
    webhook.segment_ids = chosen


def _record(verb: str, webhook: Webhook, user: User, **detail: object) -> None:
    audit.record(f"webhook.{verb}", user_id=user.pk, target=f"webhook {webhook.pk}", url=webhook.url, **detail)
