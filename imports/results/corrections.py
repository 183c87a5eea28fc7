"""Rows in error, mended where they stand and brought again (docs/life-of-a-row.md).

What somebody types is kept beside the row's own cells and judged by the same cleaner that read the file. Mended rows become
a file of their own and an import of their own: it has the mapping and settings of the first one, and both know each other.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

from django.db.models import Q

from imports.files.reader import Dialect
from imports.models import Import, RejectedRow, Status
from imports.options import Options
from imports.pipeline import parse_unit
from imports.problems.catalogue import Problem
from imports.results import correction_queries
from imports.wizard import upload
from tenants.models import Tenant, User

CONTACT = "contact_id"
# Cells of one row and rows of one click: far above what a person mends by hand.
MAX_CELL, MAX_ROWS = 32_768, 10_000


def mendable(imp: Import) -> bool:
    """Whether rows of this import can be mended in place: it has ended and stands."""
    return imp.ended and imp.status in (Status.IMPORTED, Status.CANCELED) and imp.undone_at is None


def validate(imp: Import) -> Callable[[Sequence[str]], list[Problem]]:
    """What says what is wrong with cells, as the import reads them: made once for many rows. Values that would be left out
    count as well."""
    cleaner, width = parse_unit.compiled(imp), len(imp.header)

    def judged(cells: Sequence[str]) -> list[Problem]:
        return cleaner.row(trimmed(cells, width))[1]

    return judged


def trimmed(cells: Sequence[str], width: int) -> list[str]:
    """Cells without empty ones behind the last column, and with empty ones where some are missing."""
    kept = list(cells)
    while len(kept) > width and not kept[-1].strip():
        kept.pop()
    return kept + [""] * (width - len(kept))


def mend(imp: Import, line: int, given: Mapping[int, str], *, chosen: int | None) -> bool:
    """Keep what somebody has typed into a row: index of the column → value; and the contact they have chosen.

    A row that is as it came in is no longer mended. False when there is no such row, or it has been brought again.
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
    RejectedRow.objects.filter(import_id=imp.pk, row_no=line).update(fixed=fixed, chosen_id=chosen)
    return True


def replace(imp: Import, column: int, find: str, put: str, *, whole: bool) -> int:
    """Put `put` where `find` stands, in every cell of a column among the rows in error; returns how many cells changed.

    `whole`: only where it is the whole cell. Nothing is sought but what is there: an empty `find` means empty cells.
    """
    find, put = find.replace("\x00", ""), put.replace("\x00", "")[:MAX_CELL]
    if not 0 <= column < len(imp.header) or find == put or not (find or whole):
        return 0
    return correction_queries.replace_cells(imp.pk, column, find, put, whole=whole, most=MAX_CELL)


def corrected_rows(imp: Import) -> list[tuple[int, list[str], int | None]]:
    """(line, cells, chosen contact) of the mended rows in which nothing is wrong any more."""
    touched = Q(fixed__isnull=False) | Q(chosen_id__isnull=False)
    mended = RejectedRow.objects.filter(touched, import_id=imp.pk, retried_in=None)
    rows = [(r.row_no, r.fixed or r.cells, r.chosen_id) for r in mended.order_by("row_no")[:MAX_ROWS]]
    width, judged = len(imp.header), validate(imp) if rows else None
    return [(line, trimmed(cells, width), chosen) for line, cells, chosen in rows if judged and not judged(cells)]


def import_corrections(imp: Import, *, tenant: Tenant, user: User | None) -> Import | None:
    """Bring the mended rows as an import of their own; None when no row is ready. Runs in a tenant's transaction."""
    Import.objects.select_for_update().get(pk=imp.pk)  # a second click waits here, and finds no row left
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
