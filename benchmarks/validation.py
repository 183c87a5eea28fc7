"""What it costs to judge a row, in one process and without a database: our cleaner beside the plain validators."""

import csv
import io
import time
from itertools import islice
from pathlib import Path

from benchmarks import peers
from cdp.demo import people
from imports.cleaning.row_cleaner import Cleaner, Column
from imports.files.reader import Dialect

# Columns of the made-up people → (target, type).
TARGETS = {
    "email": ("email", "text"), "phone": ("phone", "text"), "external_id": ("external_id", "text"),
    "first_name": ("first_name", "text"), "last_name": ("last_name", "text"), "city": ("city", "text"),
    "country": ("country", "country"), "birthday": ("birthday", "date"), "ltv": ("ltv", "decimal"),
    "newsletter": ("newsletter", "boolean"), "tags": ("tags", "choices"), "consent_date": ("consent_date", "datetime"),
}  # fmt: skip


def ours(path: Path, rows: int) -> float:
    """Seconds a row: reading, all twelve columns cleaned and typed, problems coded, lines for COPY made."""
    columns = [
        Column(index=i, name=name, target=TARGETS[name][0], type=TARGETS[name][1], options=None)
        for i, name in enumerate(people.HEADER)
    ]
    with path.open(newline="") as file:
        next(file)
        text = "".join(islice(file, rows))
    cleaner = Cleaner(columns, width=len(columns), region="GB", bad_value="error", blank="keep")
    begun = time.perf_counter()
    block = cleaner.block(text, first_line=2, prefix="1\t", dialect=Dialect())
    return (time.perf_counter() - begun) / block.rows


def plain(path: Path, rows: int) -> float:
    """Seconds a row: csv, email-validator and phonenumbers on two columns, nothing else."""
    with path.open(newline="") as file:
        text = "".join(islice(file, rows + 1))
    begun, count = time.perf_counter(), 0
    for row in csv.DictReader(io.StringIO(text)):
        count += 1
        for check in (_email, _phone):
            check(row)
    return (time.perf_counter() - begun) / count


def _email(row: dict[str, str]) -> None:
    try:
        peers.plain_email(row["email"] or "")
    except ValueError:
        return


def _phone(row: dict[str, str]) -> None:
    try:
        peers.plain_phone(row["phone"] or "", row["country"] or "GB")
    except ValueError:
        return
