#!/bin/sh
# lifetimes 0.11.3 (recency, frequency and monetary value of customers), with pandas 2.3.3.
# Expected: summary_data_from_transaction_data gives as monetary_value the sum of a customer's purchases divided by their
#   number, as its introduction says of the column.
# Seen: the first day with a purchase is left out, of the sum and of the number, and purchases of one day count as one. Who
#   bought for 150 on the first day and for 20 and 30 later has 25, and who bought once for 70 has 0, like somebody who
#   never paid.
# Source of the expectation: the description of monetary_value in the introduction to lifetimes ("The shape of your data").
# Here: segments/rfm.py counts every order, the first one too; figures of a team that uses this library are not the same ones.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lifetimes==0.11.3 pandas==2.3.3
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pandas
from lifetimes.utils import summary_data_from_transaction_data

orders = pandas.DataFrame(
    [("often", "2026-01-01", 100.0), ("often", "2026-01-01", 50.0), ("often", "2026-01-10", 20.0),
     ("often", "2026-02-01", 30.0), ("once", "2026-01-05", 70.0), ("free", "2026-01-05", 0.0)],
    columns=["customer", "date", "amount"],
)
orders["date"] = pandas.to_datetime(orders["date"])
table = summary_data_from_transaction_data(
    orders, "customer", "date", monetary_value_col="amount", observation_period_end="2026-03-01"
)
seen = {name: (row.frequency, row.monetary_value) for name, row in table.iterrows()}
print(f"lifetimes 0.11.3, (frequency, monetary_value): {seen}")
raise SystemExit(0 if seen == {"often": (2.0, 25.0), "once": (0.0, 0.0), "free": (0.0, 0.0)} else 1)
PYTHON
