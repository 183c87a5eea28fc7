"""Consent belongs to the address, not only to the contact (identity, rule 9).

Whoever comes to have an e-mail address or a phone number that they did not have takes the strictest status that is known for
it in the workspace: of any contact that has it, living or deleted, and of any that had it when it was replaced there. Nobody
is written to because an address wandered to another contact.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from contacts import change_log, statements, value_state, write_lock
from contacts.models import Alias, Contact, StatusReason
from contacts.staging import Staging
from contacts.values import channel_status, value_changes
from tenants.isolation.statements import fetch, fill

# The reason that a status carries which came with the address.
REASON = StatusReason.ADDRESS.value

ANY = """
SELECT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.{channel}_status <> 'active')
    OR EXISTS (SELECT 1 FROM alias a WHERE a.tenant_id = %(tenant)s AND a.kind = '{channel}' AND a.status IS NOT NULL)
    OR EXISTS (SELECT 1 FROM {repeat} r WHERE r.tenant_id = %(tenant)s AND r.kind = '{channel}_status')"""
# `w` has the values asked for and, as `id`, whose they would be: what that contact itself is says nothing about the address.
KNOWN = """
  SELECT x.id, max(x.place) AS place FROM (
    SELECT w.id, array_position({order}, c.{channel}_status::text) AS place FROM wanted w JOIN contact c
      ON c.tenant_id = %(tenant)s AND c.{channel} = w.value AND c.{channel}_status <> 'active' AND c.id <> w.id
    UNION ALL
    SELECT w.id, array_position({order}, a.status) FROM wanted w JOIN alias a
      ON a.tenant_id = %(tenant)s AND a.kind = '{channel}' AND a.value = w.value AND a.status IS NOT NULL) x
  GROUP BY x.id"""

# --- what an import plans and writes ------------------------------------------------------------------------------------

# The strictest status that a file gives an address that is in several of its rows: {repeat} gets it for each of
# them, so that it reaches whoever takes the address, in whichever row. Runs once, in the resolve.
NOTE_SAID = """
INSERT INTO {repeat} (tenant_id, kind, row_no, key)
SELECT s.tenant_id, '{channel}_status', s.row_no, ({order})[d.place] FROM {row} s JOIN (
  SELECT r.{channel} AS value, max(array_position({order}, r.settings ->> '{channel}_status')) AS place FROM {row} r
  WHERE r.tenant_id = %(tenant)s AND r.{channel} IS NOT NULL GROUP BY r.{channel} HAVING count(*) > 1) d
  ON d.value = s.{channel} AND d.place > 1
WHERE s.tenant_id = %(tenant)s"""


def note_said(staging: Staging) -> int:
    """Note what the rows say of addresses that they share; returns for how many rows. For files that say statuses."""
    return sum(statements.run(_filled(NOTE_SAID, channel), staging) for channel in channel_status.ORDERS)


# Rows [start, stop) that give a contact an address which it did not have: `changed` gets the status, with REASON at its end.
# What the file itself says counts where it is stricter, or (`milder`) always. Runs once a range, after the diff.
PLAN = """
WITH wanted AS MATERIALIZED (
  SELECT m.row_no, m.contact_id AS id, s.{channel} AS value FROM {map} m
  JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
  WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND s.{channel} IS NOT NULL
    AND (m.outcome = {RowOutcome.CREATED}
      OR (m.outcome = {RowOutcome.UPDATED} AND jsonb_exists(m.changed, '{channel}'))){silent}),
known AS (SELECT y.id, max(y.place) AS place FROM ({known}
    UNION ALL
    SELECT w.id, array_position({order}, r.key) FROM wanted w JOIN {repeat} r
      ON r.tenant_id = %(tenant)s AND r.kind = '{channel}_status' AND r.row_no = w.row_no) y GROUP BY y.id)
UPDATE {map} m SET changed = coalesce(m.changed, '{}') || {entry}
FROM wanted w JOIN known k ON k.id = w.id LEFT JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = w.id
JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = w.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no = w.row_no AND k.place > coalesce(array_position({order}, coalesce(
  m.changed -> '{channel}_status' ->> {Side.AFTER}, c.{channel}_status::text, s.settings ->> '{channel}_status')), 1)"""
# With `milder`, a row that says a status itself has the last word.
_SILENT = " AND NOT coalesce(jsonb_exists(s.settings, '{channel}_status'), false)"


def plan(staging: Staging, *, milder: bool, start: int, stop: int) -> int:
    """Plan the statuses that come with addresses for rows [start, stop); returns how many."""
    planned = 0
    for channel in channel_status.ORDERS:
        if statements.fetch(fill(ANY, channel=channel), staging)[0][0]:
            made = value_changes.status(channel, "({order})[k.place]", reason="%(reason)s")
            entry = value_changes.entry(f"{channel}_status", made)
            statement = _filled(fill(PLAN, silent=_SILENT if milder else "", known=KNOWN, entry=entry), channel)
            planned += statements.run(statement, staging, start=start, stop=stop, reason=REASON)
    return planned


# Statuses that were set while an import was writing: nobody could plan for them. What imports themselves have set since, and
# what has come with an address, was known when it was planned.
SET_SINCE = """
SELECT c.{channel}, max(array_position({order}, c.{channel}_status::text)) FROM contact c
WHERE c.tenant_id = %(tenant)s AND c.{channel}_status <> 'active' AND c.{channel}_status_at >= %(since)s
  AND c.{channel} IS NOT NULL AND c.{channel}_status_reason IS DISTINCT FROM 'import'
  AND c.{channel}_status_reason IS DISTINCT FROM %(reason)s
GROUP BY c.{channel}"""
# Gives them to the contacts that rows [start, stop) have brought such an address. Locks those few contacts. The values come
# as arrays, because the planner knows how long an array is and nothing about what was set a moment ago.
LATE = """
WITH written AS (
  SELECT m.contact_id AS id, max(n.place) AS place FROM unnest(%(values)s::text[], %(places)s::integer[]) n(value, place)
  JOIN {row} s ON s.tenant_id = %(tenant)s AND s.{channel} = n.value AND s.row_no >= %(start)s AND s.row_no < %(stop)s
  JOIN {map} m ON m.tenant_id = %(tenant)s AND m.row_no = s.row_no
    AND (m.outcome = {RowOutcome.CREATED}
      OR (m.outcome = {RowOutcome.UPDATED} AND jsonb_exists(m.changed, '{channel}'))){silent}
  GROUP BY m.contact_id)
UPDATE contact c SET {channel}_status = ({order})[w.place], {channel}_status_at = %(now)s,
  {channel}_status_reason = %(reason)s
FROM written w WHERE c.tenant_id = %(tenant)s AND c.id = w.id
  AND w.place > array_position({order}, c.{channel}_status::text)"""
LATE_VALUES = 50_000


def take_late(staging: Staging, *, milder: bool, since: datetime, start: int, stop: int, now: datetime) -> None:
    """Give contacts of rows [start, stop) the statuses that their new addresses were given elsewhere since a moment."""
    for channel in channel_status.ORDERS:
        set_since = statements.fetch(_filled(SET_SINCE, channel), staging, since=since, reason=REASON)
        statement = _filled(fill(LATE, silent=_SILENT if milder else ""), channel)
        for first in range(0, len(set_since), LATE_VALUES):
            values, places = zip(*set_since[first : first + LATE_VALUES], strict=True)
            statements.run(
                statement, staging, values=list(values), places=list(places), start=start, stop=stop, now=now,
                reason=REASON,
            )  # fmt: skip


def _filled(statement: str, channel: str) -> str:
    """The statement for one channel, with its statuses from the mildest to the strictest."""
    order = "ARRAY[" + ", ".join(f"'{name}'" for name in channel_status.ORDERS[channel]) + "]"
    return fill(statement, channel=channel, order=order)


# --- every other way in which an address comes to a contact -------------------------------------------------------------

TAKE = """
WITH wanted AS MATERIALIZED (
  SELECT c.id, c.{channel} AS value FROM contact c
  WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s) AND c.deleted_at IS NULL AND c.{channel} IS NOT NULL),
known AS ({known})
UPDATE contact c SET {channel}_status = ({order})[k.place], {channel}_status_at = %(now)s,
  {channel}_status_reason = %(reason)s
FROM known k WHERE c.tenant_id = %(tenant)s AND c.id = k.id AND k.place > array_position({order}, c.{channel}_status::text)
RETURNING c.id"""

Changed = dict[str, list[list[Any]]]


def take(contact: Contact, *, now: datetime) -> Changed:
    """Give one contact the statuses known for its addresses; returns, by status, its state before and after
    (contacts.value_state). The caller has locked the contact, which is up to date afterwards, and has noted the change."""
    keys = [f"{channel}_status" for channel in channel_status.ORDERS]
    before = {key: value_state.state_of(contact, key) for key in keys}
    if not _take([contact.pk], now=now):
        return {}
    contact.refresh_from_db()
    return {
        key: [before[key], value_state.state_of(contact, key)]
        for key in keys
        if before[key] != value_state.state_of(contact, key)
    }


def take_all(contact_ids: Sequence[int], *, now: datetime) -> int:
    """The same for many contacts, which the caller has locked; notes the change of those that differ. Returns how many."""
    ids = _take(contact_ids, now=now)
    if ids:
        Contact.objects.filter(pk__in=ids).update(changed_at=now)
        change_log.note(ids, now=now)
    return len(ids)


def _take(contact_ids: Sequence[int], *, now: datetime) -> list[int]:
    changed_ids: set[int] = set()
    for channel in channel_status.ORDERS:
        rows = fetch(_filled(fill(TAKE, known=KNOWN), channel), ids=list(contact_ids), now=now, reason=REASON)
        changed_ids.update(row[0] for row in rows)
    return sorted(changed_ids)


def set_email(
    email: str, status: str, *, instead_of: Sequence[str], reason: str, but: int | None = None, now: datetime
) -> list[int]:
    """Give an e-mail address a status because its owner, or a provider, has said so: every contact that has it, living or
    deleted, but for `but`, and the aliases of those that had it, where it is one of `instead_of`. Returns whom."""
    holders = Contact.objects.filter(email=email, email_status__in=instead_of).exclude(pk=but)
    ids = list(holders.order_by("pk").select_for_update().values_list("pk", flat=True))
    told = {"email_status": status, "email_status_at": now, "email_status_reason": reason}
    Contact.objects.filter(pk__in=ids).update(**told, changed_at=now)
    known = Q(status__in=instead_of) | (Q(status=None) if "active" in instead_of else Q(pk__in=[]))
    left = {"status": None if status == "active" else status, "status_at": now, "status_reason": reason}
    Alias.objects.filter(known, kind="email", value=email).update(**left)
    if ids:
        change_log.note(ids, now=now)
        write_lock.bump_version()
    return ids
