"""The strict rules of a workspace: a column of numbers, dates or choices is filled in every row, or is not used at all.

They are put into the mapping when the file is planned, so that every part of the file is read by the same rules.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from contacts.values.columns import IDENTIFIERS
from contacts.values.types import SYSTEM
from imports.files import csv_records
from imports.files.reader import FileProblem, Span
from imports.models import Import, RowIssue, Severity
from imports.pipeline import parse_unit
from tenants.isolation.context import current_tenant
from tenants.models import Tenant

FILLED = frozenset({"integer", "decimal", "boolean", "date", "birthday", "datetime", "phone", "choice"})
IDENTIFYING = frozenset({*IDENTIFIERS, "contact_id"})
CODE = "column_partly_filled"


def is_strict() -> bool:
    """Whether the workspace of the context reads values by its strict rules."""
    return bool(Tenant.objects.values_list("strict_values", flat=True).get(pk=current_tenant()))


def apply(imp: Import, spans: Sequence[Span]) -> None:
    """Mark the mapping of an import as strict, without columns that are filled in part; each of them is noted.

    Raises FileProblem when no column is left that says who a row is.
    """
    wanted = [i for i, column in enumerate(imp.mapping) if _type(column) in FILLED]
    filled, total = _count(imp, spans, wanted) if wanted else ({}, 0)
    partly = {i: {"name": imp.header[i], "filled": n, "rows": total} for i, n in filled.items() if 0 < n < total}
    # What an earlier import of these rows has left out stays out, and is not told again.
    known = [{"target": "skip"} if column.get("reason") == "partly_filled" else column for column in imp.mapping]
    mapping = [
        {"target": "skip", "reason": "partly_filled", "was": column["target"], **partly[i]} if i in partly else column
        for i, column in enumerate(known)
    ]
    if partly and IDENTIFYING.isdisjoint(column["target"] for column in mapping):
        raise FileProblem(CODE, **next(iter(partly.values())))
    imp.mapping = [{**column, "strict": True} for column in mapping]
    imp.save(update_fields=["mapping"])
    note = {"import_id": imp.pk, "row_no": 1, "code": CODE, "severity": Severity.INFO}
    RowIssue.objects.bulk_create(RowIssue(**note, column=i, facts=facts) for i, facts in partly.items())


def _type(column: Mapping[str, Any]) -> str:
    target = column["target"]
    known = {"phone": "phone"} | {key: system.type for key, system in SYSTEM.items()}
    return str(column.get("type") or known.get(target, ""))


def _count(imp: Import, spans: Sequence[Span], wanted: Sequence[int]) -> tuple[dict[int, int], int]:
    """Filled cells of these columns, and rows in all; rows that cannot be read, or hold nothing, do not count."""
    path, dialect = parse_unit.readable(imp)
    width, total, filled = len(imp.header), 0, dict.fromkeys(wanted, 0)
    with path.open("rb") as file:
        for span in spans:
            file.seek(span.start)
            text = file.read(span.end - span.start).decode("utf-8")
            for _line, cells, problem in csv_records.read(
                csv_records.split_lines(text, dialect), dialect, first_line=span.first_line
            ):
                if problem or len(cells) < width or not any(cell.strip() for cell in cells):
                    continue
                total += 1
                for i in wanted:
                    if cells[i].strip():
                        filled[i] += 1
    return filled, total
