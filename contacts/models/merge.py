"""Contacts that turned out to be one person: what was joined, so that it can be taken apart again."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.exact_json import JSONField
from tenants.isolation.base import TenantModel


class Alias(TenantModel):
    """A further identifier of a contact, in its normal form: what it was known by before a merge or a change.

    `status` and what goes with it say whether the address or number could be written to when it left the contact: consent
    belongs to the address (identity, rule 9). NULL: it was active, or the identifier is no channel.
    """

    kind = models.CharField(max_length=12)
    value = models.CharField(max_length=320, db_collation="C")
    contact_id = models.BigIntegerField()
    merge_id = models.BigIntegerField(null=True)  # the merge that has made it; NULL: another value took its place
    added_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=14, null=True)
    status_at = models.DateTimeField(null=True)
    status_reason = models.TextField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "alias"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "kind", "value", "contact_id"], name="alias_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "contact_id"], name="alias_contact"),
            # Few addresses were silent when they left their contact, and each import asks whether there are any.
            models.Index(
                fields=["tenant_id", "kind", "value"], name="alias_silent", condition=models.Q(status__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of contact {self.contact_id}"


class Merge(TenantModel):
    """Several contacts made one. `contact_id` remains; `losers` lead to it.

    `values`: key of a value → [before, after] at the contact that remains, with forms and dates as
    `contacts.duplicates.merge` writes them; `moved`: what each app has moved, by the name of the app (contacts.extensions).
    """

    contact_id = models.BigIntegerField()
    losers = models.JSONField()
    values = JSONField(default=dict)
    moved = models.JSONField(default=dict)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "merge"
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "contact_id"], name="merge_contact")]

    def __str__(self) -> str:
        return f"{self.losers} into {self.contact_id}"
