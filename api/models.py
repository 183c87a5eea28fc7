"""Tokens, and answers that are given again when a request comes a second time."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from api.webhooks.models import Delivery as Delivery
from api.webhooks.models import Webhook as Webhook
from tenants.isolation.base import TenantModel


class ApiToken(TenantModel):
    """A program's way into a workspace. Only the digest of its secret is stored (api.tokens)."""

    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, db_collation="C")
    # Of the secret before a rotation, which is valid until then.
    previous_digest = models.CharField(max_length=64, db_collation="C", null=True)
    previous_until = models.DateTimeField(null=True)
    # Permissions of tenants.roles; it never has more than the role of the member who made it.
    scopes = ArrayField(models.CharField(max_length=40))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    rotated_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)  # to the minute
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "api_token"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "digest"], name="api_token_digest")
        ]

    def __str__(self) -> str:
        return self.name


class StoredAnswer(TenantModel):
    """The answer to a request that named itself by an Idempotency-Key (api.idempotency)."""

    token_id = models.BigIntegerField()
    key = models.CharField(max_length=255, db_collation="C")
    digest = models.CharField(max_length=64, db_collation="C")  # of what was sent
    status = models.SmallIntegerField(default=0)  # 0: the work is under way, in a transaction that has not ended
    content_type = models.CharField(max_length=100, default="")
    content = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        db_table = "api_answer"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "token_id", "key"], name="api_answer_once")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "created_at"], name="api_answer_age")]

    def __str__(self) -> str:
        return self.key
