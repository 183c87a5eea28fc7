"""What the diff says of matched rows is what the plain form of the statement says, which asks each attribute by itself."""

import itertools
from typing import Any

import orjson
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import staging as tables
from contacts import statements
from contacts.identity import upsert
from contacts.identity.upsert import Rules
from contacts.models import Contact
from contacts.staging import Staging
from contacts.values import value_changes
from contacts.values.columns import COMPANIONS
from tenants.models import Tenant

# How `changed` was made before: condition and object of each part, joined by ||.
OVERWRITE = """coalesce((SELECT jsonb_object_agg(e.key, jsonb_build_array(c.attributes -> e.key, e.value))
      FROM jsonb_each({given}) e WHERE c.attributes -> e.key IS DISTINCT FROM e.value), '{}')
    || coalesce((SELECT jsonb_object_agg(k, jsonb_build_array(c.attributes -> k, NULL))
      FROM unnest({cleared}) k WHERE jsonb_exists(c.attributes, k)), '{}')"""
FILL = """coalesce((SELECT jsonb_object_agg(e.key, jsonb_build_array(c.attributes -> e.key, e.value))
      FROM jsonb_each(s.attributes) e WHERE NOT jsonb_exists({kept}, e.key)
        AND c.attributes -> e.key IS DISTINCT FROM e.value), '{}')"""
BEFORE = """
SELECT h.row_no, CASE WHEN {any} THEN {parts} END FROM {hit} h
JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = h.row_no
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = h.contact_id WHERE h.tenant_id = %(tenant)s ORDER BY h.row_no"""
AFTER = "SELECT m.row_no, m.changed FROM {map} m WHERE m.tenant_id = %(tenant)s ORDER BY m.row_no"

FEW = ["city", "deleted", "it's", "100%", "ads_consent", "a\\b"]
KEYS = [*FEW, *(f"key{n}" for n in range(60))]  # too many for one call
values = st.sampled_from(["", "Riga", "denied", "granted", 0, 1.5, True, False, ["a", "b"], []])
attributes = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)
texts = st.sampled_from([None, "one", "two"])
statuses = st.fixed_dictionaries({}, optional={"email_status": st.sampled_from(["active", "spam", "not_confirmed"])})
people = st.fixed_dictionaries({"email": texts, "phone": texts, "first_name": texts, "attributes": attributes})
rows = st.fixed_dictionaries(
    {
        "person": people,
        "same": st.booleans(),
        "external_id": st.booleans(),
        "cleared": st.none() | st.lists(st.sampled_from([*FEW, "first_name"]), max_size=3, unique=True),
        "settings": st.none() | statuses,
    }
)
pairs = st.lists(st.tuples(people, st.booleans(), rows), min_size=1, max_size=25)
yes_or_no = st.booleans()
rules_of = st.builds(
    Rules, overwrite=yes_or_no, clear=yes_or_no, statuses=yes_or_no, milder=yes_or_no, revive=yes_or_no
)
_imports = itertools.count(900_000)


def before(rules: Rules) -> str:
    """The statement as it was."""
    part = upsert._strict(OVERWRITE if rules.overwrite else FILL, rules)
    own = [(c, value_changes.entry(key.strip("'"), made)) for key, c, made in upsert._own_changes(rules)]
    at = 1 + len(COMPANIONS)  # behind the columns; what comes later hides an attribute of its name
    whether = upsert._strict(upsert.OVERWRITE_CHANGES if rules.overwrite else upsert.FILL_CHANGES, rules)
    changes = [*own[:at], (whether, part), *own[at:]]
    parts = " || ".join(f"CASE WHEN {condition} THEN {made} ELSE '{{}}' END" for condition, made in changes)
    return statements.fill(BEFORE, any=upsert.changes_something(rules), parts=parts)


def stage(staging: Staging, cases: list[Any]) -> None:
    now = timezone.now()
    lines = []
    for number, (person, deleted, row) in enumerate(cases):
        gone = {"deleted_at": now, "deleted_reason": "asked"} if deleted else {}
        contact = Contact.objects.create(origin="manual", **person, **gone)
        said = person if row["same"] else row["person"]
        cells: list[str | None] = [str(staging.tenant_id), str(number), said["email"], None, said["phone"], None]
        cells += [f"C-{contact.pk}" if row["external_id"] else None, said["first_name"], None, None, None]
        cells.append(orjson.dumps(said["attributes"]).decode().replace("\\", "\\\\"))
        cleared = row["cleared"]
        quoted = [orjson.dumps(key).decode().replace("\\", "\\\\") for key in cleared or ()]
        cells.append(None if cleared is None else "{" + ",".join(quoted) + "}")
        cells += [None if row["settings"] is None else orjson.dumps(row["settings"]).decode(), None]
        lines.append("\t".join("\\N" if cell is None else cell for cell in cells) + "\n")
        cases[number] = contact.pk
    tables.create(staging)
    tables.copy_rows(staging, "".join(lines))
    tables.settle(staging)
    tables.add(staging, "hit", {"row_no": "integer", "contact_id": "bigint"}, list(enumerate(cases)))


@given(cases=pairs, rules=rules_of)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_object_says_what_one_for_each_attribute_said(inside: Tenant, cases: list[Any], rules: Rules) -> None:
    staging = Staging(inside.pk, next(_imports))
    stage(staging, cases)
    upsert.plan_updates(staging, rules, attributes=KEYS, start=0, stop=1_000)
    assert statements.fetch(AFTER, staging) == statements.fetch(before(rules), staging)
    outcomes = dict(statements.fetch("SELECT m.row_no, m.outcome::text FROM {map} m", staging))
    assert outcomes == {n: "n" if changed is None else "u" for n, changed in statements.fetch(AFTER, staging)}
    tables.drop(staging)
