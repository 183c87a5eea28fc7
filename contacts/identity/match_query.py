"""The statement that matches rows to contacts, built from the workspace's order of identifiers.

For each identifier: the living contacts that have it, and how many of them no stronger identifier contradicts (both
sides have one and they differ, so it is another person). Then the strongest identifier that finds somebody decides.
"""

from collections.abc import Sequence

from contacts import statements
from contacts.staging import Staging
from contacts.values.columns import IDENTIFIERS

# How `hit.strength` names the identifier that decided, whichever of them take part and in whatever order.
STRENGTH = {name: number for number, name in enumerate(IDENTIFIERS, 1)}

# One identifier against the living contacts, for the rows that are still open. Takes no locks.
FOUND = """{name} AS MATERIALIZED (
  SELECT s.row_no, count(*) FILTER (WHERE {agrees}) AS ok, min(c.id) FILTER (WHERE {agrees}) AS ok_id,
         min(c.id) AS any_id, array_agg(c.id) AS ids, array_agg(c.id) FILTER (WHERE {agrees}) AS ok_ids
  FROM open s JOIN contact c ON c.tenant_id = %(tenant)s AND c.{name} = s.{name} AND {alive}
  GROUP BY s.row_no)"""
# An import does not restore a contact that was merged into another one: it undoes no merge.
LIVING, DELETED = "c.deleted_at IS NULL", "(c.deleted_at IS NOT NULL AND c.merged_into IS NULL)"
# A phone alone does not restore a deleted contact where the row says more about who it is.
PHONE_ALONE = " AND s.email IS NULL AND s.external_id IS NULL"

# Rows whose external ID finds a contact that has the row's other identifiers too: nothing weaker can contradict. Nearly
# all rows of a file that was imported before end here, after one look-up instead of one for each identifier. Those that
# change nothing ({changes} says what would) go straight into {map} and are done with.
SETTLED = """
WITH found AS MATERIALIZED (
  SELECT s.row_no, c.id, coalesce({changes}, false) AS changes FROM {row} s
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.external_id = s.external_id AND c.deleted_at IS NULL
  WHERE s.tenant_id = %(tenant)s AND s.row_no >= %(start)s AND s.row_no < %(stop)s{same}),
unchanged AS (
  INSERT INTO {map} (tenant_id, row_no, contact_id, outcome)
  SELECT %(tenant)s, f.row_no, f.id, {RowOutcome.UNCHANGED} FROM found f WHERE NOT f.changes ORDER BY f.row_no)
INSERT INTO {hit} (tenant_id, row_no, contact_id, strength)
SELECT %(tenant)s, f.row_no, f.id, 1 FROM found f WHERE f.changes ORDER BY f.row_no"""

# `shared`: several people have the identifier and no weaker one tells them apart. `other`: a contact that a weaker
# identifier points at, and only at others than the chosen one.
MATCH = """
WITH open AS MATERIALIZED (
  SELECT s.row_no, s.external_id, s.email, s.phone FROM {row} s
  WHERE s.tenant_id = %(tenant)s AND s.row_no >= %(start)s AND s.row_no < %(stop)s AND NOT EXISTS (
    SELECT 1 FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.row_no = s.row_no)
    AND NOT EXISTS (SELECT 1 FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.row_no = s.row_no)),
{found}, chosen AS (
  SELECT row_no, {strength} AS strength, {contact} AS contact_id, {shared} AS shared, {carried}
  FROM {joined}),
judged AS (SELECT row_no, strength, contact_id, shared, {other} AS other_id FROM chosen)
INSERT INTO {hit} (tenant_id, row_no, contact_id, strength, code, other_id)
SELECT %(tenant)s, row_no, contact_id, strength,
       CASE WHEN shared THEN 'shared_identifier' WHEN other_id IS NOT NULL THEN 'ambiguous_match' END,
       other_id
FROM judged WHERE strength IS NOT NULL"""

ONLY_ONE = "(SELECT CASE WHEN count(*) = 1 THEN min(x) END FROM unnest({name}.ok_ids) x WHERE x = ANY({weaker}))"


def statement(order: Sequence[str], *, alive: str = LIVING) -> str:
    """The MATCH statement for identifiers in this order, strongest first."""
    return statements.fill(
        MATCH,
        found=",\n".join(_found(name, order[:i], alive) for i, name in enumerate(order)),
        strength=_cases(order, lambda _i, n: str(STRENGTH[n])),
        contact=_cases(order, lambda i, n: f"CASE WHEN {n}.ok = 1 THEN {n}.ok_id ELSE {_told_apart(order, i)} END"),
        shared=_cases(order, lambda i, n: f"{n}.ok > 1 AND {_only_one(order, i)} IS NULL"),
        carried=", ".join(f"{n}.ids AS {n}_ids, {n}.any_id AS {n}_any" for n in order),
        joined=order[0] + "".join(f" FULL JOIN {n} USING (row_no)" for n in order[1:]),
        other=_other(order),
    )


def match(staging: Staging, order: Sequence[str], *, changes: str, start: int, stop: int, revive: bool = False) -> None:
    """Note in `hit` what contact each row of a range points at, or why it cannot be said.

    `changes` is the condition that a row s changes its contact c (contacts.identity.upsert): rows that are sure of their
    contact and change nothing are noted in `map` instead; empty if nothing but the identifiers of a row says what it does.
    With `revive`, rows that find no living contact are looked for among the deleted ones.
    """
    if changes and order[0] == "external_id":
        same = "".join(f" AND (s.{name} IS NULL OR s.{name} = c.{name})" for name in order[1:])
        statements.run(statements.fill(SETTLED, same=same, changes=changes), staging, start=start, stop=stop)
    statements.run(statement(order), staging, start=start, stop=stop)
    if revive:
        statements.run(statement(order, alive=DELETED), staging, start=start, stop=stop)


def _found(name: str, stronger: Sequence[str], alive: str) -> str:
    agrees = " AND ".join(f"(s.{k} IS NULL OR c.{k} IS NULL OR c.{k} = s.{k})" for k in stronger) or "true"
    if name == "phone" and alive == DELETED:
        alive += PHONE_ALONE
    return statements.fill(FOUND, name=name, agrees=agrees, alive=alive)


def _cases(order: Sequence[str], value: object) -> str:
    whens = " ".join(f"WHEN {n}.ok >= 1 THEN {value(i, n)}" for i, n in enumerate(order))  # type: ignore[operator]
    return f"CASE {whens} END"


def _only_one(order: Sequence[str], i: int) -> str:
    """The one person among several with identifier i whom a weaker identifier names too, or NULL."""
    weaker = " || ".join(f"coalesce({n}.ids, '{{}}')" for n in order[i + 1 :])
    if not weaker:
        return "NULL::bigint"
    return statements.fill(ONLY_ONE, name=order[i], weaker=weaker)


def _told_apart(order: Sequence[str], i: int) -> str:
    return f"coalesce({_only_one(order, i)}, {order[i]}.ok_id)"


def _other(order: Sequence[str]) -> str:
    whens = []
    for i in range(len(order) - 1):
        inner = " ".join(f"WHEN NOT contact_id = ANY({n}_ids) THEN {n}_any" for n in order[i + 1 :])
        whens.append(f"WHEN strength = {STRENGTH[order[i]]} AND NOT shared THEN CASE {inner} END")
    return f"CASE {' '.join(whens)} END" if whens else "NULL::bigint"
