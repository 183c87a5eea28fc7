"""What contacts were known by before: the value that another one has replaced stays an identifier of the person.

Imports, the pixel and the search find the contact by it (identity, rule 2). With an address goes whether it could be written
to when it left: consent belongs to the address (identity, rule 9).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contacts import statements, value_state
from contacts.models import Alias, Contact
from contacts.staging import Staging
from contacts.values import channel_status
from contacts.values.columns import IDENTIFIERS

# Values that rows [start, stop) replace. Runs before the contacts are written: it reads the status that the value has there.
REPLACED = """
INSERT INTO alias AS known (tenant_id, id, kind, value, contact_id, added_at, status, status_at, status_reason)
SELECT %(tenant)s, nextval('alias_id_seq'), '{kind}', c.{kind}, c.id, %(now)s,
       nullif(c.{kind}_status, 'active'), c.{kind}_status_at, c.{kind}_status_reason
FROM {map} m JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = m.contact_id
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome = {RowOutcome.UPDATED}
  AND jsonb_exists(m.changed, '{kind}') AND c.{kind} = m.changed -> '{kind}' ->> {Side.BEFORE}
ORDER BY c.id
ON CONFLICT (tenant_id, kind, value, contact_id) DO UPDATE
SET status = excluded.status, status_at = excluded.status_at, status_reason = excluded.status_reason
WHERE excluded.status IS NOT NULL"""
# Values of rows that were joined into another one which has a different value: the person has called itself that, too.
JOINED = """
INSERT INTO alias (tenant_id, id, kind, value, contact_id, added_at)
SELECT %(tenant)s, nextval('alias_id_seq'), j.kind, j.value, j.contact_id, %(now)s FROM (
  SELECT DISTINCT k.kind, k.value, m.contact_id FROM {loser} l
  JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = l.row_no
  JOIN {row} w ON w.tenant_id = %(tenant)s AND w.row_no = l.winner
  JOIN {map} m ON m.tenant_id = %(tenant)s AND m.row_no = l.winner
  CROSS JOIN LATERAL (VALUES
    ('external_id', s.external_id, w.external_id), ('email', s.email, w.email), ('phone', s.phone, w.phone)
  ) k(kind, value, winner)
  WHERE l.tenant_id = %(tenant)s AND l.row_no >= %(start)s AND l.row_no < %(stop)s AND k.value <> k.winner) j
ORDER BY j.contact_id, j.kind, j.value
ON CONFLICT DO NOTHING"""


def note_replaced(staging: Staging, *, start: int, stop: int, now: datetime) -> None:
    """Keep what the contacts of rows [start, stop) are about to lose."""
    for kind in channel_status.ORDERS:
        statements.run(statements.fill(REPLACED, kind=kind), staging, start=start, stop=stop, now=now)


def note_joined(staging: Staging, *, start: int, stop: int, now: datetime) -> None:
    """Keep what rows [start, stop), which were joined into others, have called their contacts."""
    statements.run(JOINED, staging, start=start, stop=stop, now=now)


def note(contact: Contact, before: Mapping[str, Sequence[Any]], *, now: datetime) -> None:
    """Keep identifiers that a person has replaced. `before`: states of the contact's values and statuses as they were
    (contacts.value_state); those that have not changed say nothing."""
    for kind in IDENTIFIERS:
        value = before[kind][0] if kind in before else None
        if value is None or value == getattr(contact, kind):
            continue
        status = (
            before.get(f"{kind}_status") or value_state.state_of(contact, f"{kind}_status")
            if kind in channel_status.ORDERS
            else None
        )
        silent = status if status is not None and status[0] != "active" else (None, None, None)
        told = {
            "status": silent[0],
            "status_at": datetime.fromisoformat(silent[1]) if silent[1] else None,
            "status_reason": silent[2],
        }
        Alias.objects.update_or_create(
            kind=kind, value=value, contact_id=contact.pk,
            defaults=told if told["status"] else {}, create_defaults={**told, "added_at": now},
        )  # fmt: skip
