"""A file comes in: limits before work, streamed to storage, read for a first look. Used by page and command line."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from contacts import staging, write_lock
from contacts.models import Attribute
from core import file_store
from imports import usage
from imports.files import archives, encodings, reader
from imports.files.reader import FileProblem
from imports.files.stored_file import ORIGINAL, another_text, names, original_name, utf8_name
from imports.mapping import guess as mapping_guess
from imports.mapping import value_formats
from imports.models import Import, Phase, RejectedRow, RowIssue, Status, Unit, UnitKind, Wish
from imports.options import Options
from imports.pipeline import queue, units
from imports.workbooks import workbook_cells
from tenants import file_removals
from tenants.isolation.context import current_tenant
from tenants.models import Tenant, User
from tracking import source_names

SNIFF_BYTES = 256 * 1024
WORKBOOK = {"encoding": "utf-8", "separator": ",", "quote": '"'}
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def store_upload(
    chunks: Iterable[bytes],
    *,
    file_name: str,
    tenant: Tenant,
    user: User | None,
    origin: str = "browser",
    once: str = "",
) -> Import:
    """Store an upload and make its import, in the phase `draft`. Raises FileProblem; nothing is left behind then.

    `chunks` are read one by one: memory does not grow with the file. `once` is the mark of the form that was sent: the same
    bytes with the same mark are one import, however often they come.
    """
    look = take_file(chunks, tenant=tenant, own=origin == "mended")
    imp = Import(file_name=clean_name(file_name), created_by=user, origin=origin, **look)
    imp.token = token_of(once, imp.sha256)
    made: Import = save_once(imp)
    return made


def take_file(chunks: Iterable[bytes], *, tenant: Tenant, own: bool = False) -> dict[str, Any]:
    """Store a file and look at it: path, size, digest, container, dialect, header and guessed mapping, as fields of Import.
    Raises FileProblem; nothing is left behind then."""
    name = f"{tenant.pk}/{uuid.uuid4().hex}.csv"
    path = file_store.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if shutil.disk_usage(path.parent).free < settings.LEAST_FREE_BYTES:
        raise FileProblem("disk_full")
    try:
        draft = path.with_suffix(file_store.DRAFT)
        size, digest = _store(chunks, draft, limit=tenant.max_upload_bytes)
        draft.rename(path)
        usage.refuse_file(tenant, size)
        look = _unpacked(path, limit=tenant.max_upload_bytes)
        look |= inspect(path, container=look["container"], tenant=tenant, own=own)
        for kept in (name, original_name(name)) if look["container"] else (name,):
            file_store.keep(kept)
    except BaseException:
        _remove(name)
        raise
    return {"path": name, "size": size, "sha256": digest, **look}


def save_once(imp: Any) -> Any:
    """Save what was made of a file. Where the same form has made one of the same bytes, that one; the file goes then."""
    try:
        with transaction.atomic():
            imp.save()
    except IntegrityError:
        discard(imp)
        return type(imp).objects.get(token=imp.token)
    except BaseException:
        discard(imp)
        raise
    return imp


def token_of(once: str, digest: str) -> str | None:
    """The mark of a form and of the bytes that it was sent with."""
    return hashlib.sha256(f"{once} {digest}".encode()).hexdigest()[:32] if once else None


def discard(imp: Any) -> None:
    """Remove the stored files of an import that will not be."""
    _remove(imp.path)


def original_path(imp: Import) -> Path:
    """What the person has uploaded, byte by byte; of these bytes are `size` and `sha256`. Raises FileNotFoundError when it
    has gone, or is about to be removed."""
    if imp.file_removed_at is not None:
        raise FileNotFoundError(imp.path)
    return file_store.fetch(original_name(imp.path) if imp.container else imp.path)


def _remove(name: str) -> None:
    file_store.remove(*names(name))


def _unpacked(path: Path, *, limit: int) -> dict[str, Any]:
    """Put the text of an archive or a workbook in its place; the original stays beside. What it was, as fields of Import."""
    kind = archives.kind_of(path)
    if not kind:
        return {"container": ""}
    original = path.rename(path.with_suffix(ORIGINAL))
    path.touch(mode=0o600)
    unpacked = archives.unpack(original, path, kind=kind, limit=limit)
    return {
        "container": kind, "unpacked_size": path.stat().st_size, "sheets": list(unpacked.sheets), "sheet": unpacked.sheet,
        "looks": unpacked.looks,
    }  # fmt: skip


class BadSheet(ValueError):
    """A sheet that the workbook does not have, or that holds nothing. The sentence is for people."""


def select_sheet(
    imp: Import, tenant: Tenant, wanted: str, *, fill: bool | None = None, skip_hidden: bool | None = None
) -> None:
    """Take a sheet of a workbook, with its merged cells filled or hidden rows left out, and inspect it again.

    None is as it was. What was before stays if it raises FileProblem or BadSheet, and if the transaction is rolled back: the
    text of the sheet is another file.
    """
    if wanted not in imp.sheets:
        raise BadSheet(f"{imp.file_name} has no sheet {wanted}. It has: {', '.join(imp.sheets) or 'none'}.")
    name = another_text(imp.path)
    path = file_store.path_of(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        now = {"fill": fill, "skip_hidden": skip_hidden}
        wishes = {key: bool(imp.looks.get(key)) if value is None else value for key, value in now.items()}
        unpacked = archives.unpack(
            original_path(imp),
            path,
            kind=imp.container,
            limit=tenant.max_upload_bytes,
            wishes=archives.Wishes(wanted, **wishes),
        )
        said = [key for key in imp.dialect.get("chosen", ()) if wanted == imp.sheet]
        look = inspect(path, container=imp.container, tenant=tenant, changes={key: imp.dialect[key] for key in said})
        look |= {
            "path": name, "sheet": wanted, "looks": unpacked.looks | wishes, "unpacked_size": path.stat().st_size,
        }  # fmt: skip
        file_store.keep(name)
    except BaseException as problem:
        path.unlink(missing_ok=True)
        if isinstance(problem, FileProblem) and problem.code == "file_empty":
            raise BadSheet(f"The sheet {wanted} is empty.") from None
        raise
    file_removals.add(imp.path, utf8_name(imp.path, imp.reopened))
    look_anew(imp, look)


def look_anew(imp: Import, look: dict[str, Any]) -> None:
    """Keep what another reading of the file has found. What was chosen for columns stays where these are the same."""
    if look["header"] != imp.header:
        form = {name: value for name, value in imp.draft.get("form", {}).items() if not name[-1:].isdecimal()}
        imp.draft = {**imp.draft, "form": form} if form else {}
    for field, value in look.items():
        setattr(imp, field, value)
    imp.save(update_fields=[*look, "draft"])


def _store(chunks: Iterable[bytes], path: Path, *, limit: int) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with open(path, "xb", opener=_private) as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise FileProblem("too_large", limit=limit, found=size)
            digest.update(chunk)
            file.write(chunk)
    return size, digest.hexdigest()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def clean_name(name: str) -> str:
    """The name a file is shown by: the last part, without control characters, at most 255 characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:255] or "pasted.csv"


def inspect(
    path: Path, *, tenant: Tenant, container: str = "", changes: dict[str, Any] | None = None, own: bool = False
) -> dict[str, Any]:
    """Dialect, header and guessed mapping of a file, as fields of Import. `changes` override what was detected; a file of
    our `own` making may have any separator."""
    changes = dict(changes or {})
    if container == "xlsx":  # written by ourselves: nothing to guess but the header
        changes |= WORKBOOK
    with path.open("rb") as file:
        dialect = reader.sniff(
            file.read(SNIFF_BYTES),
            size=path.stat().st_size,
            changes=changes,
            known=mapping_guess.names(_labels()),
            workbook=container == "xlsx",
            country=tenant.country,
        )
    preview = reader.preview(path, dialect)
    if len(preview.header) > tenant.max_columns:
        raise FileProblem("too_many_columns", limit=tenant.max_columns, found=len(preview.header))
    own = own or container == "xlsx"
    if not own and tenant.separators and len(preview.header) > 1 and dialect.separator not in tenant.separators:
        allowed = ", ".join(SEPARATOR_NAMES.get(c, c) for c in tenant.separators)
        raise FileProblem(
            "separator_not_allowed",
            found=SEPARATOR_NAMES.get(dialect.separator, dialect.separator),
            allowed=allowed,
        )
    return {"dialect": asdict(dialect), "header": preview.header, "mapping": guess(_telling(path, dialect, preview))}


def _telling(path: Path, dialect: reader.Dialect, seen: reader.Preview) -> reader.Preview:
    """The first rows as they tell best what a column holds: of a workbook the shown texts, or the values behind them."""
    if not dialect.workbook:
        return seen
    kept = reader.preview(path, replace(dialect, kept=tuple(range(len(seen.header)))))
    pairs = zip(seen.rows, kept.rows, strict=True)
    return replace(seen, rows=[[workbook_cells.likeliest(*cell) for cell in zip(*pair, strict=True)] for pair in pairs])


def custom_attributes() -> dict[str, Attribute]:
    """The workspace's own attributes by key."""
    return {a.key: a for a in Attribute.objects.filter(archived_at=None)}


def guess(preview: reader.Preview, *, task: str = "contacts") -> list[dict[str, Any]]:
    """The mapping that the file suggests for a task: one {target, reason} a column; what is not known is skipped."""
    columns = [list(values) for values in zip(*preview.rows, strict=False)] or [[] for _ in preview.header]
    return [
        {"target": g.target or "skip", "reason": g.reason}
        for g in mapping_guess.guess(preview.header, columns, attributes=_labels(), task=task)
    ]


def _labels() -> dict[str, str]:
    return {key: a.label for key, a in custom_attributes().items()}


def same_file(imp: Import) -> Import | None:
    """The latest import of the same bytes that has written something and was not undone."""
    same: Import | None = (
        Import.objects.select_related("created_by")
        .filter(sha256=imp.sha256, size=imp.size, status__in=(Status.IMPORTED, Status.IMPORTING))
        .exclude(pk=imp.pk)
        .order_by("-pk")
        .first()
    )
    return same


def start(imp: Import, *, options: Options, columns: list[dict[str, Any]], auto_start: bool) -> None:
    """Set settings and mapping and hand the import to the workers. Only from the phase `draft`; otherwise no effect.

    Names of endpoints, touchpoints and source actions that are new become known. Raises FileProblem("encoding_unsure") while
    nobody has said in which of several encodings the file is written.
    """
    dialect = imp.dialect
    if unsure := dialect.get("unsure"):
        raise FileProblem("encoding_unsure", encodings=[encodings.CHOICES[name] for name in unsure])
    if dialect.get("workbook"):
        dialect = {**dialect, "kept": list(value_formats.kept_columns(columns))}
    now = timezone.now()
    taken = Import.objects.filter(pk=imp.pk, phase=Phase.DRAFT).update(
        dialect=dialect,
        options=options.as_json(),
        mapping=columns,
        draft={"mapping": columns, "checked_at": now.isoformat()},
        phase=Phase.PLAN,
        phase_at=now,
        started=auto_start,
    )
    if taken:
        for kind, names in options.source_names().items():
            for name in names:
                source_names.ensure(kind, name)
        units.make(imp, UnitKind.PLAN, [(0, 0, 0)])
        queue.wake(imp.pk)


def reopen(imp: Import) -> bool:
    """Go back from the review to the mapping, with everything that was chosen. What was worked out is thrown away; nothing
    has been written. False when the import does not wait for its review (any more), or is being canceled."""
    locked: Import | None = Import.objects.select_for_update().filter(pk=imp.pk, phase=Phase.REVIEW).first()
    if locked is None or locked.wants != Wish.REVIEW:
        return False
    staging.drop(staging.Staging(current_tenant(), imp.pk))
    for rows in (Unit, RowIssue, RejectedRow):
        rows.objects.filter(import_id=imp.pk).delete()
    new = Import()
    fresh = {name: getattr(new, name) for name in _WORKED_OUT}
    kept = {"mapping": locked.draft.get("mapping", locked.mapping), "draft": {"asked": True}}
    now = timezone.now()
    # It may be read in another encoding the next time: the copy goes, and another one has another name.
    again = locked.reopened + 1
    Import.objects.filter(pk=imp.pk).update(**fresh, **kept, reopened=again, phase=Phase.DRAFT, phase_at=now)
    write_lock.release(imp.pk, written=False)
    file_removals.add(utf8_name(locked.path, locked.reopened))
    return True


# What a check has found, and what goes with it when somebody returns to the mapping.
_WORKED_OUT = (
    "status", "rows", "created", "updated", "unchanged", "duplicates", "skipped", "in_error", "matched_visitors", "review",
    "refreshed", "contacts_version", "seconds", "reason", "reason_facts",
)  # fmt: skip


def confirm(imp: Import) -> bool:
    """The person has seen the review and says: go. False when it was not waiting for that (a second click)."""
    taken = Import.objects.filter(pk=imp.pk, phase=Phase.REVIEW).update(
        started=True, phase=Phase.QUEUED, phase_at=timezone.now(), status="importing"
    )
    if taken:
        queue.wake(imp.pk)
    return bool(taken)


def cancel(imp: Import, *, take_back: bool = False) -> bool:
    """Request the end. What is written stays, or is undone afterwards. False when the import has ended already, or is
    being undone."""
    running = Import.objects.filter(pk=imp.pk, undo_direction="").exclude(phase=Phase.DONE)
    taken = running.update(cancel_requested=True, take_back=take_back)
    if taken:
        queue.wake(imp.pk)
    return bool(taken)
