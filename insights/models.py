"""Incidents: what of the platform died, when that was noticed, what took over, and when it was well again."""

from typing import Any, ClassVar

from django.db import models


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
