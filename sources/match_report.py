"""Which contacts of a source met a visitor, by what, since when, and what they are worth (docs/sources.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from contacts.models import Contact
from contacts.values.columns import IDENTIFIERS
from sources.models import Source, SourceMember
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, fill, run
from tenants.models import Tenant

# Contacts that one step compares.
STEP = 100_000
# The value score has 100 points: for the last visit (none after so many days), for visits, for the amount of orders.
RECENCY_POINTS, FREQUENCY_POINTS, AMOUNT_POINTS = 40, 30, 30
RECENCY_DAYS, MOST_VISITS = 180, 10
# The share of matched people with orders below whose amount everybody has all points for it.
TOP_SHARE = 0.9

NEXT = """
SELECT max(p.contact_id) FROM (
  SELECT m.contact_id FROM source_member m WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s
    AND m.contact_id > %(after)s ORDER BY m.contact_id LIMIT %(step)s) p"""
# The members (after, last], by what their visitors add up to (tracking.contact_visits): the strongest identifier, since
# when, and the points but for orders. Writes only those that differ.
MATCH = """
WITH judged AS (
  SELECT m.contact_id, w.matched_by AS kind, w.matched_at AS at, round(
    %(recency)s * greatest(0, 1 - extract(epoch FROM %(now)s - w.last_seen) / (86400.0 * %(days)s))
    + %(frequency)s * least(1, w.visits / %(most)s::numeric))::smallint AS score
  FROM source_member m LEFT JOIN contact_visit w ON w.tenant_id = %(tenant)s AND w.contact_id = m.contact_id
  WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.contact_id > %(after)s AND m.contact_id <= %(last)s)
UPDATE source_member m SET matched_by = j.kind, matched_at = j.at, score = j.score, amount = NULL
FROM judged j WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.contact_id = j.contact_id
  AND (m.matched_by, m.matched_at, m.score, m.amount) IS DISTINCT FROM (j.kind, j.at, j.score, NULL)"""
# Members that were just written are unknown to the planner, which takes them for one and would look through all others for
# each of a hundred thousand. Until the end of the transaction.
HASH_JOINS = "SET LOCAL enable_nestloop = off"


def match_step(source: Source, *, now: datetime) -> bool:
    """Compare the next members with the visitors; moves the cursor, returns whether there are more."""
    run(HASH_JOINS)
    last = fetch(NEXT, source=source.pk, after=source.cursor, step=STEP)[0][0]
    if last is None:
        return False
    run(
        MATCH, source=source.pk, after=source.cursor, last=last, now=now, days=RECENCY_DAYS, recency=RECENCY_POINTS,
        frequency=FREQUENCY_POINTS, most=MOST_VISITS,
    )  # fmt: skip
    source.cursor = last
    return True


# The currency in which most orders of matched people are: amounts in others cannot be added to it.
CURRENCY = """
SELECT coalesce(e.properties ->> 'currency', '') FROM event e WHERE e.tenant_id = %(tenant)s AND e.kind = 'order'
  AND jsonb_typeof(e.properties -> 'amount') = 'number' AND (e.site_id IS NULL OR %(claimed)s)
GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"""
AMOUNTS = """
WITH ordered AS (
  SELECT coalesce(e.contact_id, v.contact_id) AS contact_id, sum((e.properties ->> 'amount')::numeric) AS amount
  FROM event e LEFT JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = e.visitor_id
  WHERE e.tenant_id = %(tenant)s AND e.kind = 'order' AND jsonb_typeof(e.properties -> 'amount') = 'number'
    AND coalesce(e.properties ->> 'currency', '') = %(currency)s AND (e.site_id IS NULL OR %(claimed)s)
  GROUP BY 1)
UPDATE source_member m SET amount = o.amount FROM ordered o
WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.contact_id = o.contact_id AND m.matched_by IS NOT NULL"""
SCORES = """
WITH top AS (
  SELECT percentile_disc(%(share)s) WITHIN GROUP (ORDER BY m.amount) AS amount FROM source_member m
  WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.amount > 0)
UPDATE source_member m SET score = m.score + round(%(points)s * least(1, m.amount / t.amount))
FROM top t WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.amount > 0 AND t.amount > 0"""


def add_amounts(source: Source) -> str:
    """Add what matched people ordered to their scores; returns the currency. Runs once, after the last step."""
    claimed = Tenant.objects.get(pk=current_tenant()).count_claimed_orders
    found = fetch(CURRENCY, claimed=claimed)
    if not found:
        return ""
    currency: str = found[0][0]
    if run(AMOUNTS, source=source.pk, currency=currency, claimed=claimed):
        run(SCORES, source=source.pk, share=TOP_SHARE, points=AMOUNT_POINTS)
    return currency


# --- figures ------------------------------------------------------------------------------------------------------------

COUNTS = """
SELECT coalesce(m.matched_by, ''), count(*), count(c.external_id), count(c.email), count(c.phone)
FROM source_member m JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = m.contact_id AND c.deleted_at IS NULL
WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s GROUP BY 1"""
# Contacts that somebody has yet to tell apart from others (sources.ambiguities).
UNCLEAR = """
SELECT (k ->> 'contact')::bigint FROM ambiguity a CROSS JOIN LATERAL jsonb_array_elements(a.candidates) k
WHERE a.tenant_id = %(tenant)s AND a.visitor_id IS NOT NULL AND a.state <> 'decided'"""
AMBIGUOUS = """
SELECT count(*) FROM source_member m WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.matched_by IS NULL
  AND m.contact_id IN ({unclear})"""
# Matched people by the day on which they were first matched; days without any are left out.
GROWTH = """
SELECT m.matched_at::date, count(*) FROM source_member m
WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.matched_by IS NOT NULL GROUP BY 1 ORDER BY 1"""
MOST_POINTS = 120


def figures(source: Source) -> dict[str, Any]:
    """What is shown of a source, counted from its members: values of `contacts`, `matched`, `ambiguous`, `report`, `growth`.

    `report` has, by identifier, how many were matched by it (`matched`) and how many have one (`have`).
    """
    rows = fetch(COUNTS, source=source.pk)
    report = _by_kind(rows)
    return {
        "contacts": sum(row[1] for row in rows),
        "matched": sum(report["matched"].values()),
        "ambiguous": int(fetch(fill(AMBIGUOUS, unclear=UNCLEAR), source=source.pk)[0][0]),
        "report": report,
        "growth": thinned([(day.isoformat(), count) for day, count in fetch(GROWTH, source=source.pk)]),
    }


def thinned(days: Sequence[tuple[str, int]]) -> list[list[Any]]:
    """(day, matched so far), at most MOST_POINTS of them, the last one always."""
    total, points = 0, []
    for day, count in days:
        total += count
        points.append([day, total])
    step = -(-len(points) // MOST_POINTS) or 1
    return points[::-1][::step][::-1]


def page_of(source: Source, *, after: int, count: int, matched: bool) -> list[tuple[SourceMember, Contact | None]]:
    """The next members behind a contact's ID, that are matched or are not, with their contacts (None: deleted since)."""
    members = SourceMember.objects.filter(source_id=source.pk, contact_id__gt=after, matched_by__isnull=not matched)
    page = list(members.order_by("contact_id")[:count])
    contacts = Contact.objects.living().in_bulk([m.contact_id for m in page])
    return [(m, contacts.get(m.contact_id)) for m in page]


def sample(source: Source, *, after: int, count: int, matched: bool) -> list[tuple[SourceMember, Contact]]:
    """The same without deleted contacts."""
    rows = page_of(source, after=after, count=count, matched=matched)
    return [(member, contact) for member, contact in rows if contact is not None]


@dataclass(frozen=True)
class Part:
    """One of the figures that add up to the contacts of a source: by an identifier, ambiguous, not seen."""

    key: str
    label: str
    icon: str
    tone: str
    count: int
    note: str


_NAMES = {"external_id": ("External ID", "id-card"), "email": ("E-mail", "mail"), "phone": ("Phone", "phone")}


def parts(source: Source) -> list[Part]:
    """The figures of a source's report, which add up to its contacts."""
    return _parts(source.contacts, source.ambiguous, source.report)


def _parts(contacts: int, ambiguous: int, report: Mapping[str, Any]) -> list[Part]:
    matched, have = report.get("matched", {}), report.get("have", {})
    by = [
        Part(kind, *_NAMES[kind], "who", matched.get(kind, 0), f"of {have.get(kind, 0):,} that have one")
        for kind in IDENTIFIERS
    ]
    if other := sum(count for kind, count in matched.items() if kind not in _NAMES):
        by.append(Part("other", "Other evidence", "link", "who", other, "links and decisions of members"))
    unseen = contacts - sum(part.count for part in by) - ambiguous
    return [
        *by,
        Part("ambiguous", "Ambiguous", "", "warn", ambiguous, "matched to no one"),
        Part("unseen", "Not seen", "", "", unseen, "no visitor so far"),
    ]


# The same for an import that is no source: asked when its page is open.
OF_IMPORT = """
WITH own AS (
  SELECT c.id, c.external_id, c.email, c.phone FROM (
    SELECT t.contact_id FROM touched t WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s
    UNION
    SELECT unnest(l.contact_ids) FROM import_listing l WHERE l.tenant_id = %(tenant)s AND l.import_id = %(import_id)s) f
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = f.contact_id AND c.deleted_at IS NULL)
SELECT coalesce(w.matched_by, ''), count(*), count(o.external_id), count(o.email), count(o.phone),
  count(*) FILTER (WHERE w.matched_by IS NULL AND o.id IN ({unclear}))
FROM own o LEFT JOIN contact_visit w ON w.tenant_id = %(tenant)s AND w.contact_id = o.id GROUP BY 1"""


def of_import(import_id: int) -> list[Part]:
    """The figures of an import's contacts, which add up to those that are not deleted."""
    rows = fetch(fill(OF_IMPORT, unclear=UNCLEAR), import_id=import_id)
    return _parts(sum(row[1] for row in rows), sum(row[5] for row in rows), _by_kind(rows))


def _by_kind(rows: Sequence[tuple[Any, ...]]) -> dict[str, dict[str, int]]:
    return {
        "matched": {row[0]: row[1] for row in rows if row[0]},
        "have": {kind: sum(row[2 + place] for row in rows) for place, kind in enumerate(IDENTIFIERS)},
    }


# --- lookalikes ---------------------------------------------------------------------------------------------------------

# What a lookalike needs before it learns anything (audiences.lookalikes): members, and others to tell them from.
LEAST_MEMBERS, LEAST_OTHERS = 100, 100


def lookalike_signals(source: Source) -> list[tuple[str, int, int]]:
    """(of what, how much there is, how much is needed): contacts of the source, and others."""
    everybody = Contact.objects.aggregate(n=Count("pk", filter=Q(deleted_at=None)))["n"]
    return [
        ("contacts to resemble", source.contacts, LEAST_MEMBERS),
        ("other contacts to search", max(everybody - source.contacts, 0), LEAST_OTHERS),
    ]
