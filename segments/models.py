"""Segments: which of the contacts."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantManager, TenantModel


class SegmentState(models.TextChoices):
    """How far the members of a dynamic segment are; a static one is always ready."""

    BUILDING = "building", "Being built"
    REFRESHING = "refreshing", "Being refreshed"
    READY = "ready", "Up to date"
    FAILED = "failed", "Failed"


class Purpose(models.TextChoices):
    """Whom the members of a segment are for."""

    SEGMENT = "segment", "Segment"
    AUDIENCE = "audience", "Members of an audience"


class SegmentQuerySet(models.QuerySet["Segment"]):
    def present(self) -> "SegmentQuerySet":
        """Those that nobody has deleted."""
        return self.filter(archived_at=None)

    def static(self) -> "SegmentQuerySet":
        """Those that contacts can be added to."""
        return self.present().filter(rule__isnull=True)

    def dynamic(self) -> "SegmentQuerySet":
        """Those whose members follow from a rule."""
        return self.present().filter(rule__isnull=False)


class SegmentManager(TenantManager["Segment"]):
    """Segments as members of a workspace know them: without those that hold the members of audiences."""

    def get_queryset(self) -> models.QuerySet["Segment"]:
        return super().get_queryset().filter(purpose=Purpose.SEGMENT)


class Segment(TenantModel):
    """A named set of contacts. A static one holds members that were added; a dynamic one has a rule (segments.rules.tree),
    by which jobs keep its members (segments.refresh, segments.incremental).

    `objects` has what people see. Only jobs, and the owner of hidden segments, ask `everything`.
    """

    purpose = models.CharField(
        max_length=8, choices=Purpose, default=Purpose.SEGMENT, db_default="segment", db_collation="C"
    )
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True, db_default="")
    rule = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True)
    # Of a dynamic segment: how far its members are, why not, when they were last right, and how long a whole refresh took.
    state = models.CharField(max_length=12, choices=SegmentState, default=SegmentState.READY, db_default="ready")
    reason = models.CharField(max_length=300, blank=True, db_default="")
    cause = models.CharField(max_length=12, blank=True, db_default="")  # of the whole refresh that is under way
    attempts = models.IntegerField(default=0, db_default=0)
    failures = models.IntegerField(default=0, db_default=0)  # whole refreshes that failed, one after another
    size = models.IntegerField(default=0, db_default=0)
    refreshed_at = models.DateTimeField(null=True)
    duration_ms = models.IntegerField(null=True)
    # Up to when the windows of its rule are followed, when time alone can change its members next, and what it asks about.
    clock_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    causes = ArrayField(models.CharField(max_length=12), default=list, db_default=[])
    # A build waits for the transactions that were under way when it was asked for: they did not queue what they change.
    fence = models.BigIntegerField(null=True)
    # Of the form that was sent: a second click finds the segment of the first.
    token = models.CharField(max_length=32, null=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "segment"
        base_manager_name = "everything"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "purpose", "name"], condition=models.Q(archived_at=None), name="segment_name"
            ),
            models.UniqueConstraint(fields=["tenant_id", "token"], name="segment_token"),
        ]

    ACTIVE = (SegmentState.BUILDING, SegmentState.REFRESHING)

    objects: Any = SegmentManager.from_queryset(SegmentQuerySet)()
    everything: Any = TenantManager.from_queryset(SegmentQuerySet)()

    def __str__(self) -> str:
        return self.name

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE


class Member(TenantModel):
    """A contact in a segment. The key in the database is (tenant_id, segment_id, contact_id)."""

    # The ORM wants one column as key; rows are only ever read by filter and written by segments.queries.
    contact_id = models.BigIntegerField(primary_key=True)
    segment_id = models.BigIntegerField()
    added_at = models.DateTimeField()
    import_id = models.BigIntegerField(null=True)  # the import that has added the contact

    class Meta(TenantModel.Meta):
        db_table = "segment_member"
        managed = False

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.segment_id}"


class MemberChange(TenantModel):
    """That a contact entered or left a segment, and why. Key: (tenant_id, segment_id, at, contact_id)."""

    contact_id = models.BigIntegerField(primary_key=True)
    segment_id = models.BigIntegerField()
    at = models.DateTimeField()
    entered = models.BooleanField()
    cause = models.CharField(max_length=12, db_collation="C")
    why = models.TextField(null=True)  # the conditions that decided it, in words

    class Meta(TenantModel.Meta):
        db_table = "segment_change"
        managed = False

    def __str__(self) -> str:
        return f"{self.contact_id} {'entered' if self.entered else 'left'} {self.segment_id}"


class SegmentSize(TenantModel):
    """The size of a segment at the end of an hour, and how many entered and left in it.

    Key: (tenant_id, segment_id, hour).
    """

    segment_id = models.BigIntegerField(primary_key=True)
    hour = models.DateTimeField()
    size = models.IntegerField()
    entered = models.IntegerField(default=0)
    departed = models.IntegerField(default=0)

    class Meta(TenantModel.Meta):
        db_table = "segment_size"
        managed = False

    def __str__(self) -> str:
        return f"{self.size} at {self.hour}"


class EditKind(models.TextChoices):
    """What somebody did to the members of a static segment."""

    ADDED = "added", "Added"
    REMOVED = "removed", "Removed"
    COPY = "copy", "Copied"
    UPLOAD = "upload", "Changed by a file"
    REPLACED = "replaced", "Replaced"


class SegmentEdit(TenantModel):
    """One change of the members of a static segment, which can be undone while its rows are stored."""

    segment_id = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=EditKind)
    at = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    entered = models.IntegerField(default=0)
    departed = models.IntegerField(default=0)
    undone_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "segment_edit"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "segment_id", "-id"], name="segment_edit_newest"),
            models.Index(fields=["tenant_id", "at"], name="segment_edit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.entered} and {self.departed} of segment {self.segment_id}"


class EditRow(TenantModel):
    """A contact that an edit has put in, or taken out with the time and the import of its membership.

    Key: (tenant_id, edit_id, contact_id).
    """

    contact_id = models.BigIntegerField(primary_key=True)
    edit_id = models.BigIntegerField()
    entered = models.BooleanField()
    added_at = models.DateTimeField(null=True)
    import_id = models.BigIntegerField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "segment_edit_row"
        managed = False

    def __str__(self) -> str:
        return f"{self.contact_id} {'entered' if self.entered else 'left'} by edit {self.edit_id}"
