"""What is done to many contacts at once: by workers, in steps, with progress and a way back."""

from enum import StrEnum
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.exact_json import JSONField
from tenants.isolation.base import TenantModel


class BulkState(models.TextChoices):
    """The state of a bulk action. GATHERING collects its contacts, WORKING changes them, UNDOING restores them."""

    GATHERING = "gathering", "Preparing"
    WORKING = "working", "Working"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"
    UNDOING = "undoing", "Undoing"
    UNDONE = "undone", "Undone"


class BulkAction(TenantModel):
    """One of the kinds in settings.EXTENSIONS over the contacts of `selection` (contacts.bulk.actions says how)."""

    kind = models.CharField(max_length=20)
    selection = models.JSONField(default=dict, db_column="asked")
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=BulkState, default=BulkState.GATHERING)
    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    undone = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0)  # changed by somebody since: an undo leaves them
    cursor = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # The time that contacts carry as when they were deleted or unsubscribed: by it an undo knows its own doing.
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, null=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "bulk_action"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "token"], name="bulk_action_token")
        ]

    ACTIVE = (BulkState.GATHERING, BulkState.WORKING, BulkState.UNDOING)

    def __str__(self) -> str:
        return f"{self.kind} of {self.total}"

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE


class ItemState(StrEnum):
    """What became of a contact of a bulk action; NULL: nothing yet. Kept: an undo has left it as it is."""

    DONE = "d"
    SKIPPED = "s"
    UNDONE = "u"
    KEPT = "k"


class BulkItem(TenantModel):
    """A contact that a bulk action is about. Key: (tenant_id, bulk_id, contact_id).

    `state` is an ItemState; `before`: statuses and deletion as they were.
    """

    contact_id = models.BigIntegerField(primary_key=True)
    bulk_id = models.BigIntegerField()
    state = models.CharField(max_length=1, null=True)
    before = JSONField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "bulk_item"
        managed = False

    def __str__(self) -> str:
        return f"contact {self.contact_id} of {self.bulk_id}"
