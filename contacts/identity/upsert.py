"""What matched rows change in their contacts, and writing it: the statements of the diff and of apply (identity, rule 5).

`changed` in the staging table {map} says for each value what was there and what comes; nothing else decides what is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contacts import change_log, statements
from contacts.consent import blacklist
from contacts.staging import Staging
from contacts.statements import fill
from contacts.values import ads_consent, channel_status, value_changes
from contacts.values.columns import COMPANIONS

# What a matched row changes in its contact, for rows [start, stop): for each value [before, after], for names and channels
# with the forms that go with them. Nothing is written to the contact. A row without a change is unchanged, so that importing
# the same file again writes nothing. Contacts are looked up one by one: the planner may not know yet how many there are.
# The OFFSET at the end keeps it from working `changed` out three times.
DIFF = """
INSERT INTO {map} (tenant_id, row_no, contact_id, outcome, changed, was_at)
SELECT %(tenant)s, d.row_no, d.id,
       CASE WHEN d.changed IS NULL THEN {RowOutcome.UNCHANGED} ELSE {RowOutcome.UPDATED} END, d.changed,
       CASE WHEN d.changed IS NOT NULL THEN d.changed_at END
FROM (
  SELECT h.row_no, c.id, c.changed_at, {changed} AS changed
  FROM {hit} h
  JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = h.row_no
  CROSS JOIN LATERAL (SELECT * FROM contact k WHERE k.tenant_id = %(tenant)s AND k.id = h.contact_id OFFSET 0) c
  CROSS JOIN LATERAL (SELECT {counting} OFFSET 0) x
  WHERE h.tenant_id = %(tenant)s AND h.row_no >= %(start)s AND h.row_no < %(stop)s
    AND h.code IS NULL AND h.contact_id IS NOT NULL OFFSET 0) d"""
# Whether attributes change: when they are replaced, and when only gaps are filled.
# Nearly all are equal byte by byte, which is seen much sooner than that they mean the same.
OVERWRITE_CHANGES = (
    "(NOT ((record_image_eq(ROW(s.attributes), ROW(c.attributes)) OR s.attributes = c.attributes) AND s.cleared IS NULL) "
    "AND (c.attributes || {given}) - coalesce({cleared}, '{}') IS DISTINCT FROM c.attributes)"
)
FILL_CHANGES = "(s.attributes <> c.attributes AND s.attributes || {kept} IS DISTINCT FROM c.attributes)"
# What counts of the attributes of the row and of the contact, worked out and unpacked once: for each key, `->` would do so
# again. || with nothing on the right does no more than that.
OVERWRITE_COUNTING = "{given} || '{}' AS said, c.attributes || '{}' AS had, {cleared} AS cleared"
FILL_COUNTING = "s.attributes || '{}' AS said, c.attributes || '{}' AS had, {kept} || '{}' AS kept"
# Whether the attribute of the key {key} changes, or is cleared.
OVERWRITTEN = "jsonb_exists(x.said, {key}) AND x.had -> {key} IS DISTINCT FROM x.said -> {key}"
FILLED = OVERWRITTEN + " AND NOT jsonb_exists(x.kept, {key})"
CLEARED = "{key} = ANY(x.cleared) AND jsonb_exists(x.had, {key})"
# Who refused ads stays so, whatever a file says, and a file's refusal counts even where only gaps are filled: as for the
# statuses of channels, unless somebody has said that a file may be milder.
_STRICT = {
    name: fill(part, ads=ads_consent.KEY)
    for name, part in {
        "given": "(CASE WHEN c.attributes ->> '{ads}' = 'denied' THEN s.attributes - '{ads}' ELSE s.attributes END)",
        "cleared": "CASE WHEN c.attributes ->> '{ads}' = 'denied' THEN array_remove(s.cleared, '{ads}') ELSE s.cleared END",
        "kept": "(CASE WHEN s.attributes ->> '{ads}' = 'denied' THEN c.attributes - '{ads}' ELSE c.attributes END)",
    }.items()
}


def _strict(statement: str, rules: "Rules") -> str:
    """A condition or an expression on attributes, with what the rules let count of the row and of the contact."""
    parts = {"given": "s.attributes", "cleared": "s.cleared", "kept": "c.attributes"} if rules.milder else _STRICT
    return fill(statement, **{name: part for name, part in parts.items() if f"{{{name}}}" in statement})


# A channel's status of the file counts where it is stricter than the contact's (or, if somebody has said so, differs), and
# only where there is something to write to.
_STATUS = """s.settings ? '{channel}_status' AND coalesce(c.{channel}, s.{channel}) IS NOT NULL
      AND (s.settings ->> '{channel}_status') <> c.{channel}_status{stricter}"""
_STRICTER = """
      AND array_position({order}, s.settings ->> '{channel}_status') > array_position({order}, c.{channel}_status::text)"""


@dataclass(frozen=True)
class Rules:
    """What an import may do to a contact, as the statements need it. `statuses`: rows, or their addresses, may carry the
    status of a channel;
    `milder`: it may also become milder; `revive`: deleted contacts are restored."""

    overwrite: bool = True
    clear: bool = False
    statuses: bool = False
    milder: bool = False
    revive: bool = False


# (key, whether it changes, what stands under the key in `changed`), all as SQL.
Change = tuple[str, str, str]


def _column_change(column: str, rules: Rules) -> Change:
    differs = f"DISTINCT FROM s.{column}" if rules.overwrite else "NULL"
    condition = f"s.{column} IS NOT NULL AND c.{column} IS {differs}"
    if rules.clear and rules.overwrite and column.endswith("_name"):
        condition = f"({condition}) OR (c.{column} IS NOT NULL AND '{column}' = ANY(s.cleared))"
    return f"'{column}'", condition, value_changes.column(column)


def _status_change(channel: str, rules: Rules) -> Change:
    order = "ARRAY[" + ", ".join(f"'{name}'" for name in channel_status.ORDERS[channel]) + "]"
    stricter = "" if rules.milder else fill(_STRICTER, order=order, channel=channel)
    condition = fill(_STATUS, channel=channel, stricter=stricter)
    return f"'{channel}_status'", condition, value_changes.status(channel, f"s.settings ->> '{channel}_status'")


def _attribute_change(key: str, rules: Rules) -> Change:
    """Of the attribute whose key is the parameter of this name."""
    key = f"%({key})s::text"
    condition, had, said = (
        fill(OVERWRITTEN if rules.overwrite else FILLED, key=key),
        f"x.had -> {key}",
        f"x.said -> {key}",
    )
    if rules.overwrite:
        cleared = fill(CLEARED, key=key)
        condition, said = f"({cleared}) OR ({condition})", f"CASE WHEN ({cleared}) IS NOT TRUE THEN {said} END"
    return key, condition, value_changes.attribute(had, said)


def _own_changes(rules: Rules) -> list[Change]:
    """Of everything but attributes."""
    gap = "s.external_id IS NOT NULL AND c.external_id IS NULL"
    parts = [
        ("'external_id'", gap, value_changes.gap("external_id")),
        *(_column_change(column, rules) for column in COMPANIONS),
    ]
    if rules.statuses:
        parts += [_status_change(channel, rules) for channel in channel_status.ORDERS]
    if rules.revive:
        parts.append((f"'{value_changes.DELETED}'", "c.deleted_at IS NOT NULL", value_changes.deletion()))
    return parts


def changes_something(rules: Rules) -> str:
    """The condition that a row s changes its contact c."""
    of_attributes = _strict(OVERWRITE_CHANGES if rules.overwrite else FILL_CHANGES, rules)
    return (
        "(" + " OR ".join(f"({condition})" for _key, condition, _made in _own_changes(rules)) + f" OR {of_attributes})"
    )


def plan_updates(staging: Staging, rules: Rules, *, attributes: Sequence[str], start: int, stop: int) -> int:
    """Map matched rows of a range to what they change; returns how many rows. `attributes` are all keys that rows may have
    under their attributes."""
    keys: dict[str, Any] = {f"key_{n}": key for n, key in enumerate(attributes)}
    below, above = list[Change](), _own_changes(rules)  # a field may have the name of one of our own keys
    for name, key in keys.items():
        (below if key in value_changes.OWN_KEYS else above).append(_attribute_change(name, rules))
    changed = value_changes.all_of(below, above)
    counting = _strict(OVERWRITE_COUNTING if rules.overwrite else FILL_COUNTING, rules)
    return statements.run(fill(DIFF, changed=changed, counting=counting), staging, **keys, start=start, stop=stop)


# For the review: how many contacts change in each value, with the first row as the example.
CHANGES = """
SELECT k.key, count(*), min(m.row_no) FROM {map} m CROSS JOIN LATERAL jsonb_object_keys(m.changed) k(key)
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s
  AND m.outcome = {RowOutcome.UPDATED} GROUP BY k.key"""
OUTCOMES = """
SELECT m.outcome::text, count(*) FROM {map} m
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s GROUP BY m.outcome"""


def changes(staging: Staging, *, start: int, stop: int) -> dict[str, tuple[int, int]]:
    """Changed key → (contacts, first row) in a range of rows."""
    return {key: (int(n), int(row)) for key, n, row in statements.fetch(CHANGES, staging, start=start, stop=stop)}


def outcomes(staging: Staging, *, start: int, stop: int) -> dict[str, int]:
    """Outcome letter → rows in a range of rows."""
    return {letter: int(n) for letter, n in statements.fetch(OUTCOMES, staging, start=start, stop=stop)}


# Makes the new contacts of rows [start, stop). Ids were drawn before, so no RETURNING; time is an argument.
INSERT_CONTACTS = """
INSERT INTO contact (tenant_id, id, email, email_written, phone, phone_written, external_id, first_name, last_name,
                     first_key, last_key, attributes, origin, created_at, changed_at{columns})
SELECT s.tenant_id, m.contact_id, s.email, s.email_written, s.phone, s.phone_written, s.external_id, s.first_name,
       s.last_name, s.first_key, s.last_key, s.attributes, %(origin)s, %(now)s, %(now)s{values}
FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome = {RowOutcome.CREATED}
ORDER BY m.row_no
{once}"""
# A new contact takes the status of the file, or of its address where that is stricter (contacts.consent.address_status); it
# is active where neither says anything.
_SAID_STATUS = "coalesce(m.changed -> '{channel}_status' ->> {Side.AFTER}, s.settings ->> '{channel}_status')"
_NEW_STATUS = (
    ", {channel}_status, {channel}_status_at, {channel}_status_reason",
    fill(
        ", coalesce({status}, 'active'), CASE WHEN {status} <> 'active' THEN "
        "coalesce((s.settings ->> 'happened')::timestamptz, %(now)s) END, "
        "CASE WHEN {status} <> 'active' "
        "THEN coalesce(m.changed -> '{channel}_status' ->> {StatusPart.NEW_REASON}, %(reason)s) END",
        status=_SAID_STATUS,
    ),
)


def insert_contacts(staging: Staging, rules: Rules, *, careful: bool, **values: Any) -> int:
    """Write the contacts to be created; `start`, `stop`, `origin`, `reason`, `now`. Returns how many. The careful way leaves
    out those whose external ID was taken since the plan; else it raises IntegrityError."""
    parts = ["", ""]
    if rules.statuses:
        parts = ["".join(fill(part, channel=channel) for channel in channel_status.ORDERS) for part in _NEW_STATUS]
    statement = fill(INSERT_CONTACTS, columns=parts[0], values=parts[1])
    return statements.run(statements.once(statement, careful=careful), staging, **values)


# Writes what changes in the matched contacts of rows [start, stop), as the diff has worked it out; locks those contacts
# until the unit commits. An external ID only fills a gap. Other forms of a value follow it.
UPDATE_CONTACTS = """
UPDATE contact c SET
  external_id = coalesce(c.external_id, s.external_id), {columns}, {attributes}, changed_at = %(now)s{more}
FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome = {RowOutcome.UPDATED}
  AND c.tenant_id = %(tenant)s AND c.id = m.contact_id"""
_NEW_VALUE = "{column} = CASE WHEN jsonb_exists(m.changed, '{key}') THEN s.{column} ELSE c.{column} END"
# A status that somebody has set since the plan was made stays: it may be stricter than what the file says.
_STILL = (
    "jsonb_exists(m.changed, '{channel}_status') "
    "AND c.{channel}_status = m.changed -> '{channel}_status' ->> {Side.BEFORE}"
)
_CHANGED_STATUS = fill(
    """,
  {channel}_status = CASE WHEN {still} THEN m.changed -> '{channel}_status' ->> {Side.AFTER} ELSE c.{channel}_status END,
  {channel}_status_at = CASE WHEN {still}
    THEN coalesce((s.settings ->> 'happened')::timestamptz, %(now)s) ELSE c.{channel}_status_at END,
  {channel}_status_reason = CASE WHEN {still}
    THEN coalesce(m.changed -> '{channel}_status' ->> {StatusPart.NEW_REASON}, %(reason)s)
    ELSE c.{channel}_status_reason END""",
    still=_STILL,
)
# Only whom the plan has found deleted: who was deleted since stays so.
_REVIVED = """,
  deleted_at = CASE WHEN jsonb_exists(m.changed, 'deleted') THEN NULL ELSE c.deleted_at END,
  deleted_reason = CASE WHEN jsonb_exists(m.changed, 'deleted') THEN NULL ELSE c.deleted_reason END"""


def update_contacts(staging: Staging, rules: Rules, **values: Any) -> int:
    """Write the contacts to be changed; `start`, `stop`, `reason`, `now`. Returns how many."""
    columns = ", ".join(
        fill(_NEW_VALUE, column=column, key=key) for key, form in COMPANIONS.items() for column in (key, form)
    )
    replaced = "attributes = (c.attributes || {given}) - coalesce({cleared}, '{}')"
    more = (
        "".join(fill(_CHANGED_STATUS, channel=channel) for channel in channel_status.ORDERS) if rules.statuses else ""
    )
    attributes = _strict(replaced if rules.overwrite else "attributes = s.attributes || {kept}", rules)
    more += _REVIVED if rules.revive else ""
    statement = fill(UPDATE_CONTACTS, columns=columns, attributes=attributes, more=more)
    return statements.run(statement, staging, **values)


# Contacts of rows [start, stop) whose address or number is on the blacklist get no messages. The reason says what they were.
BLACKLISTED = """
UPDATE contact c SET {channel}_status = 'blacklisted', {channel}_status_at = %(now)s,
  {channel}_status_reason = CASE c.{channel}_status WHEN 'active' THEN %(active)s ELSE %(not_confirmed)s END
FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s
  AND m.outcome IN ({RowOutcome.CREATED}, {RowOutcome.UPDATED})
  AND c.tenant_id = %(tenant)s AND c.id = m.contact_id AND c.{channel}_status IN ('active', 'not_confirmed')
  AND EXISTS (SELECT 1 FROM blacklist_entry b
    WHERE b.tenant_id = %(tenant)s AND b.kind = '{channel}' AND b.value = c.{channel})"""
ANY_BLACKLISTED = """
SELECT EXISTS (SELECT 1 FROM blacklist_entry b WHERE b.tenant_id = %(tenant)s AND b.kind = '{channel}')"""


def suppress_contacts(staging: Staging, **values: Any) -> None:
    """Apply the blacklists to what was written; `start`, `stop`, `now`."""
    for channel in channel_status.ORDERS:
        if statements.fetch(fill(ANY_BLACKLISTED, channel=channel), staging)[0][0]:
            statements.run(fill(BLACKLISTED, channel=channel), staging, **values, **blacklist.REASON)


# Notes when the contacts of rows [start, stop) were made or changed; the time is the one that the contacts carry.
NOTE_CHANGES = """
INSERT INTO contact_change (tenant_id, at, contact_id)
SELECT m.tenant_id, %(now)s, m.contact_id FROM {map} m
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s
  AND m.outcome IN ({RowOutcome.CREATED}, {RowOutcome.UPDATED})
ORDER BY m.contact_id
{once}"""


def note_changes(staging: Staging, *, careful: bool, **values: Any) -> None:
    """Add to the order of changes; `start`, `stop`, `now`."""
    if statements.run(statements.once(NOTE_CHANGES, careful=careful), staging, **values):
        change_log.note_batch(now=values["now"])
