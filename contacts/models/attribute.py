"""Attributes that a workspace defines beside the system's own (contacts.values.types.SYSTEM)."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantModel


class Attribute(TenantModel):
    """A typed property of contacts. Its values are in `Contact.attributes` under the key, typed on entry."""

    key = models.CharField(max_length=60, db_collation="C")
    label = models.CharField(max_length=120)
    type = models.CharField(max_length=12)
    # ID → label of the options of a choice; empty means that any text is an option.
    options = models.JSONField(default=dict)
    # A new contact needs a value; so does each row of a file.
    required = models.BooleanField(default=False, db_default=False)
    # Of phones written without a country; empty: that of the workspace.
    region = models.CharField(max_length=2, blank=True, db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "attribute"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "key"], name="attribute_key"),
        ]

    def __str__(self) -> str:
        return self.label
