"""Incidents of the platform: what died, when that was noticed, what took over, and when it was well again. And what
dashboards keep: figures of the contacts, reasons of rows in error, and who does not want to see the first steps."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from tenants.isolation.base import TenantModel


class Component(models.TextChoices):
    """What an incident is about."""

    WORKER = "worker", "Worker"
    BEAT = "beat", "Scheduler"
    DRAIN = "drain", "Pixel consumer"
    FILES = "files", "File servers"
    WEB = "web", "Web server"
    DATABASE = "database", "Database"
    BROKER = "broker", "Valkey"
    DISK = "disk", "Disk"
    CLOCK = "clock", "Clock"
    UNIT = "unit", "Part of an import"


class Incident(models.Model):
    """Something that broke. No tenant data: names of programs and ids; `workspace_id` says whose work was taken over."""

    component = models.CharField(max_length=12, choices=Component)
    # Which one: "worker@host:1234", "import 17"; with the component, at most one that is open.
    name = models.CharField(max_length=160)
    workspace_id = models.BigIntegerField(null=True)
    began_at = models.DateTimeField()  # its last sign of life
    noticed_at = models.DateTimeField()
    healed_at = models.DateTimeField(null=True)
    taken_over_by = models.CharField(max_length=160, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        db_table = "incident"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["component", "name"], condition=models.Q(healed_at=None), name="incident_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.name}"


class ContactTally(TenantModel):
    """Contacts of a day that are alike in one respect, as of the last count (insights.dashboards.contact_counts).

    `kind` says in which: "made" by `label`, the origin; "deleted"; "email" and "phone" with the status that they have since
    that day; "channel"; "consent" of a purpose. `day` is null where no moment is known.
    """

    kind = models.CharField(max_length=12, db_collation="C")
    label = models.CharField(max_length=40, db_collation="C")
    day = models.DateField(null=True)
    contacts = models.IntegerField()

    class Meta(TenantModel.Meta):
        db_table = "contact_tally"
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "kind", "day"], name="contact_tally_kind")]

    def __str__(self) -> str:
        return f"{self.contacts} contacts: {self.kind} {self.label}"


class ContactCount(TenantModel):
    """When the contacts of the workspace were last counted: which version of them, in which time zone, and how long it took.
    `duplicates`: values that several contacts share, by kind."""

    version = models.BigIntegerField(null=True)
    zone = models.CharField(max_length=64)
    counted_at = models.DateTimeField()
    seconds = models.FloatField()
    duplicates = models.JSONField(default=dict, db_default={})

    class Meta(TenantModel.Meta):
        db_table = "contact_count"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id"], name="contact_count_once")]

    def __str__(self) -> str:
        return f"contacts counted at {self.counted_at}"


class ImportErrorTally(TenantModel):
    """Rows of an ended import with a problem, by its code. One without such a row has an entry without a code."""

    import_id = models.BigIntegerField()
    code = models.CharField(max_length=40, db_collation="C")
    rows = models.IntegerField()

    class Meta(TenantModel.Meta):
        db_table = "import_error_tally"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "import_id", "code"], name="import_error_tally_once")
        ]

    def __str__(self) -> str:
        return f"{self.rows} rows of import {self.import_id}: {self.code}"


class HiddenGuide(TenantModel):
    """That a person does not want to see the first steps."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+")

    class Meta(TenantModel.Meta):
        db_table = "hidden_guide"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "user"], name="hidden_guide_once")
        ]

    def __str__(self) -> str:
        return f"first steps hidden from {self.user_id}"
