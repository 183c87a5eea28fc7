"""When contacts changed, in order: what a list by change and a watermark read."""

from django.db import models

from tenants.isolation.base import TenantModel


class Change(TenantModel):
    """One entry for each time that a contact was made or changed. Key: (tenant_id, at, contact_id).

    An index on `Contact.changed_at` would make every update rewrite all indexes of the contact; this table is only ever
    added to. An entry whose `at` is not the contact's `changed_at` is out of date: a later one replaces it.
    """

    contact_id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "contact_change"
        managed = False

    def __str__(self) -> str:
        return f"{self.contact_id} at {self.at}"


class SilentChange(TenantModel):
    """That a contact changed although its `changed_at` does not say so: an undo gives it the time of before. Key:
    (tenant_id, at, contact_id). Who looks for contacts that changed since a moment reads this beside `Change`."""

    contact_id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "contact_news"
        managed = False

    def __str__(self) -> str:
        return f"{self.contact_id} at {self.at}"


class ChangeBatch(TenantModel):
    """That a transaction, by its number, has written the entries of one moment: of `Change`, or of `SilentChange`.

    The number says what a moment cannot: whether whoever reads could see the entries already (contacts.change_feed). Key:
    (tenant_id, xid, at, kind).
    """

    class Kind(models.TextChoices):
        CHANGE = "c"  # the entries are in Change
        SILENT = "n"  # in SilentChange
        ERASED = "e"  # in SilentChange; nothing else is left of these contacts

    xid = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=1, choices=Kind, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "change_batch"
        managed = False

    def __str__(self) -> str:
        return f"{self.kind} at {self.at} in transaction {self.xid}"


class QueuedChange(TenantModel):
    """A contact that has changed in a way that a dynamic segment asks about, until the segments have looked at it
    (contacts.change_queue). Key: (tenant_id, id)."""

    id = models.BigAutoField(primary_key=True)
    contact_id = models.BigIntegerField()
    cause = models.CharField(max_length=12, db_collation="C")
    segment_id = models.BigIntegerField(null=True)  # the only one that has to look again; null: all

    class Meta(TenantModel.Meta):
        db_table = "change_queue"

    def __str__(self) -> str:
        return f"{self.cause} of {self.contact_id}"


class WatchedCause(TenantModel):
    """That some dynamic segment of the workspace asks about changes of this kind; others are not queued.

    Key: (tenant_id, cause).
    """

    cause = models.CharField(max_length=12, primary_key=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "watched_cause"
        managed = False

    def __str__(self) -> str:
        return self.cause
