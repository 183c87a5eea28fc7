"""Subscriptions, and what was sent to them."""

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.isolation.base import TenantModel


class Webhook(TenantModel):
    """An address that is told what happens."""

    url = models.CharField(max_length=500)
    description = models.CharField(max_length=120, blank=True)
    event_types = ArrayField(models.CharField(max_length=40))
    segment_ids = ArrayField(models.BigIntegerField(), default=list)  # of events about segments; empty: of all
    # The secret is derived from these (api.webhooks.signatures); the former one signs as well for a day.
    salt = models.CharField(max_length=32)
    former_salt = models.CharField(max_length=32, blank=True)
    rotated_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    # Up to where changes of contacts have been noted for it (contacts.change_feed), and the moment before which everything
    # else has been. While a window of time is being read: where it ends, and the place in it.
    contact_cursor = models.TextField()
    read_until = models.DateTimeField(default=timezone.now)
    window_end = models.DateTimeField(null=True)
    place = models.JSONField(null=True)
    # Failures one after the other, since when, and until when nothing is sent.
    failures = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "webhook"

    def __str__(self) -> str:
        return self.url

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None


class DeliveryState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SENT = "sent", "Delivered"
    FAILED = "failed", "Failed"


class Delivery(TenantModel):
    """One request to a webhook: what it is about, without personal data, and what came of it."""

    webhook_id = models.BigIntegerField()
    # What the receiver knows it by: the same for every attempt, and for a replay.
    message_id = models.CharField(max_length=40, db_collation="C")
    # As api.webhooks.event_feed makes them: ids, types, times.
    events = models.JSONField()
    state = models.CharField(max_length=8, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    # Of the latest attempt: the status it was answered with (NULL: none), the beginning of the answer or what went wrong.
    status = models.SmallIntegerField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    seconds = models.FloatField(null=True)
    is_replay = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        db_table = "webhook_delivery"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "webhook_id", "-id"], name="webhook_delivery_newest"),
            models.Index(
                fields=["tenant_id", "webhook_id", "next_at"], name="webhook_delivery_due", condition=Q(state="waiting")
            ),
            models.Index(fields=["tenant_id", "created_at"], name="webhook_delivery_age"),
        ]

    def __str__(self) -> str:
        return self.message_id
