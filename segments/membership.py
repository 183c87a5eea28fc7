"""Who is in a segment; and members of static ones, written in bulk."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from contacts import statements
from contacts.identity import revert
from contacts.models import Contact
from contacts.staging import Staging
from segments.models import Member, Segment
from segments.rules import compiler
from segments.rules.tree import RuleError, parse
from tenants.isolation import statements as tenant_statements

# What statements ask of members.
ANALYZED = "segment_member (tenant_id, segment_id, contact_id)"


def learn(changed: int) -> None:
    """Let the planner know of so many members that came or went, once they are committed, if they are many."""
    if changed >= tenant_statements.LARGE:
        transaction.on_commit(lambda: tenant_statements.analyze(ANALYZED))


class NotStatic(ValueError):
    """Nobody can be added to a segment with a rule. The argument is a sentence for the person."""


# Adds the contacts of rows [start, stop) that an import has created or found; members already there stay as they are. They
# are looked for first: to run into each of them costs three times as much.
ADD = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at, import_id)
SELECT m.tenant_id, g.id, m.contact_id, %(now)s, %(import_id)s FROM unnest(%(segments)s::bigint[]) g(id) CROSS JOIN {map} m
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND NOT EXISTS (
  SELECT 1 FROM segment_member x
  WHERE x.tenant_id = %(tenant)s AND x.segment_id = g.id AND x.contact_id = m.contact_id OFFSET 0)
{once}"""
# The same for the segments that rows name themselves.
ADD_NAMED = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at, import_id)
SELECT m.tenant_id, g.id, m.contact_id, %(now)s, %(import_id)s
FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
CROSS JOIN LATERAL jsonb_array_elements_text(s.settings -> 'segments') n(name)
JOIN segment g ON g.tenant_id = %(tenant)s AND g.name = n.name AND g.rule IS NULL AND g.archived_at IS NULL
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND s.settings IS NOT NULL
ON CONFLICT DO NOTHING"""


def add(
    staging: Staging,
    segments: Sequence[int],
    *,
    named: bool,
    start: int,
    stop: int,
    now: datetime,
    careful: bool = True,
) -> int:
    """Add the contacts of a range of rows to static segments, and with `named` also to those that the rows name; returns
    how many are new in one. Not `careful`: raises IntegrityError where somebody adds one of them at this moment."""
    span = {"start": start, "stop": stop, "now": now, "import_id": staging.import_id}
    everybody = statements.once(ADD, careful=careful)
    added = statements.run(everybody, staging, segments=list(segments), **span) if segments else 0
    return added + (statements.run(ADD_NAMED, staging, **span) if named else 0)


def named(name: str) -> Segment:
    """The static segment of that name, made when it does not exist. Raises NotStatic."""
    segment: Segment = Segment.objects.present().get_or_create(name=name)[0]
    if segment.rule is not None:
        raise NotStatic(f"{name} is a dynamic segment. Its rule decides which contacts it contains.")
    return segment


def all_named(names: Collection[str]) -> list[int]:
    """The static segments of these names, made where they do not exist; their numbers. Raises NotStatic."""
    present = Segment.objects.present().filter(name__in=names)
    missing = set(names).difference(present.values_list("name", flat=True))
    if missing:
        Segment.objects.bulk_create([Segment(name=name) for name in sorted(missing)], ignore_conflicts=True)
    found = list(present.order_by("pk"))
    for segment in found:
        if segment.rule is not None:
            raise NotStatic(f"{segment.name} is a dynamic segment. Its rule decides which contacts it contains.")
    return [segment.pk for segment in found]


def contacts(segment: Segment) -> Any:
    """The living contacts that are in a segment: a query. Until a dynamic one has been built, they are found by its rule."""
    if segment.rule is None or segment.refreshed_at is not None:
        ids = Member.objects.filter(segment_id=segment.pk).values("contact_id")
        return Contact.objects.living().filter(pk__in=ids)
    return Contact.objects.living().filter(_meant(segment, compiler.context(inside=segment.pk)))


def of_contact(contact_id: int) -> list[Segment]:
    """The segments that a contact is in, by name; of those that are not built yet at most the first hundred are asked."""
    ids = list(Member.objects.filter(contact_id=contact_id).values_list("segment_id", flat=True))
    stored = Segment.objects.present().filter(Q(rule__isnull=True) | Q(refreshed_at__isnull=False), pk__in=ids)
    scope = replace(compiler.context(), of=(contact_id,))
    unbuilt = list(Segment.objects.dynamic().filter(refreshed_at=None).order_by("name")[:100])
    counts = {f"s{s.pk}": Count("pk", filter=_meant(s, replace(scope, inside=frozenset({s.pk})))) for s in unbuilt}
    said = Contact.objects.living().filter(pk=contact_id).aggregate(**counts) if counts else {}
    return sorted([*stored, *(s for s in unbuilt if said[f"s{s.pk}"])], key=lambda s: s.name)


# Segments of many contacts: one array as parameter, since to send a thousand of them costs more than to find the members.
SEGMENTS_OF = """
SELECT m.contact_id, array_agg(m.segment_id) FROM segment_member m
WHERE m.tenant_id = %(tenant)s AND m.contact_id = ANY(%(contacts)s) GROUP BY m.contact_id"""


def cells_of(contact_ids: Sequence[int]) -> dict[int, str]:
    """Contact ID → the static segments that it is in, as a cell that an import reads back: names with | between."""
    ids = dict(tenant_statements.fetch(SEGMENTS_OF, contacts=list(contact_ids)))
    wanted = {segment_id for segment_ids in ids.values() for segment_id in segment_ids}
    names = dict(Segment.objects.static().filter(pk__in=wanted).values_list("pk", "name"))
    return {
        pk: "|".join(sorted(escaped(names[i]) for i in segment_ids if i in names)) for pk, segment_ids in ids.items()
    }


def escaped(name: str) -> str:
    """The name of a segment, escaped for a list of names."""
    return name.replace("\\", "\\\\").replace("|", "\\|")


def split(text: str) -> list[str]:
    r"""The names in a list with | between them; \| is the sign itself."""
    parts = re.split(r"(?<!\\)((?:\\\\)*)\|", text)
    names = ["".join(pair) for pair in zip(parts[::2], [*parts[1::2], ""], strict=True)]
    return [re.sub(r"\\([\\|])", r"\1", name).strip() for name in names if name.strip()]


def _meant(segment: Segment, scope: compiler.Context) -> Q:
    try:
        return compiler.compile_rule(parse(segment.rule), scope)
    except RuleError:
        return compiler.NOBODY


def size(segment_id: int) -> int:
    """How many contacts are in a segment."""
    return int(Member.objects.filter(segment_id=segment_id).count())


# --- undo and redo of what an import added ---------------- ------------------------------------------------------------

# Members that an import has added, but for those that a later file lists for the same segment.
WITHDRAW = """
DELETE FROM segment_member m WHERE m.tenant_id = %(tenant)s AND m.import_id = %(import_id)s AND NOT EXISTS (
  SELECT 1 FROM {listed} l WHERE l.tenant_id = %(tenant)s AND l.contact_id = m.contact_id
  AND 'segment:' || m.segment_id = ANY (l.keys)) RETURNING m.*"""
# Contacts of an import that somebody else has put into a static segment since.
USED = """
SELECT t.tenant_id, t.contact_id FROM touched t WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s
  AND t.outcome = {RowOutcome.CREATED} AND EXISTS (
    SELECT 1 FROM segment_member m
    JOIN segment g ON g.tenant_id = %(tenant)s AND g.id = m.segment_id AND g.rule IS NULL
    WHERE m.tenant_id = %(tenant)s AND m.contact_id = t.contact_id AND m.import_id IS DISTINCT FROM %(import_id)s)"""
BRING_BACK = """
INSERT INTO segment_member
SELECT r.* FROM withdrawn w CROSS JOIN LATERAL jsonb_populate_record(NULL::segment_member, w.data) r
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = w.part
JOIN segment g ON g.tenant_id = %(tenant)s AND g.id = w.item
WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = 'member'
ON CONFLICT DO NOTHING"""


def record_used(staging: Staging) -> None:
    """Contacts of an import that are in segments by somebody else's doing."""
    revert.record_used(staging, USED, import_id=staging.import_id)


def withdraw(staging: Staging) -> int:
    """Delete the members that an import has added, archived; returns how many."""
    return revert.archive_rows(staging, "member", WITHDRAW, item="segment_id", part="contact_id")


def restore(staging: Staging) -> int:
    """Restore the members that an undo has archived, where contact and segment exist; returns how many."""
    back = statements.run(BRING_BACK, staging, import_id=staging.import_id)
    revert.forget(staging, ["member"])
    return back
