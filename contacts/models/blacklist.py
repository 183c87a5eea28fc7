"""Addresses and numbers that get no messages, whoever has them now or later."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantModel


class PlatformBlock(models.Model):
    """An e-mail address that no workspace writes to, as a keyed digest: it belongs to none of them
    (contacts.consent.platform_blacklist)."""

    digest = models.CharField(max_length=64, primary_key=True, db_collation="C")
    reason = models.CharField(max_length=200, blank=True)
    added_by = models.CharField(max_length=254, blank=True)
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "platform_block"

    def __str__(self) -> str:
        return self.digest[:8]


class BlacklistEntry(TenantModel):
    """An e-mail address or a phone number, in its normal form, that this workspace does not write to."""

    kind = models.CharField(max_length=5)
    value = models.CharField(max_length=254, db_collation="C")
    reason = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        db_table = "blacklist_entry"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "kind", "value"], name="blacklist_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
