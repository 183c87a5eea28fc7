"""Contacts as a CSV file: built by a worker, fetched with a link that needs a session, a role and the workspace.

One statement reads all contacts, so the file is one snapshot; they pass through a few at a time, so that memory stays the
same whatever their number. Cells that a spreadsheet could take for a formula get an apostrophe before them, which an import
removes again; the raw mode leaves values as they are.
"""

import csv
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import orjson
from django.core.cache import cache
from django.db.models import BigIntegerField, F, Func, QuerySet, Sum, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from redis import RedisError

from contacts.bulk import actions
from contacts.extensions import export_columns
from contacts.models import Attribute, BulkAction, BulkState
from contacts.values.formula_guard import FORMULA, safe_cell
from contacts.values.types import CORE, SYSTEM
from core import exact_json, file_store
from tenants import file_removals, outbox
from tenants.isolation.context import current_tenant
from tenants.members.memberships import is_member
from tenants.models import Tenant
from tenants.retention import rules
from tenants.web import workspace_urls

log = logging.getLogger(__name__)
# The rule of a new workspace (contacts.bulk.export_retention).
KEEP_DAYS = 7
CHUNK = 2_000
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# Columns beside the values, which an import reads back (imports.mapping.header_synonyms) or passes over.
STATUS = {"email_status": "E-mail status", "phone_status": "Phone status"}
INFO = {"id": "Contact ID", "origin": "Created by", "created_at": "Created at", "changed_at": "Changed at"}
# First characters of cells that are worth a look by `safe_cell`.
_MAY_BE_MARKED = frozenset((*FORMULA, "'"))
GONE = {"deleted_at": "Deleted at", "deleted_reason": "Reason for deletion"}


class Export(actions.BulkActionType):
    """A CSV of the selected contacts. Nothing is written to contacts, so there is nothing to undo."""

    label, past, icon, undoable, writes, permission = "Export", "exported", "download", False, False, "contacts.export"
    effect, done_label = "Contacts in the file, with all fields", "In the file"
    promise = (
        "This runs in the background. We e-mail you a link when the file is ready; you need to sign in to use it. You can "
        "import either kind of file again."
    )
    choices_template, needs_contacts = "contacts/_choose_format.html", False

    def options(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        mode = given.get("mode")
        return {"mode": mode, "mark": mode == "safe"} if mode in ("safe", "raw") else None

    def gather(self, action: BulkAction) -> int:
        return int(actions.selected(action.selection).count())

    def finish(self, action: BulkAction) -> None:
        """Write the file. Its name is that of the action, so that who comes after a killed worker finds what that has left
        behind; until the row says that there is a file, nobody is given it."""
        name = _name(action)
        path = folder() / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # should somebody still write to it, that is another file now
        with open(os.open(path, NEW, 0o600), "w", encoding="utf-8", newline="") as file:
            action.done = write(file, action)
        file_store.keep(_stored(name))
        action.result = {"file": name, "bytes": path.stat().st_size}
        _tell(action)

    def abandon(self, action: BulkAction) -> None:
        file_removals.add(_stored(_name(action)))


def folder() -> Path:
    """Where the files of the current workspace are."""
    return file_store.path_of(_stored(""))


def _name(action: BulkAction) -> str:
    return f"contacts-{action.pk}.csv"


def _stored(name: str) -> str:
    """The name of a file of the current workspace in the store."""
    return f"exports/{current_tenant()}/{name}"


def file_of(action: BulkAction, *, now: datetime) -> Path | None:
    """The finished file, as long as it may be fetched."""
    end = until(action, days=kept_days())
    if end is None or now > end:
        return None
    try:
        return file_store.fetch(_stored(action.result["file"]))
    except FileNotFoundError:
        return None


def until(action: BulkAction, *, days: int) -> datetime | None:
    """Until when the file may be fetched, by `kept_days`; None where there is none."""
    if action.state != BulkState.DONE or action.finished_at is None or "file" not in action.result:
        return None
    return action.finished_at + timedelta(days=days)


def forget_all() -> None:
    """Remove all files of the current workspace: somebody in them is erased for good."""
    _forget(BulkAction.objects.all())


def forget(*, before: datetime) -> int:
    """Remove the files of the current workspace that were made before a moment; returns how many."""
    return _forget(BulkAction.objects.filter(finished_at__lt=before))


def kept_days() -> int:
    """For how many days the current workspace stores files of exports."""
    return rules.days_of("exports") or KEEP_DAYS


def _forget(some: "QuerySet[BulkAction]") -> int:
    """From now on these exports have no file; it is removed when the transaction has committed."""
    exports = list(some.filter(kind="export").exclude(result={}).select_for_update().order_by("pk"))
    file_removals.add(*(_stored(action.result["file"]) for action in exports if "file" in action.result))
    BulkAction.objects.filter(pk__in=[action.pk for action in exports]).update(result={})
    return len(exports)


def stored_bytes() -> int:
    """Bytes of all files of the current workspace."""
    size = Cast(KeyTextTransform("bytes", "result"), BigIntegerField())
    files = BulkAction.objects.filter(kind="export").exclude(result={})
    return int(files.aggregate(sum=Sum(size))["sum"] or 0)


def write(file: IO[str], action: BulkAction) -> int:
    """Write the whole file; returns how many contacts are in it."""
    deleted = action.selection.get("show") == "deleted"
    raw = action.options.get("mode") == "raw"
    if action.options.get("mark", True):
        file.write("\ufeff")  # spreadsheets read UTF-8 only with it
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    own = dict(Attribute.objects.filter(archived_at=None).order_by("label").values_list("key", "label"))
    attributes = {**{key: s.label for key, s in SYSTEM.items()}, **own}
    others = export_columns()
    info = {**INFO, **(GONE if deleted else {})}
    head = [*CORE.values(), *attributes.values(), *STATUS.values(), *others, *info.values()]
    writer.writerow(head if raw else [safe_cell(label) for label in head])
    count = 0
    read = _columns(actions.selected(action.selection).order_by("pk"), info)
    for rows in _chunks(read.iterator(chunk_size=CHUNK)):
        ids = [row[0] for row in rows]
        more = [cells_of(ids) for cells_of in others.values()]
        writer.writerows(_line(row, attributes, [cells.get(row[0], "") for cells in more], raw=raw) for row in rows)
        count += len(rows)
        _say(action, count)
    return count


def write_everybody(file: IO[str]) -> int:
    """Write all contacts that are not deleted, for the export of the whole workspace; returns how many."""
    return write(file, BulkAction(kind="export", selection={"all": True}, options={"mode": "safe", "mark": True}))


def _columns(contacts: Any, info: Iterable[str]) -> Any:
    """What a line needs, as `_line` takes it: nothing but texts, as making a contact of each row takes half of the time."""
    return contacts.values_list(
        "pk", Coalesce("email_written", "email"), Coalesce("phone_written", "phone"), "external_id", "first_name",
        "last_name", Cast("attributes", TextField()), "email_status", "phone_status",
        *(_Moment(key) if key.endswith("_at") else F(key) for key in info),
    )  # fmt: skip


class _Moment(Func):
    """A time as `datetime.isoformat` writes it: without a fraction where there is none."""

    template = (
        "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') || CASE "
        "WHEN date_trunc('second', %(expressions)s) <> %(expressions)s "
        "THEN to_char(%(expressions)s, '.US') ELSE '' END || '+00:00'"
    )
    output_field = TextField()


def _chunks(contacts: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    chunk: list[tuple[Any, ...]] = []
    for contact in contacts:
        chunk.append(contact)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _line(row: Sequence[Any], attributes: Iterable[str], others: Sequence[str], *, raw: bool) -> list[str]:
    _pk, *core, held, email_status, phone_status = row[:9]
    values = [*core, *map(_read(held).get, attributes), email_status, phone_status, *others, *row[9:]]
    # Most cells are blank or plain texts, and a file has millions of them.
    cells = [value if type(value) is str else "" if value is None else cell(value) for value in values]
    return cells if raw else [safe_cell(text) if text[:1] in _MAY_BE_MARKED else text for text in cells]


def _read(held: str) -> Any:
    """The attributes of a contact; slowly only where a number has a point, as its digits count."""
    fast = orjson.loads(held)
    return exact_json.loads(held) if exact_json.has_float(fast) else fast


def cell(value: Any) -> str:
    """A stored value as an import reads it back."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "|".join(map(str, value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _key(action: BulkAction) -> str:
    return f"bulk:{current_tenant()}:{action.pk}"


def _say(action: BulkAction, count: int) -> None:
    """How far the file is, beside the transaction that writes it."""
    try:
        cache.set(_key(action), count, 600)
    except RedisError as problem:
        log.warning("progress of export %s not told: %s", action.pk, problem)


def so_far(action: BulkAction) -> int:
    """How many contacts are in a file that is being written."""
    try:
        return int(cache.get(_key(action)) or 0)
    except RedisError:
        return 0


def _tell(action: BulkAction) -> None:
    # A program that has asked for a file looks for it itself.
    if not action.options.get("mail", True) or action.created_by is None or not is_member(action.created_by.pk):
        return
    url = workspace_urls.absolute(
        workspace_urls.inside(Tenant.objects.get(pk=current_tenant()).slug, "contacts:bulk_action", action.pk)
    )
    until = timezone.now() + timedelta(days=kept_days())
    body = (
        f"Your export of {action.done:,} contacts is ready:\n\n{url}\n\n"
        f"Sign in to use the link. It works until {until:%d %B %Y}.\n"
    )
    outbox.put_mail(f"export-{action.pk}", to=action.created_by.email, subject="Your export is ready", body=body)
