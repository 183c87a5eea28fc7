"""An import, its units of work, and what became of its rows."""

from enum import StrEnum
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from core.exact_json import JSONField
from tenants.isolation.base import TenantModel


class Status(models.TextChoices):
    """What a person sees."""

    PREPARING = "preparing", "Preparing"
    READY = "ready_for_review", "Ready for review"
    IMPORTING = "importing", "Importing"
    IMPORTED = "imported", "Imported"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"
    UNDOING = "undoing", "Undoing"
    UNDONE = "undone", "Undone"


class Phase(models.TextChoices):
    """The phase of the pipeline. Every step is one conditional update from the phase before."""

    DRAFT = "draft", "Waiting for mapping"
    PLAN = "plan", "Read"
    PARSE = "parse", "Check"
    MATCH = "match", "Match"
    RESOLVE = "resolve", "Match"
    DIFF = "diff", "Match"
    REVIEW = "review", "Waiting for review"
    QUEUED = "queued", "Queued"
    APPLY = "apply", "Write"
    FINISH = "finish", "Verify"
    UNDO = "undo", "Undo"
    REDO = "redo", "Redo"
    DONE = "done", "Done"


class UndoDirection(StrEnum):
    """Which way an import is being turned."""

    UNDO = "undo"
    REDO = "redo"


class Wish(StrEnum):
    """What people want of an import. Whatever works on it asks `Import.wants`, not the columns behind it."""

    DRAFT = "draft"  # to be mapped first
    REVIEW = "review"  # to be checked, and to wait for the review
    GO = "go"  # to be written, with or without a review
    UNDO = "undo"
    REDO = "redo"
    CANCEL = "cancel"
    CANCEL_AND_UNDO = "cancel_and_undo"  # and what was written is to be undone


class UnitKind(StrEnum):
    """What a unit does. Which kinds make up which phase: imports.phases."""

    PLAN = "plan"
    PARSE = "parse"
    MATCH = "match"
    REPEAT = "repeat"
    RESOLVE = "resolve"
    DIFF = "diff"
    VISITORS = "visitors"
    COLLECT = "collect"
    APPLY = "apply"
    FINISH = "finish"
    UNDO = "undo"
    REDO = "redo"
    WITHDRAW = "withdraw"


class Import(TenantModel):
    """One file on its way into the contacts."""

    file_name = models.CharField(max_length=255)
    path = models.CharField(max_length=255)  # below UPLOAD_DIR; a name of our own making
    size = models.BigIntegerField()
    # How the file came, when it is not plain text: gzip, zip, xlsx. `path` is the text, the original lies beside.
    container = models.CharField(max_length=8, blank=True, db_default="")
    unpacked_size = models.BigIntegerField(default=0, db_default=0)  # of the text beside the original
    # Of a workbook: the names of its sheets, and the one that was taken.
    sheets = models.JSONField(default=list, db_default=[])
    sheet = models.CharField(max_length=255, blank=True, db_default="")
    # What the sheet hides or merges, and what was wished about it (imports.files.archives).
    looks = models.JSONField(default=dict, db_default={})
    file_removed_at = models.DateTimeField(null=True)  # the original is deleted after a time
    sha256 = models.CharField(max_length=64)
    dialect = models.JSONField(default=dict)
    header = models.JSONField(default=list)
    mapping = models.JSONField(default=list)  # one entry a column: {target, type, label}
    options = models.JSONField(default=dict)  # imports.options.Options
    # The mapping page as somebody has left it (imports.wizard.drafts); once checked, the mapping to which one can go back.
    draft = models.JSONField(default=dict, db_default={})
    status = models.CharField(max_length=16, choices=Status, default=Status.PREPARING)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.DRAFT)
    reason = models.CharField(max_length=40, blank=True)
    reason_facts = models.JSONField(default=dict)
    # What people want, in the order in which they may say so; read it as `wants`.
    started = models.BooleanField(default=False)  # write, said before the check or after the review
    cancel_requested = models.BooleanField(default=False)
    take_back = models.BooleanField(default=False, db_default=False)  # the cancel also undoes what was written
    undo_direction = models.CharField(
        max_length=4, blank=True, db_default="", db_column="turning"
    )  # UndoDirection, or ""
    refreshed = models.BooleanField(default=False)  # contacts changed after the review, which was worked out again
    # Of the imports of a workspace that wait for each other, those with more go first (imports.pipeline.queue).
    priority = models.SmallIntegerField(default=0, db_default=0)
    # How often somebody has gone back from the review to the mapping.
    reopened = models.SmallIntegerField(default=0, db_default=0)
    # The version of the contacts (contacts.write_lock) that the plan was made with.
    contacts_version = models.BigIntegerField(null=True, db_column="turn_version")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    origin = models.CharField(max_length=12, default="browser")
    description = models.CharField(max_length=300, blank=True, db_default="")
    # Of the form that was sent: a second click finds the import of the first.
    token = models.CharField(max_length=32, null=True, db_collation="C")
    # The import whose corrected rows this one imports.
    parent_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0)  # of work, without waiting for people
    phase_at = models.DateTimeField(default=timezone.now)
    # The six outcomes; they add up to `rows` when the import has ended.
    rows = models.IntegerField(null=True)
    created = models.IntegerField(default=0)
    updated = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)
    in_error = models.IntegerField(default=0)
    matched_visitors = models.IntegerField(default=0)
    events_added = models.IntegerField(default=0, db_default=0)
    events_known = models.IntegerField(default=0, db_default=0)
    segments = models.JSONField(default=dict, db_default={})  # name → number of the segments that rows are added to
    review = JSONField(default=dict)
    # Undo: until when it is possible, when and by whom it was asked for, and what came of it.
    undoable_until = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    undo_report = models.JSONField(default=dict, db_default={})

    class Meta(TenantModel.Meta):
        db_table = "import"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id", "token"], name="import_token")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "-id"], name="import_newest"),
            models.Index(fields=["tenant_id", "sha256"], name="import_same_file"),
            # What is under way, for pages that look at all workspaces.
            models.Index(fields=["tenant_id", "id"], name="import_under_way", condition=~models.Q(phase=Phase.DONE)),
        ]

    def __str__(self) -> str:
        return self.file_name

    OUTCOMES = ("created", "updated", "unchanged", "duplicates", "skipped", "in_error")

    @property
    def wants(self) -> Wish:
        """What people want of it, the latest wish first: only an import that runs is canceled, only an ended one undone."""
        if self.cancel_requested:
            return Wish.CANCEL_AND_UNDO if self.take_back else Wish.CANCEL
        if self.undo_direction:
            return Wish(self.undo_direction)
        if self.started:
            return Wish.GO
        return Wish.DRAFT if self.phase == Phase.DRAFT else Wish.REVIEW

    @property
    def is_canceling(self) -> bool:
        return self.wants in (Wish.CANCEL, Wish.CANCEL_AND_UNDO)

    @property
    def counts(self) -> dict[str, int]:
        """The six outcomes, `rows`, and of an import that ended early the rows that have none."""
        return {name: getattr(self, name) for name in self.OUTCOMES} | {
            "rows": self.rows or 0,
            "not_reached": self.not_reached,
        }

    @property
    def not_reached(self) -> int:
        """Rows of an import that ended early which were read and not worked on."""
        return max(0, (self.rows or 0) - sum(getattr(self, name) for name in self.OUTCOMES)) if self.ended else 0

    @property
    def imported(self) -> int:
        """Rows whose contact is now as the file says."""
        return self.created + self.updated + self.unchanged + self.duplicates

    @property
    def task_word(self) -> str:
        """What the rows of the file contain beside contacts, one of them: order, event, message; "" for contacts alone."""
        return {"orders": "order", "events": "event", "messages": "message"}.get(self.options.get("task", ""), "")

    @property
    def joined_word(self) -> str:
        """What rows are called that were joined into others where each is something of its own; "" for real duplicates."""
        return f"Further {self.task_word}" if self.task_word else ""

    @property
    def refused_columns(self) -> list[dict[str, Any]]:
        """Columns that the strict rules of the workspace have left out: name, filled, rows."""
        return [column for column in self.mapping if column.get("reason") == "partly_filled"]

    @property
    def ended(self) -> bool:
        return self.phase == Phase.DONE


class SavedMapping(TenantModel):
    """A mapping that somebody has kept under a name; it is offered when the same header comes again."""

    name = models.CharField(max_length=120)
    # SHA-256 of the names of the columns in their normal form, in order.
    header_digest = models.CharField(max_length=64, db_collation="C")
    columns = models.JSONField()  # one entry a column, as Import.mapping has them
    options = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantModel.Meta):
        db_table = "saved_mapping"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "name"], name="saved_mapping_name")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "header_digest"], name="saved_mapping_header")
        ]

    def __str__(self) -> str:
        return self.name


class Unit(TenantModel):
    """A piece of work that one transaction does. The lock on its row is the lease: it goes with the connection."""

    import_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)  # UnitKind
    no = models.IntegerField()
    start = models.BigIntegerField(default=0)  # byte offset, or first row number
    stop = models.BigIntegerField(default=0)
    first_line = models.IntegerField(default=0)
    attempts = models.IntegerField(default=0)  # how often it has failed by itself
    losses = models.IntegerField(default=0, db_default=0)  # how often a worker did not come back from it
    claimed_at = models.DateTimeField(null=True)
    claim = models.CharField(max_length=32, blank=True)
    done_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0)
    counts = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        db_table = "import_unit"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "import_id", "kind", "no"], name="unit_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.no} of import {self.import_id}"


class Severity(models.TextChoices):
    ERROR = "error"
    WARNING = "warning"
    SKIPPED = "skipped"
    INFO = "info"


class RowIssue(TenantModel):
    """What is to be said about a row or a cell: a code, never a sentence."""

    import_id = models.BigIntegerField()
    row_no = models.IntegerField()
    column = models.IntegerField(null=True)  # index of the column in the file; NULL means the row
    code = models.CharField(max_length=40)
    value = models.TextField(null=True)
    facts = models.JSONField(default=dict, db_default={})
    severity = models.CharField(max_length=8, choices=Severity)

    class Meta(TenantModel.Meta):
        db_table = "row_issue"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "import_id", "severity", "code", "row_no"], name="row_issue_list"),
            models.Index(fields=["tenant_id", "import_id", "row_no"], name="row_issue_row"),
        ]

    def __str__(self) -> str:
        return f"{self.code} in row {self.row_no}"


class RejectedRow(TenantModel):
    """The cells of a row in error, as the file has them. Key: (tenant_id, import_id, row_no)."""

    row_no = models.IntegerField(primary_key=True)
    import_id = models.BigIntegerField()
    cells = models.JSONField()
    fixed = models.JSONField(null=True)  # the corrected cells; NULL when nobody has corrected them
    chosen_id = models.BigIntegerField(null=True)  # the contact that somebody has chosen for the row
    # Problems of the corrected cells: {rules, problems} (imports.results.corrections). NULL when not validated.
    rechecked = models.JSONField(null=True)
    retried_in = models.BigIntegerField(null=True)  # the import of the corrected row

    class Meta(TenantModel.Meta):
        db_table = "rejected_row"
        managed = False

    def __str__(self) -> str:
        return f"row {self.row_no}"


class RowEffect(TenantModel):
    """Which contact a row made or changed, and how. Key: (tenant_id, import_id, row_no).

    `changed` has each value that was overwritten, before and after (contacts.values.value_changes); NULL for a created
    contact: everything is the row's. `was_at` is the contact's time of change before.
    """

    row_no = models.IntegerField(primary_key=True)
    import_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    outcome = models.CharField(max_length=1)  # contacts.staging.RowOutcome
    changed = JSONField(null=True)
    at = models.DateTimeField()
    was_at = models.DateTimeField(null=True)
    undone = models.CharField(max_length=1, null=True)  # contacts.staging.Reverted

    class Meta(TenantModel.Meta):
        db_table = "touched"
        managed = False

    def __str__(self) -> str:
        return f"contact {self.contact_id} by row {self.row_no} of import {self.import_id}"


class Listing(TenantModel):
    """Whom rows [start, …) of a file name that were known before: contact IDs, by the keys of the values that the rows have
    (imports.pipeline.roster). Key: (tenant_id, import_id, start, part)."""

    import_id = models.BigIntegerField(primary_key=True)
    start = models.IntegerField()
    part = models.IntegerField()
    keys = ArrayField(models.TextField())
    contact_ids = ArrayField(models.BigIntegerField())

    class Meta(TenantModel.Meta):
        db_table = "import_listing"
        managed = False

    def __str__(self) -> str:
        return f"rows from {self.start} of import {self.import_id}"


class UploadMode(models.TextChoices):
    """What a file does to the members of a static segment."""

    ADD = "add", "Add"
    REPLACE = "replace", "Replace"
    SUBTRACT = "subtract", "Remove"


class UploadState(models.TextChoices):
    """How far a file for a segment is."""

    DRAFT = "draft", "Waiting for its columns"
    READING = "reading", "Reading the file"
    MATCHING = "matching", "Looking for the contacts"
    REVIEW = "review", "Ready for review"
    APPLYING = "applying", "Changing the segment"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


class SegmentUpload(TenantModel):
    """A file that says who is to be in a static segment, or not (imports.segment_upload). Nothing of it is imported: it only
    names contacts. The fields of the file are those of Import, so that the same functions read it."""

    # Nobody goes back from its review (Import.reopened).
    reopened: ClassVar[int] = 0

    segment_id = models.BigIntegerField()
    mode = models.CharField(max_length=8, choices=UploadMode)
    file_name = models.CharField(max_length=255)
    path = models.CharField(max_length=255)
    size = models.BigIntegerField()
    container = models.CharField(max_length=8, blank=True, db_default="")
    unpacked_size = models.BigIntegerField(default=0, db_default=0)  # of the text beside the original
    sheets = models.JSONField(default=list, db_default=[])
    sheet = models.CharField(max_length=255, blank=True, db_default="")
    looks = models.JSONField(default=dict, db_default={})
    file_removed_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64)
    dialect = models.JSONField(default=dict)
    header = models.JSONField(default=list)
    mapping = models.JSONField(default=list)
    options = models.JSONField(default=dict)
    draft = models.JSONField(default=dict, db_default={})
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, null=True, db_collation="C")
    state = models.CharField(max_length=12, choices=UploadState, default=UploadState.DRAFT)
    reason = models.CharField(max_length=300, blank=True, db_default="")  # why it failed, as a sentence
    attempts = models.IntegerField(default=0)
    # The number in the names of its staging tables; spans of the file as [start, end, first line]; the next of them, or the
    # next row to be matched.
    staging_id = models.BigIntegerField(null=True)
    spans = models.JSONField(default=list, db_default=[])
    cursor = models.BigIntegerField(default=0)
    # Figures and examples of the review: imports.segment_upload.Found.
    found = models.JSONField(default=dict, db_default={})
    edit_id = models.BigIntegerField(null=True)  # what it did (segments.models.SegmentEdit)
    import_id = models.BigIntegerField(null=True)  # the import that was made of the same file

    class Meta(TenantModel.Meta):
        db_table = "segment_upload"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "token"], name="segment_upload_token")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "segment_id", "-id"], name="segment_upload_newest")
        ]

    ACTIVE = (UploadState.READING, UploadState.MATCHING, UploadState.APPLYING)
    ENDED = (UploadState.DONE, UploadState.FAILED, UploadState.CANCELED)

    def __str__(self) -> str:
        return self.file_name

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def ended(self) -> bool:
        return self.state in self.ENDED
