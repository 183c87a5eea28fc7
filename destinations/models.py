"""Destinations, the syncs that keep a list there, what runs did, and what was told to whom."""

from typing import Any, ClassVar

from django.conf import settings as platform
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantModel


class DestinationState(models.TextChoices):
    """Whether a connection can be used."""

    CONNECTED = "connected", "Connected"
    EXPIRED = "expired", "Connection expired"
    FAILED = "failed", "Connection refused"


class Destination(TenantModel):
    """A connection to an account elsewhere: an advertising network, an address, a bucket or a server."""

    kind = models.CharField(max_length=16)  # a folder of destinations (destinations.kinds)
    name = models.CharField(max_length=120)
    settings = models.JSONField(default=dict, db_default={})  # what is no secret, as the kind's form says
    # Tokens, keys and passwords: JSON, encrypted (core.encryption); empty after a disconnect.
    secret = models.TextField(blank=True, db_default="")
    expires_at = models.DateTimeField(null=True)  # of what cannot be renewed without a person
    warned_at = models.DateTimeField(null=True)  # when the admins were told that it will expire
    state = models.CharField(max_length=12, choices=DestinationState, default=DestinationState.CONNECTED)
    error = models.CharField(max_length=400, blank=True, db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(platform.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True)
    # Of the form that was sent: a second click finds the destination of the first.
    token = models.CharField(max_length=32, null=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "destination"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "name"], condition=models.Q(archived_at=None), name="destination_name"
            ),
            models.UniqueConstraint(fields=["tenant_id", "token"], name="destination_token"),
        ]

    def __str__(self) -> str:
        return self.name


class Schedule(models.TextChoices):
    """When a sync runs by itself. People who may no longer be sent are removed at once, whatever it says."""

    HOURLY = "hourly", "Every hour"
    DAILY = "daily", "Every day"
    MANUAL = "manual", "Only when I say so"


class SyncState(models.TextChoices):
    """How a sync is, as its page says it."""

    DRAFT = "draft", "Draft"
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    HEALTHY = "healthy", "Healthy"
    DISABLED = "disabled", "Disabled"
    FAILED = "failed", "Failed"
    REMOVING = "removing", "Being removed"


class Sync(TenantModel):
    """A list of contacts (audiences.contact_lists) that a list at a destination follows."""

    destination_id = models.BigIntegerField()
    name = models.CharField(max_length=120)
    list_kind = models.CharField(max_length=12)
    list_id = models.BigIntegerField()
    settings = models.JSONField(default=dict, db_default={})  # the list there, as the kind's form says
    schedule = models.CharField(max_length=8, choices=Schedule, default=Schedule.HOURLY)
    daily_at = models.TimeField(null=True)  # in the workspace's time zone
    state = models.CharField(max_length=10, choices=SyncState, default=SyncState.DRAFT)
    error = models.CharField(max_length=400, blank=True, db_default="")
    next_run_at = models.DateTimeField(null=True)
    # After an answer that asks to wait: nothing is sent before. `attempts` counts failures without a success between.
    retry_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    # Who works on it, and until when without a sign of life; another worker may take it over after that.
    lease = models.CharField(max_length=32, blank=True, db_default="", db_collation="C")
    lease_until = models.DateTimeField(null=True)
    # Everything that was told before this moment is told again.
    full_since = models.DateTimeField(null=True)
    # Somebody was told who may no longer be: since when; and how far changes of contacts were looked at (removal_watch).
    removal_since = models.DateTimeField(null=True)
    looked_until = models.TextField(blank=True, db_default="")
    looked_at = models.DateTimeField(null=True)
    members = models.IntegerField(default=0)  # how many contacts the destination was told, after the last run
    last_run_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(platform.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, null=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "sync"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "name"], condition=models.Q(archived_at=None), name="sync_name"
            ),
            models.UniqueConstraint(fields=["tenant_id", "token"], name="sync_token"),
        ]

    def __str__(self) -> str:
        return self.name


class RunKind(models.TextChoices):
    """What a run is for."""

    NORMAL = "run", "Run"
    DRY = "dry", "Dry run"
    FULL = "full", "Full resync"
    REMOVAL = "removal", "Removal"


class RunState(models.TextChoices):
    """How far a run is."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    ENDED = "ended", "Ended"
    FAILED = "failed", "Failed"


class SyncRun(TenantModel):
    """One run of a sync: what it looked at, sent, and left out. A run that was interrupted goes on as the same one."""

    ACTIVE = (RunState.WAITING, RunState.RUNNING)

    sync_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=RunKind, default=RunKind.NORMAL)
    state = models.CharField(max_length=8, choices=RunState, default=RunState.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(platform.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Contacts: in the list; read because something about them was different; told for the first time, told anew, taken out.
    processed = models.IntegerField(default=0)
    read = models.IntegerField(default=0)
    added = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    removed = models.IntegerField(default=0)
    rejected = models.JSONField(default=dict, db_default={})  # reason of the destination → how many
    left_out = models.JSONField(default=dict, db_default={})  # reason of destinations.eligibility → how many
    batches = models.IntegerField(default=0)
    unconfirmed = models.IntegerField(default=0)  # batches that were taken, whose result is not known yet
    error = models.CharField(max_length=400, blank=True, db_default="")

    class Meta(TenantModel.Meta):
        db_table = "sync_run"
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "sync_id", "-id"], name="sync_run_newest")]

    def __str__(self) -> str:
        return f"run {self.pk} of sync {self.sync_id}"

    @property
    def rejections(self) -> int:
        """How many contacts the destination has rejected."""
        return sum(self.rejected.values())

    @property
    def seconds(self) -> float | None:
        """How long it took, from its first step to its end."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


class BatchState(models.TextChoices):
    """What is known of a request. SENDING: it may have arrived, or not. SENT: it was taken, the result comes later."""

    SENDING = "sending", "Being sent"
    SENT = "sent", "Taken, result to come"
    DONE = "done", "Done"
    FAILED = "failed", "Refused"


class SyncBatch(TenantModel):
    """One request to a destination: written before it is sent, so that what may have arrived is known after a crash."""

    OPEN = (BatchState.SENDING, BatchState.SENT)

    sync_id = models.BigIntegerField()
    run_id = models.BigIntegerField()
    destination_id = models.BigIntegerField()
    removes = models.BooleanField(default=False)
    uid = models.CharField(max_length=32, db_collation="C")  # by which a destination knows a repeated request
    place = models.IntegerField(default=0)  # within its run, from 1
    # Whom it is about, and what is taken back (identifiers as they were sent); empty when the result is known.
    contact_ids = ArrayField(models.BigIntegerField(), default=list)
    keys = ArrayField(models.TextField(), default=list)
    counted = models.IntegerField(default=0)  # contacts that are new there, or gone, afterwards
    changed = models.IntegerField(default=0)  # others, with something new or something less
    state = models.CharField(max_length=8, choices=BatchState, default=BatchState.SENDING)
    request_id = models.CharField(max_length=120, blank=True, db_default="")
    attempts = models.IntegerField(default=0)
    sent_at = models.DateTimeField(null=True)  # the last attempt
    next_look_at = models.DateTimeField(null=True)  # when the result is asked for
    ended_at = models.DateTimeField(null=True)
    received = models.IntegerField(default=0)
    rejected = models.JSONField(default=dict, db_default={})
    error = models.CharField(max_length=400, blank=True, db_default="")

    class Meta(TenantModel.Meta):
        db_table = "sync_batch"
        verbose_name_plural = "sync batches"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "run_id", "place"], name="sync_batch_run"),
            models.Index(
                fields=["tenant_id", "sync_id"],
                name="sync_batch_open",
                condition=models.Q(state__in=["sending", "sent"]),
            ),
            # How many requests an account has had in the last minute and day.
            models.Index(fields=["tenant_id", "destination_id", "sent_at"], name="sync_batch_pace"),
        ]

    def __str__(self) -> str:
        return f"batch {self.uid}"


class SyncMember(TenantModel):
    """A contact that a destination may have been told of, also one that no longer exists. Key: (tenant_id, sync_id,
    contact_id)."""

    contact_id = models.BigIntegerField(primary_key=True)
    sync_id = models.BigIntegerField()
    # "kind:what was sent" of everything that finds the contact there; empty: it has nothing of the kind.
    told = ArrayField(models.TextField(), default=list)
    gives = ArrayField(models.TextField(), null=True)  # what a batch that is under way takes back
    batch_id = models.BigIntegerField(null=True)
    fingerprint = models.UUIDField(null=True)  # of all that was sent
    # When the contact was changed, as it was read; NULL: it has to be looked at again.
    changed_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "sync_member"
        managed = False

    def __str__(self) -> str:
        return f"contact {self.contact_id} of sync {self.sync_id}"


class SyncKey(TenantModel):
    """Who was sent with an identifier: what two contacts share stays while one of them does. Key: (tenant_id, sync_id,
    digest, contact_id)."""

    digest = models.UUIDField(primary_key=True)  # MD5 of an entry of SyncMember.told
    sync_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        db_table = "sync_key"
        managed = False

    def __str__(self) -> str:
        return f"identifier of contact {self.contact_id}"
