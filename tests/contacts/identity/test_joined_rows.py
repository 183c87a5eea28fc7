"""What a winning row takes from the rows joined into it, against the plain way in Python."""

import itertools
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import staging as tables
from contacts import statements
from contacts.identity import queries
from contacts.staging import Staging
from contacts.values.columns import WITH_COMPANIONS
from tenants.models import Tenant

KEYS = ["city", "tags", "ltv", "ads_consent"]
values = st.sampled_from(["", "Riga", "denied", "granted", 0, 1.5, True, ["a"], ["a", "b"], []])
attributes = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)
texts = st.sampled_from([None, "one", "two"])
rows = st.fixed_dictionaries(
    {
        "columns": st.fixed_dictionaries(dict.fromkeys(WITH_COMPANIONS, texts)),
        "attributes": attributes,
        "cleared": st.lists(st.sampled_from([*KEYS, "first_name"]), max_size=2, unique=True),
        "winner": st.integers(0, 2),
    }
)
_imports = itertools.count(910_000)


def plain(
    cases: list[Any], losers: dict[int, int], *, last_wins: bool
) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """Winner → its columns and attributes afterwards."""
    found = {}
    for winner in set(losers.values()):
        own, joined = cases[winner], [cases[n] for n, to in sorted(losers.items(), reverse=last_wins) if to == winner]
        columns = {
            name: next((row["columns"][name] for row in [own, *joined] if row["columns"][name] is not None), None)
            for name in WITH_COMPANIONS
        }
        said: dict[str, Any] = {}
        for row in [*reversed(joined), own]:
            said |= row["attributes"]
        said = {key: value for key, value in said.items() if key not in own["cleared"]}
        if any(row["attributes"].get("ads_consent") == "denied" for row in joined):
            said["ads_consent"] = "denied"
        found[winner] = (columns, said)
    return found


def stage(staging: Staging, cases: list[Any]) -> None:
    lines = []
    for number, row in enumerate(cases):
        cells: dict[str, str | None] = {"row_no": str(number), **row["columns"]}
        cells["attributes"] = orjson.dumps(row["attributes"]).decode()
        cells["cleared"] = "{" + ",".join(row["cleared"]) + "}" if row["cleared"] else None
        line = [str(staging.tenant_id), *(cells.get(name) for name in tables.ROW_COLUMNS[1:])]
        lines.append("\t".join("\\N" if cell is None else cell for cell in line) + "\n")
    tables.create(staging)
    tables.copy_rows(staging, "".join(lines))
    tables.settle(staging)


@given(cases=st.lists(rows, min_size=2, max_size=12), last_wins=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_winner_takes_what_it_has_not_said_itself(inside: Tenant, cases: list[Any], last_wins: bool) -> None:
    staging = Staging(inside.pk, next(_imports))
    for row in cases:
        row["cleared"] = [key for key in row["cleared"] if key not in row["attributes"]]
    stage(staging, cases)
    losers = {n: row["winner"] for n, row in enumerate(cases) if n > 2}
    losers = {n: to for n, to in losers.items() if to < len(cases)}
    tables.add(staging, "loser", {"row_no": "integer", "winner": "integer"}, sorted(losers.items()))
    queries.merge_losers(staging, last_wins=last_wins)
    names = ", ".join(f"r.{name}" for name in WITH_COMPANIONS)
    for number, stored, *columns in statements.fetch(
        f"SELECT r.row_no, r.attributes, {names} FROM {{row}} r WHERE r.tenant_id = %(tenant)s", staging
    ):
        expected = plain(cases, losers, last_wins=last_wins).get(
            number, (cases[number]["columns"], cases[number]["attributes"])
        )
        assert (dict(zip(WITH_COMPANIONS, columns, strict=True)), orjson.loads(stored)) == expected
