"""Rows in error, corrected in place and imported again (docs/life-of-a-row.md).

What a person types is stored beside the row's own cells and checked again by the same cleaner that read the file. What is
still wrong is stored with the row, so that no page or download has to clean it again. Corrected rows become a file of
their own and an import of their own: it has the mapping and settings of the first one, and both know each other.

What was found is of the rules of the workspace of then (parse_unit.WorkspaceRules). Once they are others, it is outdated:
readers validate such a row again, and the next correction or retry stores what is found. The import's own mapping and
settings no longer change after its end. The import of corrected rows cleans them in any case.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeGuard

from django.db.models import Q, QuerySet

from imports.cleaning.row_cleaner import Cleaner
from imports.files.reader import Dialect
from imports.models import Import, RejectedRow, Status
from imports.options import Options
from imports.pipeline import parse_unit
from imports.problems.catalogue import Problem
from imports.results import correction_queries
from imports.wizard import upload
from tenants.models import Tenant, User

CONTACT = "contact_id"
# Cells of one row and rows of one click: far above what a person corrects by hand.
MAX_CELL, MAX_ROWS = 32_768, 10_000


def is_correctable(imp: Import) -> bool:
    """Whether rows of this import can be corrected in place: it has ended and was not undone."""
    return imp.ended and imp.status in (Status.IMPORTED, Status.CANCELED) and imp.undone_at is None


def validate(cleaner: Cleaner, cells: Sequence[str]) -> list[Problem]:
    """What is wrong with cells, as the import reads them. Values that would be left out count as well."""
    return cleaner.row(trimmed(cells, cleaner.width))[1]


def recheck(imp: Import, lines: Collection[int] | None = None) -> None:
    """Keep what is wrong with corrected rows, of these lines or of the whole import, where that is not known by the rules of
    today. Runs in the transaction that has changed them."""
    rules = parse_unit.WorkspaceRules.of_today()
    rows = list(_outdated(_corrected(imp) if lines is None else _corrected(imp).filter(row_no__in=lines), rules))
    if rows:
        cleaner = parse_unit.compiled(imp, rules)
        verdicts = {row.row_no: validate(cleaner, row.fixed or row.cells) for row in rows}
        rechecked = {line: {"rules": rules.digest, "problems": problems} for line, problems in verdicts.items()}
        correction_queries.set_rechecked(imp.pk, rechecked)


def problems_left(imp: Import, rows: Sequence[RejectedRow]) -> dict[int, list[Problem]]:
    """What is wrong with corrected rows, by line: as it is kept, or by the rules of today where these are others. Rows that
    were imported again keep the problems of then."""
    rules = parse_unit.WorkspaceRules.of_today() if rows else None
    problems: dict[int, list[Problem]] = {}
    cleaner = None
    for row in rows:
        if rules and not row.retried_in and not _is_known(row.rechecked, rules):
            cleaner = cleaner or parse_unit.compiled(imp, rules)
            problems[row.row_no] = validate(cleaner, row.fixed or row.cells)
        else:
            problems[row.row_no] = [Problem(*problem) for problem in (row.rechecked or {}).get("problems", [])]
    return problems


def _is_known(rechecked: dict[str, Any] | None, rules: parse_unit.WorkspaceRules) -> TypeGuard[dict[str, Any]]:
    return rechecked is not None and rechecked["rules"] == rules.digest


def _corrected(imp: Import) -> "QuerySet[RejectedRow]":
    """Rows that were corrected, or given a contact, and that were not imported again."""
    touched = Q(fixed__isnull=False) | Q(chosen_id__isnull=False)
    rows: QuerySet[RejectedRow] = RejectedRow.objects.filter(touched, import_id=imp.pk, retried_in=None)
    return rows.order_by("row_no")


def _outdated(rows: "QuerySet[RejectedRow]", rules: parse_unit.WorkspaceRules) -> "QuerySet[RejectedRow]":
    """Those of the first so many corrected rows that were not checked by these rules."""
    known = rows.values_list("row_no", "rechecked__rules")[:MAX_ROWS]
    return rows.filter(row_no__in=[line for line, digest in known if digest != rules.digest])


def trimmed(cells: Sequence[str], width: int) -> list[str]:
    """Cells without empty ones behind the last column, and with empty ones where some are missing."""
    kept = list(cells)
    while len(kept) > width and not kept[-1].strip():
        kept.pop()
    return kept + [""] * (width - len(kept))


def correct_row(imp: Import, line: int, given: Mapping[int, str], *, chosen: int | None) -> bool:
    """Keep what somebody has typed into a row: index of the column → value; and the contact they have chosen.

    A row that equals its original is no longer corrected. What is wrong with it now is for `recheck`, once for all rows of a
    request. False when there is no such row, or it has been imported again.
    """
    row = RejectedRow.objects.select_for_update().filter(import_id=imp.pk, row_no=line, retried_in=None).first()
    if row is None:
        return False
    width = max(len(imp.header), len(row.cells))
    cells = trimmed(row.fixed or row.cells, width)
    for i, text in given.items():
        if i < width:
            cells[i] = text.replace("\x00", "")[:MAX_CELL]
    fixed = cells if cells != trimmed(row.cells, width) else None
    RejectedRow.objects.filter(import_id=imp.pk, row_no=line).update(fixed=fixed, chosen_id=chosen, rechecked=None)
    return True


def replace(imp: Import, column: int, find: str, put: str, *, whole: bool) -> int:
    """Put `put` in place of `find`, in every cell of a column among the rows in error; returns how many cells changed.

    `whole`: only where it is the whole cell. Nothing is sought but what is there: an empty `find` means empty cells.
    """
    find, put = find.replace("\x00", ""), put.replace("\x00", "")[:MAX_CELL]
    if not 0 <= column < len(imp.header) or find == put or not (find or whole):
        return 0
    changed = correction_queries.replace_cells(imp.pk, column, find, put, whole=whole, most=MAX_CELL)
    recheck(imp)
    return changed


def ready_lines(imp: Import) -> list[int]:
    """Lines of the corrected rows without a problem, among the first so many."""
    known = list(_corrected(imp).values_list("row_no", "rechecked")[:MAX_ROWS])
    if not known:
        return []
    rules = parse_unit.WorkspaceRules.of_today()
    ready = {line for line, rechecked in known if _is_known(rechecked, rules) and not rechecked["problems"]}
    outdated = [line for line, rechecked in known if not _is_known(rechecked, rules)]
    if outdated:
        anew = problems_left(imp, list(_corrected(imp).filter(row_no__in=outdated)))
        ready |= {line for line, problems in anew.items() if not problems}
    return sorted(ready)


def corrected_rows(imp: Import) -> list[tuple[int, list[str], int | None]]:
    """(line, cells, chosen contact) of the corrected rows without a problem."""
    rows, width = _corrected(imp).filter(row_no__in=ready_lines(imp)), len(imp.header)
    return [(row.row_no, trimmed(row.fixed or row.cells, width), row.chosen_id) for row in rows]


def import_corrections(imp: Import, *, tenant: Tenant, user: User | None) -> Import | None:
    """Import the corrected rows as an import of their own; None when no row is ready. Runs in a tenant's transaction."""
    Import.objects.select_for_update().get(pk=imp.pk)  # a second click waits here, and finds no row left
    recheck(imp)
    rows = corrected_rows(imp)
    if not rows:
        return None
    name = f"{imp.file_name.rpartition('.')[0] or imp.file_name}, corrected rows.csv"
    made = upload.store_upload(_file(imp, rows), file_name=name, tenant=tenant, user=user, origin="mended")
    made.dialect, made.header = asdict(Dialect()), [*imp.header, CONTACT]
    made.parent_id, made.description = imp.pk, imp.description
    made.save(update_fields=["dialect", "header", "parent_id", "description"])
    mapping = [*imp.mapping, {"target": CONTACT if any(r[2] for r in rows) else "skip", "reason": "chosen"}]
    upload.start(made, options=Options.parse(imp.options), columns=mapping, auto_start=True)
    lines = [line for line, _cells, _chosen in rows]
    RejectedRow.objects.filter(import_id=imp.pk, row_no__in=lines).update(retried_in=made.pk)
    return made


def _file(imp: Import, rows: Sequence[tuple[int, list[str], int | None]]) -> Iterator[bytes]:
    yield _line([*imp.header, CONTACT])
    for _line_no, cells, chosen in rows:
        yield _line([*cells, str(chosen or "")])


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
