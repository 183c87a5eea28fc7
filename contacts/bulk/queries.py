"""The statements of bulk actions that the ORM cannot express. Each is above the one function that runs it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from contacts import change_queue
from contacts.models import ItemState
from core import exact_json
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, fill, run

# Notes whom an action is about; runs once, in one transaction. `{wanted}` is a query of the ORM for one column of IDs.
GATHER = """
INSERT INTO bulk_item (tenant_id, bulk_id, contact_id) SELECT {tenant}, {bulk}, w.id FROM ({wanted}) w(id)
ON CONFLICT DO NOTHING"""


def gather(bulk_id: int, wanted: Any) -> int:
    """Note the contacts of a query of IDs; returns how many."""
    sql, params = wanted.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(fill(GATHER, tenant=str(current_tenant()), bulk=str(int(bulk_id)), wanted=sql), params)
        return int(cursor.rowcount)


# Of living contacts that share a value, all but the one made first or last; of those made at the same moment the ID decides.
# Reads all contacts with such a value once.
GATHER_DUPLICATES = """
INSERT INTO bulk_item (tenant_id, bulk_id, contact_id)
SELECT %(tenant)s, %(bulk)s, d.id FROM (
  SELECT c.id, row_number() OVER (PARTITION BY c.{kind} ORDER BY c.created_at {way}, c.id {way}) AS place
  FROM contact c WHERE c.tenant_id = %(tenant)s AND c.{kind} IS NOT NULL AND c.deleted_at IS NULL) d
WHERE d.place > 1
ON CONFLICT DO NOTHING"""


def gather_duplicates(bulk_id: int, kind: str, *, keep: str) -> int:
    """Note the contacts to be removed so that one with each value is left: `keep` the "earlier" or the "later" one."""
    way = {"earlier": "ASC", "later": "DESC"}[keep]
    return run(fill(GATHER_DUPLICATES, kind=kind, way=way), bulk=bulk_id)


# Which contacts of a group of duplicates can be removed: checked again right before the removal.
STILL_DUPLICATES = """
SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s) AND c.deleted_at IS NULL AND EXISTS (
  SELECT 1 FROM contact o WHERE o.tenant_id = %(tenant)s AND o.{kind} = c.{kind} AND o.deleted_at IS NULL
  AND (o.created_at, o.id) {before} (c.created_at, c.id)) ORDER BY c.id FOR UPDATE OF c"""


def remaining_duplicates(ids: Sequence[int], kind: str, *, keep: str) -> list[int]:
    """Those of the contacts that still share their value with one that stays; locked."""
    statement = fill(STILL_DUPLICATES, kind=kind, before={"earlier": "<", "later": ">"}[keep])
    return [row[0] for row in fetch(statement, ids=list(ids))]


# What contacts were before a step changes them, and that it has done so.
NOTE = """
UPDATE bulk_item i SET state = %(done)s, before = jsonb_build_object(
  'email_status', c.email_status, 'email_status_at', c.email_status_at, 'email_status_reason', c.email_status_reason,
  'deleted_at', c.deleted_at, 'deleted_reason', c.deleted_reason)
FROM contact c
WHERE i.tenant_id = %(tenant)s AND i.bulk_id = %(bulk)s AND i.contact_id = ANY(%(ids)s)
  AND c.tenant_id = %(tenant)s AND c.id = i.contact_id"""


def note(bulk_id: int, ids: Sequence[int]) -> None:
    """Keep the state of contacts that are about to be changed. The caller has locked them."""
    run(NOTE, bulk=bulk_id, ids=list(ids), done=ItemState.DONE.value)


# Gives contacts back what a step has changed; the caller has found and locked those where it is still the step's.
RESTORE = """
UPDATE contact c SET changed_at = %(now)s, {columns} FROM bulk_item i
WHERE i.tenant_id = %(tenant)s AND i.bulk_id = %(bulk)s AND i.contact_id = ANY(%(ids)s)
  AND c.tenant_id = %(tenant)s AND c.id = i.contact_id"""
_DELETION = "deleted_at = (i.before ->> 'deleted_at')::timestamptz, deleted_reason = i.before ->> 'deleted_reason'"
_EMAIL_STATUS = """email_status = i.before ->> 'email_status', email_status_reason = i.before ->> 'email_status_reason',
  email_status_at = (i.before ->> 'email_status_at')::timestamptz"""


def restore_deletion(bulk_id: int, ids: Sequence[int], *, now: Any) -> None:
    """Contacts are deleted, or are not, as they were before."""
    run(fill(RESTORE, columns=_DELETION), bulk=bulk_id, ids=list(ids), now=now)


def restore_email_status(bulk_id: int, ids: Sequence[int], *, now: Any) -> None:
    """Contacts get the status of their e-mail address that they had before."""
    run(fill(RESTORE, columns=_EMAIL_STATUS), bulk=bulk_id, ids=list(ids), now=now)


# Gives contacts, which the caller has locked, a value of one attribute each.
GIVE_VALUE = """
UPDATE contact c SET attributes = jsonb_set(c.attributes, ARRAY[%(key)s], u.value), changed_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(values)s::jsonb[]) u(id, value)
WHERE c.tenant_id = %(tenant)s AND c.id = u.id"""


def give_value(key: str, values: Mapping[int, Any], *, now: Any) -> None:
    """Set an attribute of contacts: their IDs with its value as JSON."""
    texts = [exact_json.dumps(value) for value in values.values()]
    run(GIVE_VALUE, key=key, ids=list(values), values=texts, now=now)
    change_queue.add(values, "contact")


# What contacts were before a step has changed them, as the step itself says it.
KEEP_BEFORE = """
UPDATE bulk_item i SET before = u.before FROM unnest(%(ids)s::bigint[], %(befores)s::jsonb[]) u(id, before)
WHERE i.tenant_id = %(tenant)s AND i.bulk_id = %(bulk)s AND i.contact_id = u.id"""


def keep_before(bulk_id: int, befores: Mapping[int, Any]) -> None:
    """Store what is needed to undo a step, by contact."""
    texts = [exact_json.dumps(before) for before in befores.values()]
    run(KEEP_BEFORE, bulk=bulk_id, ids=list(befores), befores=texts)


# Searches by which somebody has chosen contacts may name them, or say how they begin.
FORGET_SELECTIONS = """
UPDATE bulk_action b SET asked = '{}' WHERE b.tenant_id = %(tenant)s
  AND (EXISTS (SELECT 1 FROM unnest(%(values)s::text[]) v WHERE strpos(lower(b.asked::text), lower(v)) > 0)
    OR length(b.asked ->> 'q') > 2
      AND EXISTS (SELECT 1 FROM unnest(%(called)s::text[]) v WHERE starts_with(lower(v), lower(b.asked ->> 'q'))))"""


def forget_selections(values: Sequence[str], called: Sequence[str]) -> None:
    """Forget whom bulk actions were about, where a search named one of the identifiers, or began like something that the
    person is called."""
    run(FORGET_SELECTIONS, values=list(values), called=list(called))


# The application role may not change the audit log; a function of the owner takes out what it says about people.
ERASE_AUDIT = "SELECT erase_from_audit(%(ids)s::bigint[], %(values)s::text[], %(called)s::text[])"


def erase_audit(ids: Sequence[int], values: Sequence[str], called: Sequence[str]) -> None:
    """Entries about these contacts, or with one of the identifiers, keep who did what and when, and nothing else; those that
    say what was searched for lose it where it is how something begins that the person is called."""
    run(ERASE_AUDIT, ids=list(ids), values=list(values), called=list(called))


# Contacts with all those that have become part of them, over any number of merges.
WITH_MERGED = """
WITH RECURSIVE part(id) AS (
  SELECT unnest(%(ids)s::bigint[])
  UNION SELECT c.id FROM part p JOIN contact c ON c.tenant_id = %(tenant)s AND c.merged_into = p.id)
SELECT id FROM part ORDER BY id"""


def with_merged(ids: Sequence[int]) -> list[int]:
    """The contacts, and those that were merged into them."""
    return [row[0] for row in fetch(WITH_MERGED, ids=list(ids))]
