"""Files that change the members of a static segment: they add, replace or subtract the contacts that they name.

A file is read, cleaned and matched as in an import, by the same functions and into the same staging tables, but no contact
is made or changed. What it would do is shown first; nothing is written before somebody confirms it. The work is done in
steps of one transaction under a lease (contacts.leased_job): a killed worker loses one step, and the change itself is one.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from contacts import leased_job, statements
from contacts import staging as tables
from contacts.identity import match_query, resolver
from contacts.identity.resolver import Policy
from contacts.staging import Staging
from contacts.values.columns import SHOWN_IDENTIFIERS
from contacts.values.types import CORE
from core import file_store
from imports.files import stored_file
from imports.files.reader import FileProblem
from imports.models import Import, SegmentUpload, UploadMode, UploadState
from imports.options import Options
from imports.pipeline import parse_unit
from imports.problems import catalogue
from imports.wizard import upload as file_upload
from segments import member_edits
from segments.models import EditKind, Segment
from tenants import audit, file_removals, outbox, pending_work
from tenants.isolation import statements as tenant_statements
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant
from tenants.tasks import defer
from tenants.web import workspace_urls

WAKE, TASK = "segment_uploads", "imports.segment_upload"
# Rows that one step matches, examples of each kind that a review shows, and days in which an upload waits for a person.
MATCH_ROWS, SAMPLES, WAIT_DAYS = 200_000, 5, 30

# The contacts that the rows of a file name: those that matched one, without doubt.
NAMED = (
    "SELECT h.contact_id FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.code IS NULL AND h.contact_id IS NOT NULL"
)
# Members that a file does not name.
UNNAMED = f"{member_edits.MEMBERS} EXCEPT {NAMED}"
# Who would enter and leave, of the living.
ENTERING = statements.fill(member_edits.LIVING, some=f"{NAMED} EXCEPT {member_edits.MEMBERS}")
LEAVING_UNNAMED = statements.fill(member_edits.LIVING, some=UNNAMED)
LEAVING_NAMED = statements.fill(member_edits.LIVING, some=f"{member_edits.MEMBERS} INTERSECT {NAMED}")
COUNT = "SELECT count(*) FROM ({some}) s(id)"
FIRST = "SELECT s.id FROM ({some}) s(id) ORDER BY s.id LIMIT %(most)s"
NOBODY = "SELECT NULL::bigint WHERE false"
# Rows by the identifier that found their contact; those that several contacts could be have none.
BY_STRENGTH = """
SELECT CASE WHEN h.code IS NULL THEN h.strength ELSE 0 END, count(*) FROM {hit} h
WHERE h.tenant_id = %(tenant)s AND (h.contact_id IS NOT NULL OR h.code IS NOT NULL) GROUP BY 1"""
CONTACTS = "SELECT count(DISTINCT n.id) FROM ({named}) n(id)"
LAST_ROW = "SELECT coalesce(max(s.row_no), 0) FROM {row} s WHERE s.tenant_id = %(tenant)s"
NEXT_NUMBER = "SELECT nextval('import_id_seq') WHERE %(tenant)s IS NOT NULL"


@dataclass
class Found:
    """What a file says: rows by what became of them, contacts, and what it would do to the segment."""

    rows: int = 0
    in_error: int = 0
    problems: dict[str, int] = field(default_factory=dict)  # code → rows or cells
    by: dict[str, int] = field(default_factory=dict)  # identifier → rows that found their contact by it
    ambiguous: int = 0
    not_found: int = 0
    contacts: int = 0
    size: int = 0
    entering: int = 0
    leaving: int = 0
    entering_samples: list[int] = field(default_factory=list)
    leaving_samples: list[int] = field(default_factory=list)

    @property
    def after(self) -> int:
        return self.size + self.entering - self.leaving


class BadColumns(ValueError):
    """Columns by which no contact can be found. The sentence is for people."""


# --- a file comes in ------------------------------------------------------------------------------------------------------


def receive(
    chunks: Any, *, segment: Segment, mode: str, file_name: str, tenant: Tenant, user: Any, once: str
) -> SegmentUpload:
    """Store a file for a segment. The same bytes with the same mark of a form are one. Raises FileProblem."""
    look = file_upload.take_file(chunks, tenant=tenant)
    name = file_upload.clean_name(file_name)
    made = SegmentUpload(segment_id=segment.pk, mode=mode, file_name=name, created_by=user, **look)
    made.mapping = [_identifying(column) for column in made.mapping]
    made.token = file_upload.token_of(f"{once} {segment.pk} {mode}", made.sha256)
    saved: SegmentUpload = file_upload.save_once(made)
    return saved


def _identifying(column: dict[str, Any]) -> dict[str, Any]:
    """A column of a mapping, left alone where it says who a row is; the others are not read."""
    return column if column["target"] in SHOWN_IDENTIFIERS else {"target": "skip", "reason": "none"}


def keep_identifying(upload: SegmentUpload) -> None:
    """After another reading of the file: only columns that say who a row is are read."""
    upload.mapping = [_identifying(column) for column in upload.mapping]
    upload.save(update_fields=["mapping"])


def choose_columns(upload: SegmentUpload, targets: list[str], mode: str) -> None:
    """Take the columns that say who a row is, one target a column. Raises BadColumns."""
    used = [target for target in targets if target != "skip"]
    if any(target not in SHOWN_IDENTIFIERS for target in used) or len(targets) != len(upload.header):
        raise BadColumns("One of these columns cannot be used. Choose again.")
    if not used:
        raise BadColumns("Choose at least one column with e-mail addresses, phone numbers or external IDs.")
    twice = [target for target, times in Counter(used).items() if times > 1]
    if twice:
        raise BadColumns(f"Choose one column only for {CORE[twice[0]]}.")
    upload.mapping = [{"target": target, "reason": "chosen"} for target in targets]
    upload.mode = mode


def begin(upload: SegmentUpload) -> None:
    """Let a worker read and match the file, once the transaction has committed."""
    upload.state, upload.attempts, upload.cursor, upload.spans, upload.found = UploadState.READING, 0, 0, [], {}
    upload.save()
    _send(upload)


def confirm(upload: SegmentUpload) -> bool:
    """Somebody has seen the review and says: go. False when it was not waiting for that (a second click)."""
    if upload.state != UploadState.REVIEW:
        return False
    upload.state, upload.attempts = UploadState.APPLYING, 0
    upload.save(update_fields=["state", "attempts"])
    _send(upload)
    return True


def cancel(upload: SegmentUpload, *, reason: str = "") -> bool:
    """End an upload that has changed nothing. False when it changes the segment at the moment, or has ended."""
    if upload.ended or upload.state == UploadState.APPLYING:
        return False
    _end(upload, UploadState.CANCELED, reason)
    return True


def as_import(upload: SegmentUpload, *, user: Any) -> Import:
    """A new import of the same file, in its first step; the same one again when there is one."""
    known: Import | None = Import.objects.filter(pk=upload.import_id).first() if upload.import_id else None
    if known is not None:
        return known
    with file_upload.original_path(upload).open("rb") as file:  # type: ignore[arg-type]  # it has the fields of a file
        chunks = iter(lambda: file.read(1 << 20), b"")
        tenant = Tenant.objects.get(pk=current_tenant())
        imp = file_upload.store_upload(chunks, file_name=upload.file_name, tenant=tenant, user=user)
    upload.import_id = imp.pk
    upload.save(update_fields=["import_id"])
    return imp


def has_file(upload: SegmentUpload) -> bool:
    """Whether the file is still there."""
    return upload.file_removed_at is None and file_store.exists(upload.path)


# --- the work -------------------------------------------------------------------------------------------------------------


def _send(upload: SegmentUpload) -> None:
    pending_work.mark_pending(WAKE)
    defer(TASK, tenant_id=current_tenant(), upload_id=upload.pk)


def work(tenant_id: int, upload_id: int) -> None:
    """Work on an upload for a while. Safe to run any number of times, side by side."""
    leased_job.work(
        tenant_id, upload_id, model=SegmentUpload, step=step, fail=_failed,
        again=lambda: defer(TASK, tenant_id=tenant_id, upload_id=upload_id),
    )  # fmt: skip


def wake_active(tenant_id: int) -> None:
    """Tell workers about every upload of a workspace that is under way; forget the workspace when there is none."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        active = list(SegmentUpload.objects.filter(state__in=SegmentUpload.ACTIVE).order_by("pk")[:50])
        if not active:
            pending_work.clear_pending(WAKE, seen_at=seen_at)
        for upload in active:
            defer(TASK, tenant_id=tenant_id, upload_id=upload.pk)


def step(upload: SegmentUpload) -> bool:
    """One transaction of work; whether there is more to do."""
    upload.attempts = 0
    try:
        if upload.state == UploadState.READING:
            return _read(upload)
        return _match(upload) if upload.state == UploadState.MATCHING else _apply(upload)
    except FileProblem as problem:
        said = f"{catalogue.sentence(problem.code, **problem.facts)} {catalogue.remedy(problem.code, **problem.facts)}"
        _failed(upload, said)
        return False


def _read(upload: SegmentUpload) -> bool:
    """Cut the file, then clean one span after the other into staging."""
    known: Any = upload
    if upload.staging_id is None:
        upload.staging_id = int(tenant_statements.fetch(NEXT_NUMBER)[0][0])
        tables.create(_staging(upload))
        upload.spans = [[span.start, span.end, span.first_line] for span in parse_unit.spans(known)]
        upload.found = asdict(Found())
        upload.save()
        return True
    found = Found(**upload.found)
    if upload.cursor < len(upload.spans):
        _clean(upload, found)
        upload.cursor += 1
        upload.found = asdict(found)
        upload.save()
        return True
    limit = Tenant.objects.values_list("max_rows", flat=True).get(pk=current_tenant())
    if found.rows == 0:
        raise FileProblem("no_rows")
    if found.rows > limit:
        raise FileProblem("too_many_rows", limit=limit, found=found.rows)
    staging = _staging(upload)
    tables.settle(staging)
    tables.analyze(staging, "row")
    resolver.choose(staging, _policy())
    upload.state, upload.cursor = UploadState.MATCHING, 0
    upload.save()
    return True


def _clean(upload: SegmentUpload, found: Found) -> None:
    """Good rows of a span into staging; what is wrong with the others is counted."""
    known: Any = upload
    start, end, first_line = upload.spans[upload.cursor]
    path, dialect = parse_unit.readable(known)
    with path.open("rb") as file:
        file.seek(start)
        text = file.read(end - start).decode("utf-8")
    block = parse_unit.compiled(known).block(
        text, first_line=first_line, prefix=f"{current_tenant()}\t", dialect=dialect
    )
    if block.staged:
        tables.copy_rows(_staging(upload), block.staged)
    found.rows += block.rows
    found.in_error += len(block.rejected)
    for _line, _column, code, *_rest in block.issues:
        found.problems[code] = found.problems.get(code, 0) + 1


def _match(upload: SegmentUpload) -> bool:
    """Find the contacts of the next rows; after the last ones say what the file would do."""
    staging = _staging(upload)
    last = int(statements.fetch(LAST_ROW, staging)[0][0])
    if upload.cursor <= last:
        stop = upload.cursor + MATCH_ROWS
        resolver.match(staging, _policy(), start=upload.cursor, stop=stop)
        upload.cursor = stop
        upload.save(update_fields=["cursor", "attempts"])
        return True
    tables.analyze(staging, "hit")
    upload.found = asdict(_found(upload, Found(**upload.found)))
    upload.state = UploadState.REVIEW
    upload.save()
    _notify(upload, f"{upload.file_name} is ready for review.")
    return False


def _policy() -> Policy:
    """Contacts are only looked for, by all identifiers in the order of the workspace."""
    order = Tenant.objects.values_list("identifier_order", flat=True).get(pk=current_tenant())
    return Policy(mode="create_only", identifiers=Options().identifiers(order))


def _found(upload: SegmentUpload, found: Found) -> Found:
    """The figures of a review: what the file would do at this moment."""
    staging = _staging(upload)
    names = {number: name for name, number in match_query.STRENGTH.items()}
    rows = {int(number): int(count) for number, count in statements.fetch(BY_STRENGTH, staging)}
    found.ambiguous = rows.pop(0, 0)
    found.by = {names[number]: count for number, count in sorted(rows.items()) if number in names}
    found.not_found = found.rows - found.in_error - found.ambiguous - sum(found.by.values())
    found.contacts = _number(staging, statements.fill(CONTACTS, named=NAMED), upload)
    found.size = member_edits.sizes([upload.segment_id]).get(upload.segment_id, 0)
    # A file that names nobody is refused (refuses), so nobody would leave for it either.
    entering, leaving = _effect(upload.mode) if found.contacts else (NOBODY, NOBODY)
    found.entering = _number(staging, statements.fill(COUNT, some=entering), upload)
    found.leaving = _number(staging, statements.fill(COUNT, some=leaving), upload)
    found.entering_samples = _first(staging, entering, upload)
    found.leaving_samples = _first(staging, leaving, upload)
    return found


def _effect(mode: str) -> tuple[str, str]:
    """Who would enter and who would leave, as queries."""
    return {
        UploadMode.ADD: (ENTERING, NOBODY),
        UploadMode.REPLACE: (ENTERING, LEAVING_UNNAMED),
        UploadMode.SUBTRACT: (NOBODY, LEAVING_NAMED),
    }[UploadMode(mode)]


def _number(staging: Staging, statement: str, upload: SegmentUpload) -> int:
    return int(statements.fetch(statement, staging, segment=upload.segment_id)[0][0])


def _first(staging: Staging, some: str, upload: SegmentUpload) -> list[int]:
    rows = statements.fetch(statements.fill(FIRST, some=some), staging, segment=upload.segment_id, most=SAMPLES)
    return [int(pk) for (pk,) in rows]


def refuses(upload: SegmentUpload) -> str:
    """Why a review cannot be confirmed, as a sentence; empty when it can."""
    found = Found(**upload.found)
    if not found.contacts:
        return "No contact of this file was found, so the segment stays as it is."
    if not found.entering and not found.leaving:
        return "The segment would not change."
    return ""


def _apply(upload: SegmentUpload) -> bool:
    """Change the segment, in this one transaction."""
    segment = member_edits.lock(upload.segment_id)
    if segment is None:
        _failed(upload, "The segment was deleted. Restore it, then upload the file again.")
        return False
    staging = _staging(upload)
    named, unnamed = (statements.fill(text, hit=staging.table("hit").as_string()) for text in (NAMED, UNNAMED))
    edit = member_edits.begin(segment, EditKind.UPLOAD, user_id=upload.created_by_id)
    leave = {UploadMode.REPLACE: unnamed, UploadMode.SUBTRACT: named}.get(UploadMode(upload.mode), "")
    member_edits.change(edit, enter="" if upload.mode == UploadMode.SUBTRACT else named, leave=leave)
    member_edits.finish(edit)
    upload.edit_id = edit.pk
    audit.record(
        "segment.file_applied", user_id=upload.created_by_id, target=f"segment {segment.pk}", file=upload.file_name,
        mode=upload.mode, added=edit.entered, removed=edit.departed,
    )  # fmt: skip
    _end(upload, UploadState.DONE, "")
    _notify(upload, f"{upload.file_name} has changed {segment.name}: {edit.entered:,} entered, {edit.departed:,} left.")
    return False


def _notify(upload: SegmentUpload, text: str, *, tone: str = "ok") -> None:
    """Tell the person who uploaded the file, who may have left the page."""
    if upload.created_by is not None:
        slug = Tenant.objects.get(pk=current_tenant()).slug
        url = workspace_urls.inside(slug, "segment_uploads:detail", upload.segment_id, upload.pk)
        outbox.put_notice(upload.created_by, text=text, url=url, tone=tone)


def _failed(upload: SegmentUpload, why: str) -> None:
    _end(upload, UploadState.FAILED, why)
    _notify(upload, f"{upload.file_name} could not be used: {why}", tone="bad")


def _staging(upload: SegmentUpload) -> Staging:
    return Staging(current_tenant(), int(upload.staging_id or 0))


def _end(upload: SegmentUpload, state: UploadState, reason: str) -> None:
    """What was worked out goes; the file stays for a while."""
    if upload.staging_id is not None:
        tables.drop(_staging(upload))
    file_removals.add(stored_file.utf8_name(upload.path))
    upload.state, upload.reason, upload.finished_at = state, reason[:300], timezone.now()
    upload.save()


# --- retention ------------------------------------------------------------------------------------------------------------


def tidy(*, now: datetime) -> None:
    """End uploads that nobody has confirmed, and forget those of segments that are no more. In the workspace's context."""
    waiting = SegmentUpload.objects.exclude(state__in=(*SegmentUpload.ENDED, UploadState.APPLYING))
    for upload in waiting.filter(created_at__lt=now - timedelta(days=WAIT_DAYS)).select_for_update(skip_locked=True):
        cancel(upload, reason=f"It was not confirmed for {WAIT_DAYS} days.")
    over = SegmentUpload.objects.filter(state__in=SegmentUpload.ENDED).exclude(file_removed_at=None)
    over.exclude(segment_id__in=Segment.objects.values("pk")).delete()


def remove_files(*, before: datetime, now: datetime, most: int) -> int:
    """Remove up to so many files of uploads that ended before a moment; returns how many."""
    old = SegmentUpload.objects.filter(file_removed_at=None, finished_at__lt=before).order_by("pk")
    uploads = list(old.select_for_update(skip_locked=True)[:most])
    for upload in uploads:
        remove_file(upload, now=now)
    return len(uploads)


def remove_file(upload: SegmentUpload, *, now: datetime) -> None:
    """Remove the file of an upload; one that was still to be worked on ends with it."""
    cancel(upload, reason="A person whom this file names was erased.")
    file_removals.add(*stored_file.names(upload.path))
    upload.file_removed_at = now
    upload.save(update_fields=["file_removed_at"])
