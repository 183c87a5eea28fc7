"""A connector, the files that came through it, and what it has fetched."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantModel

GB = 1_000_000_000


class Protocol(models.TextChoices):
    """How files come."""

    SFTP = "sftp", "SFTP"
    FTPS = "ftps", "FTPS"
    FETCH_SFTP = "fetch_sftp", "Fetched by SFTP"
    FETCH_S3 = "fetch_s3", "Fetched from a bucket"


# Users of our servers; and places of others that are looked at.
DROPPING = (Protocol.SFTP, Protocol.FTPS)
FETCHING = (Protocol.FETCH_SFTP, Protocol.FETCH_S3)


class Connector(TenantModel):
    """One layout of files, and the user who drops them."""

    name = models.CharField(max_length=120)
    # The user name, without the workspace that is put in front (connectors.logins).
    login = models.CharField(max_length=40, db_collation="C")
    protocol = models.CharField(max_length=12, choices=Protocol)
    secret_hash = models.CharField(max_length=200, blank=True)  # empty: no password is accepted
    secret_at = models.DateTimeField(null=True)
    public_keys = models.TextField(blank=True)  # one a line, as OpenSSH writes them
    networks = models.TextField(blank=True)  # one a line; empty: from everywhere
    # The saved mapping that says what the columns are (imports.models.SavedMapping).
    mapping_id = models.BigIntegerField(null=True)
    # Where files are fetched: the fields of fetching.sftp_place.Address or s3_place.Bucket, without secrets; these are
    # encrypted (core.encryption). The host key is the one that was seen first.
    remote = models.JSONField(default=dict, db_default={})
    remote_secret = models.TextField(blank=True, db_default="")
    remote_host_key = models.TextField(blank=True, db_default="")
    pattern = models.CharField(max_length=200, blank=True, db_default="")  # of names, as a shell has it
    every_minutes = models.IntegerField(default=15, db_default=15)  # 0: daily, at a time
    daily_at = models.TimeField(null=True)
    next_at = models.DateTimeField(null=True)
    # In which encoding files are written; empty: found out for each, and refused where it could be several.
    encoding = models.CharField(max_length=30, blank=True, db_default="")
    quiet_seconds = models.IntegerField(default=10)
    max_bytes = models.BigIntegerField(default=5 * GB)
    max_files = models.IntegerField(default=1_000)
    disabled_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    # Sessions that were opened before are closed.
    changed_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(null=True)
    last_address = models.CharField(max_length=45, blank=True)
    error = models.CharField(max_length=400, blank=True)
    error_at = models.DateTimeField(null=True)
    stored_bytes = models.BigIntegerField(default=0, db_default=0)  # in its folders, when they were last looked at
    # Of the form that was sent: a second click finds the connector of the first.
    token = models.CharField(max_length=32, null=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "connector"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "login"], name="connector_login"),
            models.UniqueConstraint(fields=["tenant_id", "token"], name="connector_token"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def active(self) -> bool:
        return self.disabled_at is None and self.deleted_at is None

    @property
    def fetches(self) -> bool:
        return self.protocol in FETCHING


class FileState(models.TextChoices):
    """How far a file is."""

    WAITING = "waiting", "Waiting"  # in the folder, not complete
    TAKEN = "taken", "Taken"  # being moved to its private place
    IMPORTING = "importing", "Importing"
    IMPORTED = "imported", "Imported"
    SAME = "same", "Same content"  # imported before
    FAILED = "failed", "Failed"


class ConnectorFile(TenantModel):
    """A file of a connector, from when it was seen first to the archive."""

    connector_id = models.BigIntegerField()
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    # Device, inode, size and time of change: which file of this name it is, and whether it changes.
    fingerprint = models.CharField(max_length=120, db_collation="C")
    # Its name in the private place, from before it is moved there.
    taken_as = models.CharField(max_length=32, blank=True, db_collation="C")
    sha256 = models.CharField(max_length=64, blank=True, db_collation="C")
    state = models.CharField(max_length=10, choices=FileState, default=FileState.WAITING)
    note = models.CharField(max_length=400, blank=True)  # why it waits or was not imported, in words
    forced = models.BooleanField(default=False)  # somebody wants it imported as it is
    import_id = models.BigIntegerField(null=True)
    archived_as = models.CharField(max_length=300, blank=True)  # below the connector's folder
    archived_at = models.DateTimeField(null=True)
    found_at = models.DateTimeField(default=timezone.now)
    taken_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "connector_file"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "connector_id", "-id"], name="connector_file_newest"),
            models.Index(fields=["tenant_id", "connector_id", "sha256"], name="connector_file_same"),
            models.Index(
                fields=["tenant_id", "connector_id"],
                name="connector_file_open",
                condition=models.Q(archived_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FetchedFile(TenantModel):
    """A file that was fetched, and is not fetched again while it is the same."""

    connector_id = models.BigIntegerField()
    name = models.CharField(max_length=255, db_collation="C")
    size = models.BigIntegerField()
    version = models.CharField(max_length=200, db_collation="C")
    fetched_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        db_table = "fetched_file"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "connector_id", "name", "size", "version"], name="fetched_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
