"""Segments: which of the contacts."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantManager, TenantModel


class SegmentQuerySet(models.QuerySet["Segment"]):
    def static(self) -> "SegmentQuerySet":
        """Those that contacts can be added to."""
        return self.filter(rule__isnull=True)


class Segment(TenantModel):
    """A named set of contacts. A static one holds members that were added; a dynamic one has a rule (segments.rules.tree),
    and whoever it means is in it at once."""

    name = models.CharField(max_length=120)
    rule = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        db_table = "segment"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id", "name"], name="segment_name")]

    objects: Any = TenantManager.from_queryset(SegmentQuerySet)()

    def __str__(self) -> str:
        return self.name


class Member(TenantModel):
    """A contact in a static segment. The key in the database is (tenant_id, segment_id, contact_id)."""

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
