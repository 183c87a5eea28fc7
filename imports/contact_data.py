"""What imports hold of a person: values before and after, rows in error, and the files themselves
(contacts.privacy.data_providers)."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.utils import timezone

from contacts.errors import NotAllowed
from contacts.extensions import Identifiers, TransferRecord
from contacts.values.columns import IDENTIFIERS
from contacts.values.value_changes import sides
from core import file_store
from imports import cleanup, segment_upload
from imports.models import Import, Phase, RowEffect, SegmentUpload
from imports.pipeline import queries

TABLES = ("touched", "row_issue", "rejected_row", "import", "import_listing", "segment_upload")
# Of a phone number, so many digits at the end are compared: nobody writes the others in the same way.
_DIGITS = 8
_BLOCK = 1 << 20


def held(_contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Rows stay with their import (docs/merging.md)."""
    return []


def move(_contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Nothing: the profile of a merged contact shows the rows of all."""
    return {}


def restore(_moved: TransferRecord, *, of: int) -> None:
    """Nothing, as nothing was moved."""


def known(contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Identifiers and names that imports have overwritten."""
    kinds = (*IDENTIFIERS, "first_name", "last_name")
    rows = RowEffect.objects.filter(contact_id__in=contact_ids, changed__has_any_keys=list(kinds))
    return [
        (kind, value)
        for changed in rows.values_list("changed", flat=True)
        for kind in kinds
        for value in sides(changed, kind)
        if value
    ]


def erase(contact_ids: Sequence[int], identifiers: Identifiers) -> None:
    """Blank what was kept of the rows of these people, and remove the files that name them.

    Raises NotAllowed when a file of an import that has not ended names one of them: its rows would add the person again.
    """
    needles = Needles(identifiers)
    naming = _naming(needles)
    open_ = next((imp for imp in naming if imp.phase != Phase.DONE), None)
    if open_ is not None:
        raise NotAllowed(
            f"The file {open_.file_name} of an unfinished import contains a person you want to erase. "
            "Finish or cancel that import, then erase again."
        )
    for imp in naming:
        cleanup.remove_file(imp, timezone.now())
    for upload in SegmentUpload.objects.filter(file_removed_at=None).select_for_update().order_by("pk"):
        if (path := _file(upload.path)) and needles.anywhere(path, upload.dialect.get("encoding") or "utf-8"):
            segment_upload.remove_file(upload, now=timezone.now())
    _blank_examples(contact_ids)
    queries.blank_rows(contact_ids, [value for _kind, value in identifiers])
    RowEffect.objects.filter(contact_id__in=contact_ids).delete()


def _blank_examples(contact_ids: Sequence[int]) -> None:
    """Take the examples out of reviews that show what would become of one of these people."""
    rows = set(RowEffect.objects.filter(contact_id__in=contact_ids).values_list("import_id", "row_no"))
    for imp in Import.objects.select_for_update().filter(pk__in={import_id for import_id, _row in rows}).order_by("pk"):
        changes = imp.review.get("changes", [])
        shown = [c for c in changes if (imp.pk, c["row"]) in rows]
        for change in shown:
            change["before"] = change["after"] = None
        if shown:
            imp.save(update_fields=["review"])


def _naming(needles: "Needles") -> list[Import]:
    """Imports whose file still exists and has one of the identifiers."""
    imports = []
    for imp in Import.objects.filter(file_removed_at=None).order_by("pk"):
        if (path := _file(imp.path)) and needles.anywhere(path, imp.dialect.get("encoding") or "utf-8"):
            imports.append(imp)
    return imports


def _file(name: str) -> Path | None:
    try:
        return file_store.fetch(name)
    except FileNotFoundError:
        return None


class Needles:
    """Identifiers as a file may write them: in any case, phones with any signs between their digits."""

    def __init__(self, identifiers: Identifiers) -> None:
        self.words = {value.lower() for kind, value in identifiers if kind != "phone"}
        self.numbers = {re.sub(r"\D", "", value)[-_DIGITS:] for kind, value in identifiers if kind == "phone"}

    def anywhere(self, path: Path, encoding: str) -> bool:
        """Whether a text file has one of them, read a block at a time."""
        return any(self._in(block) for block in _blocks(path, encoding))

    def _in(self, text: str) -> bool:
        words = {word.strip("'\"<>()") for word in re.split(r"[\s,;|\t]+", text.lower())}
        if not words.isdisjoint(self.words):
            return True
        if not self.numbers:
            return False
        digits = (re.sub(r"\D", "", number)[-_DIGITS:] for number in re.findall(r"[+(]?\d[\d ()./\-]{5,30}", text))
        return not self.numbers.isdisjoint(digits)


def _blocks(path: Path, encoding: str) -> Iterator[str]:
    """Whole lines of a file, about a megabyte at a time."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        while lines := file.readlines(_BLOCK):
            yield "".join(lines)
