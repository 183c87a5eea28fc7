"""A source, whom it lists, and what points at two people."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.exact_json import JSONField
from tenants.isolation.base import TenantModel


class SourceType(models.TextChoices):
    """What the people of a source have in common."""

    CUSTOMERS = "customers", "Customers"
    FAILED_LEADS = "failed_leads", "Failed leads"
    INTEREST = "interest", "Interested people"


class Target(models.TextChoices):
    """Whom it is meant to find more of."""

    PEOPLE = "people", "People"
    COMPANIES = "companies", "Companies"


class Origin(models.TextChoices):
    """Where its contacts come from."""

    FILE = "file", "CSV file"
    SEGMENTS = "segments", "Segments"
    VISITORS = "visitors", "Visitors of a site"


class SourceState(models.TextChoices):
    """Where a source is on its way; a refresh goes through MATCHING again."""

    WAITING = "waiting", "Waiting for its import"
    GATHERING = "gathering", "Collecting contacts"
    MATCHING = "matching", "Matching"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class Source(TenantModel):
    """A list of contacts that is compared with the visitors of the sites for as long as it exists."""

    name = models.CharField(max_length=120)
    type = models.CharField(max_length=12, choices=SourceType)
    target = models.CharField(max_length=12, choices=Target, default=Target.PEOPLE)
    description = models.CharField(max_length=300, blank=True, db_default="")
    origin = models.CharField(max_length=12, choices=Origin)
    # By origin: the import; the segments; the site (null: all of them) and the stages of its visitors (empty: all).
    import_id = models.BigIntegerField(null=True)
    segments = models.JSONField(default=list, db_default=[])
    site_id = models.BigIntegerField(null=True)
    stages = models.JSONField(default=list, db_default=[])
    state = models.CharField(max_length=12, choices=SourceState, default=SourceState.GATHERING)
    reason = models.CharField(max_length=300, blank=True, db_default="")  # why it failed, as a sentence
    attempts = models.IntegerField(default=0)
    cursor = models.BigIntegerField(default=0)  # of the step that is under way: the last contact that is done
    # Figures of the last refresh; `report` and `growth` are those of sources.match_report.
    contacts = models.IntegerField(default=0)
    matched = models.IntegerField(default=0)
    ambiguous = models.IntegerField(default=0)
    report = models.JSONField(default=dict, db_default={})
    growth = models.JSONField(default=list, db_default=[])
    refreshed_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)
    # Of the form that was sent: a second click finds the source of the first.
    token = models.CharField(max_length=32, null=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "source"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id", "token"], name="source_token")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "import_id"], name="source_import", condition=models.Q(origin="file"))
        ]

    ACTIVE = (SourceState.GATHERING, SourceState.MATCHING)

    def __str__(self) -> str:
        return self.name

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def match_rate(self) -> float:
        """Matched people of all its people, from 0 to 1."""
        return self.matched / self.contacts if self.contacts else 0.0


class SourceMember(TenantModel):
    """A contact of a source. Key: (tenant_id, source_id, contact_id)."""

    contact_id = models.BigIntegerField(primary_key=True)
    source_id = models.BigIntegerField()
    added_at = models.DateTimeField()
    # Of the last refresh: the strongest identifier by which a visitor is this contact, since when, and the value score.
    matched_by = models.CharField(max_length=12, null=True)
    matched_at = models.DateTimeField(null=True)
    amount = models.DecimalField(max_digits=30, decimal_places=6, null=True)  # of orders that count
    score = models.SmallIntegerField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "source_member"
        managed = False

    def __str__(self) -> str:
        return f"contact {self.contact_id} of source {self.source_id}"


class AmbiguityState(models.TextChoices):
    """Whether somebody has looked at it."""

    OPEN = "open", "To decide"
    LEFT = "left", "Left undecided"
    DECIDED = "decided", "Decided"


class Ambiguity(TenantModel):
    """A visitor, or a row of an import, whose identifiers point at two people or more. Nobody is matched until a person
    decides; nothing is guessed."""

    visitor_id = models.BigIntegerField(null=True)
    import_id = models.BigIntegerField(null=True)
    row_no = models.IntegerField(null=True)
    # Who it could be, and by which identifiers: [{contact, kind, value}].
    candidates = JSONField(default=list)
    state = models.CharField(max_length=8, choices=AmbiguityState, default=AmbiguityState.OPEN)
    found_at = models.DateTimeField(default=timezone.now)
    # The decision: the contact that it is, the merge that was made for it, by whom, when, and what it takes to undo it.
    contact_id = models.BigIntegerField(null=True)
    merge_id = models.BigIntegerField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    undo = models.JSONField(default=dict, db_default={})

    class Meta(TenantModel.Meta):
        db_table = "ambiguity"
        verbose_name_plural = "ambiguities"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "visitor_id"], name="ambiguity_visitor"),
            models.UniqueConstraint(fields=["tenant_id", "import_id", "row_no"], name="ambiguity_row"),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "state", "-id"], name="ambiguity_newest")]

    def __str__(self) -> str:
        return f"Visitor {self.visitor_id}" if self.visitor_id else f"Row {self.row_no} of import {self.import_id}"


class AmbiguitySweep(TenantModel):
    """How far the sweep of ambiguities has looked (sources.ambiguities.sweep): identifiers, changes of contacts, imports."""

    # The last identifier of a visitor: (time, visitor).
    named_until = models.DateTimeField(null=True)
    named_visitor = models.BigIntegerField(default=0)
    # The last change of a contact: (time, contact).
    changed_until = models.DateTimeField(null=True)
    changed_contact = models.BigIntegerField(default=0)
    imports_until = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "ambiguity_sweep"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id"], name="ambiguity_sweep_once")]

    def __str__(self) -> str:
        return f"until {self.changed_until}"
