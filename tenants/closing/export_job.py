"""The job that makes everything of a workspace one file. A worker that dies leaves a part of a file, whose name is in the
row: the next one has it removed, and begins anew.

The tables are read in one transaction, so that they are of one moment; the row of the export stays locked meanwhile, which
keeps a second worker away. The file is given to the store between two transactions, since a bucket may be slow.
"""

import logging
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from django.core.cache import cache
from django.db.models import Sum
from django.utils import timezone
from psycopg.errors import SerializationFailure
from redis import RedisError

from core import file_store
from tenants import audit, file_removals, outbox, pending_work
from tenants.closing import archive
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant, User, WorkspaceExport
from tenants.retention import rules
from tenants.web import workspace_urls

log = logging.getLogger(__name__)
TASK, WAKE = "tenants.export_workspace", "workspace_export"
MOST_ATTEMPTS = 3
# For so long nobody begins anew while the store is given a file; who was killed meanwhile is followed after that.
GIVING_SECONDS = 900
State = WorkspaceExport.State


def ask(user: User) -> tuple[WorkspaceExport, bool]:
    """The export that is under way, or a new one; and whether it is new. A double click is one export."""
    Tenant.objects.select_for_update(no_key=True).get(pk=current_tenant())
    running: WorkspaceExport | None = WorkspaceExport.objects.filter(state__in=WorkspaceExport.ACTIVE).first()
    if running is not None:
        return running, False
    made: WorkspaceExport = WorkspaceExport.objects.create(created_by=user)
    pending_work.mark_pending(WAKE)
    audit.record("workspace.export", user_id=user.pk, target=f"export {made.pk}")
    return made, True


def latest() -> WorkspaceExport | None:
    """The newest export of the workspace."""
    found: WorkspaceExport | None = WorkspaceExport.objects.select_related("created_by").order_by("-pk").first()
    return found


def path_of(export: WorkspaceExport, *, now: datetime) -> Path | None:
    """The finished file, as long as it may be fetched."""
    if not export.file or export.finished_at is None or now > export.finished_at + timedelta(days=kept_days()):
        return None
    try:
        return file_store.fetch(_stored(export.file))
    except FileNotFoundError:
        return None


def stored_bytes() -> int:
    """Bytes of the files of the workspace of the context."""
    return int(WorkspaceExport.objects.exclude(file="").aggregate(sum=Sum("bytes"))["sum"] or 0)


def kept_days() -> int:
    """For how many days the workspace of the context stores files of exports (settings.RETENTION)."""
    return rules.days_of("exports") or 7


def forget(*, before: datetime) -> int:
    """Remove the files of the workspace of the context that were made before a moment; returns how many."""
    old = WorkspaceExport.objects.exclude(file="").filter(finished_at__lt=before)
    files = dict(old.select_for_update().values_list("pk", "file"))
    file_removals.add(*map(_stored, files.values()))
    WorkspaceExport.objects.filter(pk__in=files).update(file="")
    return len(files)


def waiting(tenant_id: int) -> list[int]:
    """Exports of a workspace that somebody has to work on; removes files whose time is over."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        forget(before=seen_at - timedelta(days=kept_days()))
        if not WorkspaceExport.objects.exclude(file="", state__in=(State.DONE, State.FAILED)).exists():
            pending_work.clear_pending(WAKE, seen_at=seen_at)
        active = WorkspaceExport.objects.filter(state__in=WorkspaceExport.ACTIVE)
        return list(active.order_by("pk").values_list("pk", flat=True))


def work(tenant_id: int, export_id: int) -> None:
    """Make the file. Does nothing when another worker does, or it is made. Raises whatever went wrong, which is counted."""
    with tenant_context(tenant_id):
        export = _claimed(export_id)
        if export is None or _is_being_given(export_id):
            return
        if export.file:
            file_removals.add(_stored(export.file))  # of a worker that has died
        if export.attempts >= MOST_ATTEMPTS:
            export.state, export.finished_at, export.file = State.FAILED, timezone.now(), ""
            export.save()
            return
        name = f"workspace-{secrets.token_urlsafe(24)}.zip"
        export.attempts, export.state, export.file = export.attempts + 1, State.RUNNING, name
        export.started_at = export.started_at or timezone.now()
        export.save()
    try:
        made = _write(tenant_id, export_id, name)
        if made is not None:
            _give(tenant_id, export_id, name, made)
    except BaseException as problem:
        with tenant_context(tenant_id):
            file_store.path_of(_stored(name)).unlink(missing_ok=True)
        if not isinstance(problem.__cause__, SerializationFailure):  # else somebody else has begun anew meanwhile
            raise


def _give(tenant_id: int, export_id: int, name: str, made: tuple[int, int]) -> None:
    """Give the file to the store, and say that it is there."""
    with tenant_context(tenant_id):
        stored, mark = _stored(name), _giving_key(export_id)
    try:
        file_store.keep(stored)
        with tenant_context(tenant_id):
            done = _own(export_id, name)
            if done is not None:
                done.state, done.finished_at = State.DONE, timezone.now()
                done.rows, done.bytes = made
                done.save()
                _tell(done)
                return
        file_store.remove(stored)
    finally:
        _forget(mark)


def _write(tenant_id: int, export_id: int, name: str) -> tuple[int, int] | None:
    """(rows, bytes) of the file on this machine, to be given to the store next; None when somebody else makes it."""
    with tenant_context(tenant_id, one_moment=True):
        path = file_store.path_of(_stored(name))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _own(export_id, name) is None:
            return None
        path.touch(mode=0o600)
        with path.open("wb") as file:
            tenant = Tenant.objects.get(pk=tenant_id)
            rows = archive.write(file, tenant, at=timezone.now(), say=lambda progress: _say(export_id, progress))
        _mark_giving(export_id)
        return rows, path.stat().st_size


def _claimed(export_id: int) -> WorkspaceExport | None:
    """The export, locked for this transaction, while it is to be made."""
    wanted = WorkspaceExport.objects.filter(pk=export_id, state__in=WorkspaceExport.ACTIVE)
    found: WorkspaceExport | None = wanted.select_for_update(skip_locked=True).first()
    return found


def _own(export_id: int, name: str) -> WorkspaceExport | None:
    """The export, locked for this transaction, unless somebody else has begun anew. Who has the lock then has it briefly."""
    wanted = WorkspaceExport.objects.filter(pk=export_id, state__in=WorkspaceExport.ACTIVE, file=name)
    found: WorkspaceExport | None = wanted.select_for_update().first()
    return found


def _stored(name: str) -> str:
    return f"exports/{current_tenant()}/{name}"


def _key(export_id: int) -> str:
    return f"workspace-export:{current_tenant()}:{export_id}"


def _giving_key(export_id: int) -> str:
    return f"{_key(export_id)}:giving"


def _mark_giving(export_id: int) -> None:
    """The file is whole, and no lock says any more that somebody is at it."""
    try:
        cache.set(_giving_key(export_id), 1, GIVING_SECONDS)
    except RedisError as problem:
        log.warning("export %s may be made twice: %s", export_id, problem)


def _forget(mark: str) -> None:
    try:
        cache.delete(mark)
    except RedisError as problem:
        log.warning("an export is made again later, if it has to be: %s", problem)


def _is_being_given(export_id: int) -> bool:
    try:
        return bool(cache.get(_giving_key(export_id)))
    except RedisError:
        return False


def _say(export_id: int, progress: archive.Progress) -> None:
    """How far the file is, beside the transaction that writes it."""
    try:
        cache.set(_key(export_id), (progress.file, progress.files, progress.rows), 3600)
    except RedisError as problem:
        log.warning("progress of export %s not told: %s", export_id, problem)


def so_far(export: WorkspaceExport) -> tuple[int, int, int]:
    """(files done, files in all, rows written) of an export that is being made; in all 0: not known."""
    try:
        found = cache.get(_key(export.pk))
    except RedisError:
        found = None
    return found or (0, 0, 0)


def _tell(export: WorkspaceExport) -> None:
    if export.created_by is None:
        return
    tenant = Tenant.objects.get(pk=current_tenant())
    url = workspace_urls.absolute(
        workspace_urls.inside(tenant.slug, "tenants:closed" if tenant.closed_at else "tenants:workspace")
    )
    until = timezone.now() + timedelta(days=kept_days())
    body = (
        f"Everything of the workspace {tenant.name} is in one file now:\n\n{url}\n\n"
        f"Sign in to download it. It is available until {until:%d %B %Y}.\n"
    )
    outbox.put_mail(
        f"workspace-export-{export.pk}", to=export.created_by.email, subject="Your export is ready", body=body
    )
