"""What a destination was told of whom, written before it is sent: the rows of members, and who shares an identifier.

An entry is "kind:what was sent". A member keeps its entries until a request that takes them back has been answered, also
when the contact was erased meanwhile: they are hashes, and the only way to have that person removed.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from destinations import eligibility
from destinations.normal_forms import Identifier, Person
from tenants.isolation.statements import fetch, fill, run

# Contacts by ID, those who may be sent only, with what was told of them. For the IDs of one batch.
READ = """
SELECT c.id, c.email, c.phone, c.external_id, c.first_name, c.last_name, c.country,
  c.attributes ->> 'postal_code', c.attributes ->> 'city', c.attributes ->> 'region', c.attributes ->> 'birthday',
  c.attributes ->> 'gender', c.changed_at, m.told, m.fingerprint, m.changed_at, m.told_at, m.gives
FROM unnest(string_to_array(%(ids)s, ',')::bigint[]) u(id)
CROSS JOIN LATERAL (
  SELECT k.* FROM contact k WHERE k.tenant_id = %(tenant)s AND k.id = u.id OFFSET 0) c
LEFT JOIN LATERAL (
  SELECT n.* FROM sync_member n
  WHERE n.tenant_id = %(tenant)s AND n.sync_id = %(sync)s AND n.contact_id = u.id OFFSET 0) m ON true
WHERE {permitted} ORDER BY c.id"""
# Before people are sent: who they are is one text, handed over in a tenth of the time of arrays, and read once. Those who
# never were sent come the fast way, for a first run. Of others what is known stays known; it is looked at again where
# something is left of before.
WRITE = """
WITH u AS MATERIALIZED (
  SELECT * FROM json_to_recordset(%(rows)s::json) r(id bigint, told text[], fingerprint uuid, changed_at timestamptz)),
written AS ({members})
INSERT INTO sync_key (tenant_id, sync_id, digest, contact_id)
SELECT %(tenant)s, %(sync)s, md5(e.entry)::uuid, u.id FROM u CROSS JOIN LATERAL unnest(u.told) e(entry) ORDER BY 3
ON CONFLICT DO NOTHING"""
INSERT = """
INSERT INTO sync_member (tenant_id, sync_id, contact_id, told, fingerprint, changed_at, told_at)
SELECT %(tenant)s, %(sync)s, u.id, u.told, u.fingerprint, u.changed_at, CASE WHEN u.told <> '{}' THEN %(now)s END
FROM u ON CONFLICT DO NOTHING"""
UPDATE = """
UPDATE sync_member m SET
  told = ARRAY(SELECT DISTINCT e FROM unnest(m.told || u.told) e), fingerprint = u.fingerprint,
  told_at = CASE WHEN u.told <> '{}' THEN %(now)s ELSE m.told_at END,
  changed_at = CASE WHEN ARRAY(SELECT e FROM unnest(m.told) e WHERE m.gives IS NULL OR e <> ALL(m.gives)) <@ u.told
    THEN u.changed_at END
FROM u WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.contact_id = u.id"""
TOUCH = """
UPDATE sync_member m SET changed_at = u.changed_at
FROM unnest(%(ids)s::bigint[], %(changed)s::timestamptz[]) u(id, changed_at)
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.contact_id = u.id"""
FORGET_STATE = """
UPDATE sync_member m SET changed_at = NULL
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.contact_id = ANY(%(ids)s::bigint[])"""

# Everything, or the entries that are named, is to be taken back of these members by a batch; an earlier one that is under
# way has nothing more to do with them.
GIVE_ALL = """
UPDATE sync_member m SET gives = m.told, batch_id = %(batch)s, changed_at = NULL, told_at = NULL
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.gives IS DISTINCT FROM m.told
  AND m.contact_id = ANY(%(ids)s::bigint[])"""
GIVE = """
UPDATE sync_member m SET gives = string_to_array(u.gives, E'\\n'), batch_id = %(batch)s, changed_at = NULL
FROM unnest(%(ids)s::bigint[], %(gives)s::text[]) u(id, gives)
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.gives IS DISTINCT FROM m.told AND m.contact_id = u.id"""
# What of it nobody else has who stays: only that is taken back.
ALONE = """
SELECT x.contact_id, array_agg(x.entry ORDER BY x.entry) FROM (
  SELECT m.contact_id, e.entry FROM sync_member m CROSS JOIN LATERAL unnest(m.gives) e(entry)
  WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.batch_id = %(batch)s
    AND m.contact_id = ANY(%(ids)s::bigint[]) OFFSET 0) x
LEFT JOIN LATERAL (
  SELECT 1 AS found FROM (
    SELECT k.contact_id FROM sync_key k WHERE k.tenant_id = %(tenant)s AND k.sync_id = %(sync)s
      AND k.digest = md5(x.entry)::uuid AND k.contact_id <> x.contact_id OFFSET 0) o
  JOIN sync_member h ON h.tenant_id = %(tenant)s AND h.sync_id = %(sync)s AND h.contact_id = o.contact_id
  WHERE h.gives IS NULL OR x.entry <> ALL(h.gives) LIMIT 1) other ON true
WHERE other.found IS NULL GROUP BY x.contact_id ORDER BY x.contact_id"""
# Once it was taken back. By OFFSET, digests are made before keys are looked for, and as the sync comes from the members, the
# planner does not believe that it has few keys: it would go through all of them for each member.
FORGET_KEYS = """
DELETE FROM sync_key k USING (
  SELECT m.sync_id, m.contact_id, md5(e.entry)::uuid AS digest
  FROM sync_member m CROSS JOIN LATERAL unnest(m.gives) e(entry)
  WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.batch_id = %(batch)s
    AND m.contact_id = ANY(%(ids)s::bigint[]) OFFSET 0) g
WHERE k.tenant_id = %(tenant)s AND k.sync_id = g.sync_id AND k.digest = g.digest AND k.contact_id = g.contact_id"""
FORGET = """
UPDATE sync_member m SET gives = NULL, batch_id = NULL,
  told = ARRAY(SELECT e FROM unnest(m.told) e WHERE e <> ALL(m.gives))
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.batch_id = %(batch)s
  AND m.contact_id = ANY(%(ids)s::bigint[])"""
FORGET_EMPTY = """
DELETE FROM sync_member m WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.told = '{}' AND m.told_at IS NULL
  AND m.contact_id = ANY(%(ids)s::bigint[])"""
# It was refused: they have it all still.
KEEP = """
UPDATE sync_member m SET gives = NULL, batch_id = NULL, changed_at = NULL
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.batch_id = %(batch)s
  AND m.contact_id = ANY(%(ids)s::bigint[])"""

FORGET_ALL = "DELETE FROM sync_member m WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s"
FORGET_ALL_KEYS = "DELETE FROM sync_key k WHERE k.tenant_id = %(tenant)s AND k.sync_id = %(sync)s"


class Told(NamedTuple):
    """A contact as it is now, and as it was told. `known_at` is when the contact had changed last as it was told; None:
    never, or what came of it is not known. `given`: entries that are being taken back. `is_new`: it has no row yet."""

    person: Person
    changed_at: datetime
    entries: frozenset[str]
    fingerprint: uuid.UUID | None
    known_at: datetime | None
    told_at: datetime | None
    given: frozenset[str]
    is_new: bool


def read(sync_id: int, kind: str, ids: Sequence[int], *, compared: bool = False) -> list[Told]:
    """Those of the contacts who may be sent, by ID. `compared`: a moment ago others with their addresses were asked for, so
    that only the contacts themselves are judged again."""
    judged = eligibility.permitted_by_itself if compared else eligibility.permitted
    statement = fill(READ, permitted=judged(kind, "c"))
    return [
        Told(
            Person(*row[:12]),
            row[12],
            frozenset(row[13] or ()),
            row[14],
            row[15],
            row[16],
            frozenset(row[17] or ()),
            row[13] is None,
        )
        for row in fetch(statement, sync=sync_id, ids=",".join(map(str, ids)))
    ]


def entry(identifier: Identifier) -> str:
    """An identifier as it is stored."""
    return f"{identifier.kind}:{identifier.sent}"


def identifier(stored: str) -> Identifier:
    """An entry as an identifier, of which only what was sent is known."""
    kind, _colon, sent = stored.partition(":")
    return Identifier(kind, "", "", sent)


def entries(identifiers: Iterable[Identifier], keys: frozenset[str]) -> list[str]:
    """What finds a person, as it is stored."""
    return [f"{kind}:{sent}" for kind, _value, _normal, sent in identifiers if kind in keys]


def fingerprint(identifiers: Iterable[Identifier]) -> uuid.UUID:
    """The same for the same identifiers, for nothing else."""
    text = "\n".join([f"{kind}:{sent}" for kind, _value, _normal, sent in identifiers])
    return uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16])


class Row(NamedTuple):
    """What is about to be told of a contact."""

    contact_id: int
    entries: Sequence[str]
    fingerprint: uuid.UUID
    changed_at: datetime
    is_new: bool


def write(sync_id: int, rows: Sequence[Row], *, now: datetime) -> None:
    """Note what is about to be told."""
    for wanted, members in ((True, INSERT), (False, UPDATE)):
        told = [
            {"id": contact_id, "told": entries, "fingerprint": mark, "changed_at": changed_at}
            for contact_id, entries, mark, changed_at, is_new in rows
            if is_new is wanted
        ]
        if told:
            run(fill(WRITE, members=members), sync=sync_id, rows=orjson.dumps(told).decode(), now=now)


def touch(sync_id: int, seen: Sequence[tuple[int, datetime]]) -> None:
    """Note that these contacts have changed, but nothing that is sent."""
    if seen:
        run(TOUCH, sync=sync_id, ids=[pk for pk, _at in seen], changed=[at for _pk, at in seen])


def look_again(sync_id: int, ids: Sequence[int]) -> None:
    """What the destination knows of these is not sure: they are told again, or taken out, by the next comparison."""
    run(FORGET_STATE, sync=sync_id, ids=list(ids))


def give_all(sync_id: int, ids: Sequence[int], *, batch: int) -> None:
    """Everything that was told of these is to be taken back."""
    run(GIVE_ALL, sync=sync_id, ids=list(ids), batch=batch)


def give(sync_id: int, given: Sequence[tuple[int, Sequence[str]]], *, batch: int) -> None:
    """These entries of these members are to be taken back."""
    run(GIVE, sync=sync_id, ids=[pk for pk, _e in given], gives=["\n".join(e) for _pk, e in given], batch=batch)


def alone(sync_id: int, ids: Sequence[int], *, batch: int) -> list[list[str]]:
    """Of what is to be taken back, the entries that nobody else has who stays: a list for each member that has some."""
    return [row[1] for row in fetch(ALONE, sync=sync_id, ids=list(ids), batch=batch)]


def forget(sync_id: int, ids: Sequence[int], *, batch: int) -> None:
    """It was taken back."""
    run(FORGET_KEYS, sync=sync_id, ids=list(ids), batch=batch)
    run(FORGET, sync=sync_id, ids=list(ids), batch=batch)
    run(FORGET_EMPTY, sync=sync_id, ids=list(ids))


def keep(sync_id: int, ids: Sequence[int], *, batch: int) -> None:
    """It was not taken back: the next comparison finds it again."""
    run(KEEP, sync=sync_id, ids=list(ids), batch=batch)


def forget_all(sync_id: int) -> None:
    """Forget whom a destination was told of: nobody can be taken out of it any more."""
    run(FORGET_ALL_KEYS, sync=sync_id)
    run(FORGET_ALL, sync=sync_id)
