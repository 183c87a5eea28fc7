"""Lines of CSV files that people download: quoted, safe in a spreadsheet, streamed after the view has ended."""

import csv
import io
from collections.abc import Container, Iterable, Iterator

from django.utils import timezone

from contacts.values.formula_guard import safe_cell
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


def streamed(tenant_id: int, lines: Iterable[str]) -> Iterator[str]:
    """Lines for a response that is sent after the view has ended: in a context and by the clock of their own workspace."""
    with tenant_context(tenant_id, read_only=True), timezone.override(Tenant.objects.get(pk=tenant_id).time_zone):
        yield from lines


def line(cells: Iterable[str], *, separator: str = ",", plain: Container[int] = ()) -> str:
    """One CSV line with every cell quoted and made safe for spreadsheets, but for those in the columns `plain`."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([c if i in plain else safe_cell(c) for i, c in enumerate(cells)])
    return out.getvalue()
