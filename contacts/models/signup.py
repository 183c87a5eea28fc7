"""Forms by which people subscribe themselves."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantModel


class SignupForm(TenantModel):
    """A form on a page of ours, or embedded in a site. The key is part of its address: it is public, not a secret."""

    key = models.CharField(max_length=40, db_collation="C")
    title = models.CharField(max_length=120)
    text = models.CharField(max_length=500, blank=True)
    # What the person agrees to, kept with the contact as it was shown.
    wording = models.CharField(max_length=500)
    categories = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "signup_form"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "key"], name="signup_form_key")
        ]

    def __str__(self) -> str:
        return self.title
