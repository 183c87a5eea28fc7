"""What the workspace has made on the way from contacts to advertisements: how many, the latest, and what is made of what."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse

from segments.models import Purpose
from tenants.isolation.statements import fetch

LATEST = 5


@dataclass(frozen=True)
class Kind:
    """One kind of thing: its words, icon, list and page."""

    label: str
    one: str
    icon: str
    list_route: str
    route: str
    permission: str


KINDS = {
    "source": Kind("Sources", "source", "database", "sources:list", "sources:detail", "sources.view"),
    "segment": Kind("Segments", "segment", "blend", "segments:list", "segments:detail", "segments.view"),
    "lookalike": Kind(
        "Lookalikes", "lookalike", "users", "audiences:lookalikes", "audiences:lookalike", "audiences.view"
    ),
    "audience": Kind("Audiences", "audience", "target", "audiences:list", "audiences:detail", "audiences.view"),
    "sync": Kind("Data syncs", "data sync", "refresh-cw", "destinations:list", "destinations:sync", "syncs.view"),
}
# How many of each kind there are, and how many of them are new: since a moment, and in as long a time before.
COUNTS = """
SELECT m.kind, count(*), count(*) FILTER (WHERE m.created_at >= %(from)s AND m.created_at < %(until)s),
  count(*) FILTER (WHERE m.created_at >= %(since)s AND m.created_at < %(from)s) FROM (
  SELECT 'source' AS kind, s.created_at FROM source s WHERE s.tenant_id = %(tenant)s AND s.archived_at IS NULL
  UNION ALL SELECT 'segment', g.created_at FROM segment g
    WHERE g.tenant_id = %(tenant)s AND g.archived_at IS NULL AND g.purpose = %(shown)s
  UNION ALL SELECT 'lookalike', l.created_at FROM lookalike l WHERE l.tenant_id = %(tenant)s AND l.archived_at IS NULL
  UNION ALL SELECT 'audience', a.created_at FROM audience a WHERE a.tenant_id = %(tenant)s AND a.archived_at IS NULL
  UNION ALL SELECT 'sync', y.created_at FROM sync y WHERE y.tenant_id = %(tenant)s AND y.archived_at IS NULL) m
GROUP BY m.kind"""
# The latest of each kind, with what each is made of as pairs of kind and number.
NEWEST = """
(SELECT 'source', s.id, s.name, s.created_at, s.contacts, s.state, (
    SELECT coalesce(jsonb_agg(jsonb_build_array('segment', k.n)), '[]') FROM jsonb_array_elements(s.segments) k(n))
  FROM source s WHERE s.tenant_id = %(tenant)s AND s.archived_at IS NULL ORDER BY s.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'segment', g.id, g.name, g.created_at,
    CASE WHEN g.rule IS NOT NULL THEN g.size ELSE (
      SELECT count(*) FROM segment_member m WHERE m.tenant_id = %(tenant)s AND m.segment_id = g.id) END,
    g.state, '[]' FROM segment g
  WHERE g.tenant_id = %(tenant)s AND g.archived_at IS NULL AND g.purpose = %(shown)s ORDER BY g.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'lookalike', l.id, l.name, l.created_at, l.judged * l.size / 100, l.state,
    jsonb_build_array(jsonb_build_array(l.seed_kind, l.seed_id))
  FROM lookalike l WHERE l.tenant_id = %(tenant)s AND l.archived_at IS NULL ORDER BY l.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'audience', a.id, a.name, a.created_at, (
    SELECT h.size FROM segment h WHERE h.tenant_id = %(tenant)s AND h.id = a.segment_id), '',
    coalesce(a.definition -> 'include', '[]')
  FROM audience a WHERE a.tenant_id = %(tenant)s AND a.archived_at IS NULL ORDER BY a.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'sync', y.id, y.name, y.created_at, y.members, y.state,
    jsonb_build_array(jsonb_build_array(y.list_kind, y.list_id))
  FROM sync y WHERE y.tenant_id = %(tenant)s AND y.archived_at IS NULL ORDER BY y.id DESC LIMIT %(most)s)"""
# Contacts of whom a visitor is known.
PIXEL_CONTACTS = """
SELECT count(*) FROM contact_visit c WHERE c.tenant_id = %(tenant)s AND c.matched_at IS NOT NULL"""


@dataclass
class Made:
    """One thing: its name, how many contacts it has, and what it is made of."""

    kind: str
    pk: int
    name: str
    created_at: datetime
    contacts: int
    state: str
    of: list[tuple[str, int]] = field(default_factory=list)
    chain: str = ""  # what it is made of in words, from the first to itself

    @property
    def url(self) -> str:
        return reverse(KINDS[self.kind].route, args=[self.pk])

    @property
    def about(self) -> Kind:
        return KINDS[self.kind]


def counts(*, since: datetime, begin: datetime, until: datetime) -> dict[str, tuple[int, int, int]]:
    """Kind → how many there are, are new in [begin, until), and were new in [since, begin)."""
    rows = fetch(COUNTS, **{"from": begin}, since=since, until=until, shown=Purpose.SEGMENT)
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}


def pixel_contacts() -> int:
    """How many contacts visitors turned out to be."""
    return int(fetch(PIXEL_CONTACTS)[0][0])


def newest() -> dict[str, list[Made]]:
    """The latest of each kind, each with what it is made of as far as that is among them."""
    by_kind: dict[str, list[Made]] = {kind: [] for kind in KINDS}
    for kind, pk, name, created_at, contacts, state, of in fetch(NEWEST, most=LATEST, shown=Purpose.SEGMENT):
        pairs = [(str(one[0]), int(one[1])) for one in _read(of)]
        by_kind[kind].append(Made(kind, pk, name, created_at, int(contacts or 0), state, pairs))
    known = {(one.kind, one.pk): one for made in by_kind.values() for one in made}
    for one in known.values():
        one.chain = " → ".join(reversed(_names(one, known)))
    return by_kind


def _names(one: Made, known: dict[tuple[str, int], Made]) -> list[str]:
    """Its name, and those of the first thing that each is made of."""
    names, seen = [one.name], {(one.kind, one.pk)}
    while parent := next((known[key] for key in one.of if key in known and key not in seen), None):
        names.append(parent.name)
        seen.add((parent.kind, parent.pk))
        one = parent
    return names


def links(by_kind: dict[str, list[Made]]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """((column, place), (column, place)) of what is made of what, both among the latest."""
    places = {
        (one.kind, one.pk): (column, place)
        for column, made in enumerate(by_kind.values())
        for place, one in enumerate(made)
    }
    pairs: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    for made in by_kind.values():
        for one in made:
            for key in one.of:
                if key in places:
                    pairs[places[key]].add(places[one.kind, one.pk])
    return [(source, target) for source, targets in sorted(pairs.items()) for target in sorted(targets)]


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
