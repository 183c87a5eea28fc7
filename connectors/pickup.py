"""Finished files become imports: found, moved to a private place, imported on the ordinary road, archived with a result.

Each step can be killed at any point and is repeated, by whoever looks next:

1. A row says which file (name, inode, size, time of change) will be moved, and to which name. Then it is moved by a rename,
   under the lock of the folders, if it is still that file. Found without both, the row goes: nothing has happened.
2. The import is made and the row says so, in one transaction; the row is locked, so there is one import.
3. The import runs by itself. When it has ended, result and errors are written beside where the file goes, then it is moved
   there by a rename, then the row says so. All names are known before, so a repetition writes the same.

What waits to be done is on the disk: folders with files in them (`waiting`). Nothing has to be told.
"""

import hashlib
import logging
import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils import timezone

from connectors import archive, completeness, folders, jail, usage
from connectors.folders import Folders
from connectors.models import Connector, ConnectorFile, FileState
from imports.files.reader import FileProblem
from imports.models import Import, SavedMapping, Status
from imports.problems import catalogue
from imports.wizard import configuration
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

log = logging.getLogger(__name__)
TASK = "connectors.look"
CHUNK = 1 << 20


class NotImported(ValueError):
    """Why a file cannot be imported, as a sentence."""


def waiting() -> list[tuple[int, int]]:
    """Workspaces and connectors with files in their folders that were not looked at since they changed."""
    return sorted(
        (int(folder.parent.name), int(folder.name))
        for folder in folders.all_of_disk()
        if (os.listdir(folder / "jail" / folders.INCOMING) or os.listdir(folder / "taken"))
        and not Folders(folder).is_settled
    )


def look(tenant_id: int, connector_id: int, *, hurry: bool = False) -> None:
    """Do what can be done for a connector now. `hurry` does not wait for files to have been quiet for a time.

    Somebody else who is doing so already is enough.
    """
    tenant = Tenant.open.filter(pk=tenant_id).first()
    with tenant_context(tenant_id, read_only=True):
        connector = Connector.objects.select_related("created_by").filter(pk=connector_id).first()
        started = list(ConnectorFile.objects.filter(connector_id=connector_id, archived_at=None).exclude(
            state=FileState.WAITING).order_by("pk"))  # fmt: skip
    place = folders.of(tenant_id, connector_id)
    if tenant is None or connector is None:
        return
    place.make()
    with _alone(place) as alone:
        if not alone:
            return
        began = time.time()
        try:
            for file in started:
                _go_on(tenant, connector, place, file)
            _put_back(place, {file.taken_as for file in started})
            if not connector.active or _look_for_new(tenant, connector, place, hurry=hurry):
                place.settle(began)
            usage.note(tenant_id, connector_id)
        except OSError as problem:
            with tenant_context(tenant_id):
                _say(connector, f"Files cannot be read or written: {problem.strerror or problem}. We try again.")
            raise


def _put_back(place: Folders, known: set[str]) -> None:
    """Files in the private place that no row knows, because an older database was restored, are found anew."""
    for path in place.taken.iterdir():
        if path.name not in known and not path.suffix:
            path.rename(place.incoming / f"recovered-{path.name}.csv")


@contextmanager
def _alone(place: Folders) -> Iterator[bool]:
    """Whether nobody else looks at the connector now; the lock goes with the process."""
    file = os.open(place.root / "pickup", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield jail.lock(file)
    finally:
        os.close(file)


# --- 1. found and moved ----------------------------------------------------------------------------------------------------


def _look_for_new(tenant: Tenant, connector: Connector, place: Folders, *, hurry: bool) -> bool:
    """Look at each file of the incoming folder. Whether all that is left there waits for its user."""
    with tenant_context(tenant.pk, read_only=True):
        rows = ConnectorFile.objects.filter(connector_id=connector.pk, state=FileState.WAITING)
        known = {file.name: file for file in rows}
    with os.scandir(place.incoming) as entries:
        names = sorted(entry.name for entry in entries)
    gone = [file.pk for name, file in known.items() if name not in names]
    if gone:
        with tenant_context(tenant.pk):
            ConnectorFile.objects.filter(pk__in=gone, state=FileState.WAITING).delete()
    for name in names:
        file = _seen(tenant, connector, place, name, known.get(name), hurry=hurry)
        if file is not None:
            _go_on(tenant, connector, place, file)
    with tenant_context(tenant.pk, read_only=True):
        rows = ConnectorFile.objects.filter(connector_id=connector.pk, state=FileState.WAITING, forced=False)
        waiting_for_users = set(rows.exclude(note="").values_list("name", flat=True))
    return set(os.listdir(place.incoming)) <= waiting_for_users


def fingerprint(known: os.stat_result) -> str:
    """Which file it is and whether it has changed. A rename changes it, too."""
    return f"{known.st_dev}:{known.st_ino}:{known.st_size}:{known.st_mtime_ns}:{known.st_ctime_ns}"


def _seen(
    tenant: Tenant, connector: Connector, place: Folders, name: str, row: ConnectorFile | None, *, hurry: bool
) -> ConnectorFile | None:
    """Look at a file of the incoming folder: its row in the state TAKEN if it is complete, else None and the reason kept."""
    path = place.incoming / name
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None  # it was renamed or removed
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
            return None  # the servers make neither folders nor links
        sign = fingerprint(about)
        if row is not None and row.fingerprint == sign and row.note and not row.forced:
            return None  # as it was, and that was not complete
        forced = row is not None and row.forced
        why: str | None = None  # it is being written
        if jail.lock(file):
            why = "" if forced else _incomplete(connector, place, path, about, hurry=hurry)
        if why == "":
            return _taken(tenant, connector, name, about, row)
        _wait(tenant, connector, name, about, row, note=why or "")
        return None
    finally:
        os.close(file)


def _incomplete(connector: Connector, place: Folders, path: Path, about: os.stat_result, *, hurry: bool) -> str | None:
    """Why a file that nobody writes waits, in words; None while it has not been quiet for long enough; else empty."""
    if why := completeness.partial_name(path.name) or completeness.marked(place.mark(about.st_ino), size=about.st_size):
        return why
    if not hurry and timezone.now().timestamp() - about.st_ctime < connector.quiet_seconds:
        return None
    return completeness.content(path, encoding=connector.encoding)


def _taken(
    tenant: Tenant, connector: Connector, name: str, about: os.stat_result, row: ConnectorFile | None
) -> ConnectorFile:
    """Say which file will be moved, and to which name."""
    with tenant_context(tenant.pk):
        if row is not None:
            ConnectorFile.objects.filter(pk=row.pk).delete()
        taken: ConnectorFile = ConnectorFile.objects.create(
            connector_id=connector.pk, name=name, size=about.st_size, fingerprint=fingerprint(about),
            taken_as=uuid.uuid4().hex, state=FileState.TAKEN, forced=row is not None and row.forced,
            taken_at=timezone.now(), found_at=row.found_at if row else timezone.now(),
        )  # fmt: skip
    return taken


def _wait(
    tenant: Tenant, connector: Connector, name: str, about: os.stat_result, row: ConnectorFile | None, *, note: str
) -> None:
    """Keep what is known of a file that waits."""
    values = {"size": about.st_size, "fingerprint": fingerprint(about), "note": note, "forced": False}
    with tenant_context(tenant.pk):
        if row is None:
            ConnectorFile.objects.create(connector_id=connector.pk, name=name, **values)
        else:
            ConnectorFile.objects.filter(pk=row.pk, state=FileState.WAITING).update(**values)
        if note and (row is None or row.note != note):
            _say(connector, f"{name}: {note}")


def _go_on(tenant: Tenant, connector: Connector, place: Folders, file: ConnectorFile) -> None:
    """The next steps of a file that is not archived."""
    if file.state == FileState.TAKEN:
        if not _moved(tenant, place, file):
            return
        file = _brought(tenant, connector, place, file)
    archive.finish(tenant, connector, place, file)


def _moved(tenant: Tenant, place: Folders, file: ConnectorFile) -> bool:
    """Whether the file is in its private place, moved now or before. Otherwise its row goes."""
    private = place.taken / file.taken_as
    with place.locked(exclusive=True):
        if private.exists():
            return True
        path = place.incoming / file.name
        try:
            opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            opened = -1
        if opened >= 0:
            try:
                if fingerprint(os.fstat(opened)) == file.fingerprint and jail.lock(opened):
                    os.rename(path, private)
                    place.mark(os.fstat(opened).st_ino).unlink(missing_ok=True)
                    return True
            finally:
                os.close(opened)
    with tenant_context(tenant.pk):
        ConnectorFile.objects.filter(pk=file.pk, state=FileState.TAKEN).delete()
    return False


# --- 2. imported -----------------------------------------------------------------------------------------------------------


def _brought(tenant: Tenant, connector: Connector, place: Folders, file: ConnectorFile) -> ConnectorFile:
    """Make the import of a file, or say why not; the row as it is then."""
    path = place.taken / file.taken_as
    digest = _digest(path)
    try:
        with tenant_context(tenant.pk):
            locked: ConnectorFile = ConnectorFile.objects.select_for_update().get(pk=file.pk)
            if locked.state != FileState.TAKEN:
                return locked
            locked.sha256 = digest
            if not locked.forced and (same := _same(locked)):
                locked.state, locked.import_id = FileState.SAME, same.import_id
                locked.note = f"The same content was imported as {same.name}. It was not imported again."
            else:
                locked.import_id = int(_import(tenant, connector, locked, path).pk)
                locked.state = FileState.IMPORTING
            locked.save(update_fields=["sha256", "state", "note", "import_id"])
            return locked
    except NotImported as problem:
        with tenant_context(tenant.pk):
            values = {"sha256": digest, "state": FileState.FAILED, "note": str(problem)[:400]}
            ConnectorFile.objects.filter(pk=file.pk, state=FileState.TAKEN).update(**values)
            _say(connector, f"{file.name}: {problem}")
            failed: ConnectorFile = ConnectorFile.objects.get(pk=file.pk)
            return failed


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _same(file: ConnectorFile) -> ConnectorFile | None:
    """An earlier file of the connector with the same content whose import has written, or will."""
    earlier = ConnectorFile.objects.filter(connector_id=file.connector_id, sha256=file.sha256, size=file.size)
    earlier = earlier.filter(state__in=(FileState.IMPORTING, FileState.IMPORTED)).exclude(pk=file.pk).order_by("-pk")
    by_import = {f.import_id: f for f in earlier[:100]}
    over = (Status.FAILED, Status.CANCELED, Status.UNDONE)
    good: Import | None = Import.objects.filter(pk__in=by_import).exclude(status__in=over).order_by("-pk").first()
    return by_import[good.pk] if good else None


def _import(tenant: Tenant, connector: Connector, file: ConnectorFile, path: Path) -> Import:
    """An import that is on its way, as the connector's mapping says. Raises NotImported, and leaves nothing behind then."""
    saved = SavedMapping.objects.filter(pk=connector.mapping_id).first()
    if saved is None:
        raise NotImported("The saved mapping of this connector was removed. Choose another one on its page.")
    wanted = {"saved": saved.name, "description": f"Connector {connector.name}"}
    wanted |= {"encoding": connector.encoding} if connector.encoding else {}
    try:
        with path.open("rb") as content:
            chunks = iter(lambda: content.read(CHUNK), b"")
            return configuration.create(
                chunks, file_name=file.name, tenant=tenant, user=connector.created_by, origin="connector", wanted=wanted,
                review=False,
            )  # fmt: skip
    except FileProblem as problem:
        raise NotImported(catalogue.sentence(problem.code, **problem.facts)) from None
    except configuration.REFUSALS as problem:
        raise NotImported(str(problem)) from None


def _say(connector: Connector, sentence: str) -> None:
    """Keep the last error of a connector."""
    Connector.objects.filter(pk=connector.pk).update(error=sentence[:400], error_at=timezone.now())
