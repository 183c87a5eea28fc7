"""How people agreed to be written to, and what they can subscribe to."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantModel


class ConsentPurpose(models.TextChoices):
    """What a contact agreed to."""

    EMAIL = "email", "E-mail"
    ADS = "ads", "Ads"


class ConsentRecord(TenantModel):
    """Somebody has said that a contact agreed: to what, who, when, and the wording that was shown. Never changed later."""

    contact_id = models.BigIntegerField()
    purpose = models.CharField(
        max_length=5, choices=ConsentPurpose, default=ConsentPurpose.EMAIL, db_default="email", db_collation="C"
    )
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    wording = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        db_table = "consent_record"
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "contact_id"], name="consent_contact")]

    def __str__(self) -> str:
        return f"consent of contact {self.contact_id}"


class Category(TenantModel):
    """Something to subscribe to. Contacts keep the names in their attribute `subscriptions`."""

    name = models.CharField(max_length=80)
    about = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "category"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "name"], name="category_name"),
        ]

    def __str__(self) -> str:
        return self.name
