"""Contacts that come directly, many at a time, without a file: the road of imports in one transaction.

Cleaning, identity, consent, segments and visitors are those of imports (imports.pipeline.unit_work): the same functions on
the same staging tables, which live and die in the transaction. It holds the write lock from the first look at the contacts
to the commit, so that nothing can overtake its plan, and it waits for no import: while one writes, `Held` says so.

What is different: there is no review, no undo and no list of rows; each item gets its own answer instead.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.conf import settings as django_settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contacts import change_queue, contact_limit, write_lock
from contacts import staging as tables
from contacts.identity import queries as identity_queries
from contacts.identity import resolver
from contacts.models import Attribute
from contacts.staging import RowOutcome, Staging
from contacts.statements import fetch
from contacts.values import channel_status
from contacts.values.parsers import BadValue
from contacts.values.types import SYSTEM
from imports.cleaning import cells, json_items, row_setting_cells, row_settings
from imports.cleaning.cells import Column
from imports.cleaning.json_items import SEGMENTS, CleanedItems, Note
from imports.cleaning.row_cleaner import Cleaner
from imports.cleaning.row_setting_cells import PROPERTIES, Names
from imports.cleaning.row_settings import RowSettings
from imports.mapping import guess
from imports.options import BadOption, Options
from imports.pipeline import queries
from imports.problems import catalogue
from segments import member_edits, membership
from segments.models import Segment
from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tracking import imported_events, source_names, visitors

MAX_ITEMS = 5_000
# Up to so many are looked up one by one, whatever the planner believes. Of more, to read a workspace once is no disaster,
# and to compare each with each would be slow.
FEW = 200
# More segments than these in one call are a mistake of the caller.
MAX_NAMED_SEGMENTS = 200
ORIGIN = "api"

Outcome = Literal["created", "updated", "unchanged", "duplicate", "skipped", "error"]
_OUTCOMES: dict[str, Outcome] = {
    RowOutcome.CREATED: "created",
    RowOutcome.UPDATED: "updated",
    RowOutcome.UNCHANGED: "unchanged",
}


@dataclass
class Answer:
    """What became of an item: a duplicate was joined into another item, whose contact, if any, it has. `problems` of an item
    that is in error or was skipped say why; those of others are warnings. `changed` says what an item that came alone has
    changed (contacts.values.value_changes)."""

    index: int
    outcome: Outcome = "error"
    contact_id: int | None = None
    problems: list[Note] = field(default_factory=list)
    changed: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """Answers in the order of the items, and how many events were stored, and were known before."""

    answers: list[Answer]
    events: int = 0
    events_known: int = 0


def upsert(items: Sequence[Mapping[str, Any]], options: Options) -> Result:
    """Make or change the contacts of up to MAX_ITEMS items: {field: value}, by the keys of imports.mapping's targets.

    Runs in the caller's transaction, which must end soon. Raises write_lock.Held, and BadOption: a segment of the settings
    is dynamic, or the items name too many.
    """
    if len(items) > MAX_ITEMS:
        raise BadOption(f"{len(items):,} items are too many for one call. The limit is {MAX_ITEMS:,}.")
    staging, rules = Staging(current_tenant(), None), _Rules.of_today(items, options)
    cleaned = json_items.clean(items, prefix=f"{staging.tenant_id}\t", cleaner_of=rules.cleaner_of)
    if not cleaned.lines:
        return Result(_answers(len(items), cleaned, []))
    write_lock.lock_when_free()
    identity_queries.disable_seqscan()
    if len(items) <= FEW:
        identity_queries.disable_set_joins()
    tables.create(staging)
    tables.copy_rows(staging, "".join(cleaned.lines))
    tables.settle(staging)
    tables.analyze(staging, "row")
    policy = rules.policy()
    _plan(staging, policy, cleaned, attributes=rules.given, required=rules.required, stop=len(items))
    events = _write(staging, policy, rules, stop=len(items))
    answers = _answers(len(items), cleaned, fetch(OUTCOMES, staging))
    if len(answers) == 1 and answers[0].outcome == "updated":
        answers[0].changed = queries.sample(staging, 0)
    tables.drop(staging)
    return Result(answers, *events)


@dataclass(frozen=True)
class _Rules:
    """What of the workspace and of the settings decides how items are read, and which fields the items have."""

    options: Options
    tenant: Tenant
    attributes: Mapping[str, Attribute]
    names: Names
    keys: frozenset[str]
    today: str

    @classmethod
    def of_today(cls, items: Sequence[Mapping[str, Any]], options: Options) -> "_Rules":
        keys = frozenset(key for item in items for key in item)
        dynamic = _refuse_segments(items, options)
        known = source_names.names() if not keys.isdisjoint(row_settings.SETTINGS) else {}
        own = {a.key: a for a in Attribute.objects.filter(archived_at=None)}
        return cls(
            options=options,
            tenant=Tenant.objects.get(pk=current_tenant()),
            attributes=own,
            names=Names(**known, dynamic=dynamic),
            keys=keys,
            today=timezone.now().date().isoformat(),
        )

    @property
    def required(self) -> list[str]:
        """Fields without which no contact is made."""
        return sorted(key for key, attribute in self.attributes.items() if attribute.required)

    @property
    def given(self) -> frozenset[str]:
        """Attributes that the items have."""
        return cells.attributes(key for key in self.keys if self._is_known(key))

    def policy(self) -> resolver.Policy:
        order = self.options.identifiers(self.tenant.identifier_order)
        of_rows = not self.keys.isdisjoint(row_settings.SETTINGS) or self.options.task == "messages"
        used = tuple(name for name in order if name in self.keys)
        return self.options.policy(used, settings=of_rows, chosen="contact_id" in self.keys)

    def cleaner_of(self, header: Sequence[str]) -> tuple[Cleaner, Sequence[str]]:
        """The cleaner of items with these keys, and those of the keys that are no field."""
        unknown = [key for key in header if not self._is_known(key)]
        columns = [self._column(i, "skip" if key in unknown else key) for i, key in enumerate(header)]
        options = self.options
        cleaner = Cleaner(
            columns,
            width=len(header),
            region=options.country or self.tenant.country or None,
            bad_value=options.bad_value,
            blank=options.blank,
            identifiers_used=options.identifiers(self.tenant.identifier_order),
            extras=RowSettings(columns, task=options.task, event_name=options.event_name, names=self.names),
        )
        return cleaner, unknown

    def _is_known(self, key: str) -> bool:
        task = row_settings.TASKS[self.options.task]
        if "." in key and key not in row_settings.SETTINGS:
            return bool(task.kind) and (key == PROPERTIES or (key in task.targets and key != "event.property"))
        return key in self.attributes or key in SYSTEM or key in guess.CORE_TARGETS or key in row_settings.SETTINGS

    def _column(self, index: int, key: str) -> Column:
        own = self.attributes.get(key)
        zone = self.options.zone or (self.tenant.time_zone if self.tenant.time_zone != "UTC" else "")
        return Column(
            index=index,
            name=key,
            target=key,
            type=own.type if own else SYSTEM[key].type if key in SYSTEM else "text",
            options=(own.options or None) if own else None,
            zone=zone,
            strict=self.tenant.strict_values,
            required=own.required if own else False,
            region=own.region if own else "",
            latest=self.today if key == "birthday" else "",
        )


def _refuse_segments(items: Sequence[Mapping[str, Any]], options: Options) -> set[str]:
    """The dynamic ones among the segments that items name: nobody can be added to them. Raises BadOption."""
    named = set[str]()
    for value in [item[SEGMENTS] for item in items if SEGMENTS in item]:
        try:
            named.update(row_setting_cells.segment_names(json_items.cell(SEGMENTS, value)))
        except BadValue:  # told with the item
            continue
    if len(named) > MAX_NAMED_SEGMENTS:
        raise BadOption(f"The items name {len(named)} segments. The limit is {MAX_NAMED_SEGMENTS}.")
    wanted = {*named, *options.segments}
    dynamic = set(Segment.objects.dynamic().filter(name__in=wanted).values_list("name", flat=True)) if wanted else set()
    for name in sorted(dynamic.intersection(options.segments)):
        raise BadOption(catalogue.sentence("segment_not_static", name=name))
    return dynamic


def _plan(
    staging: Staging,
    policy: resolver.Policy,
    cleaned: CleanedItems,
    *,
    attributes: Collection[str],
    required: Sequence[str],
    stop: int,
) -> None:
    """Find out what becomes of each row, as imports do from their phase MATCH to DIFF."""
    span = {"start": 0, "stop": stop}
    resolver.choose(staging, policy)
    resolver.match(staging, policy, **span)
    for name in policy.identifiers:
        resolver.find_repeats(staging, name)
    resolver.resolve(staging, policy, key=django_settings.SECRET_KEY)
    for row_no, missing in fetch(INCOMPLETE, staging, required=list(required)) if required else ():
        cleaned.refuse(row_no, *(Note(key, "required_empty", None, {}) for key in missing))
    _refuse_too_many(staging, cleaned)
    with_address = resolver.diff(staging, policy, attributes=attributes, **span)
    tables.analyze(staging, "map")
    visitors.match(staging, kept=policy.kept)
    for channel, order in channel_status.ORDERS.items():
        key = f"{channel}_status"
        if policy.settings and policy.consent == "stricter":
            for row_no, said, contact_id, status in queries.kept_statuses(staging, key, order=order, **span):
                cleaned.note(row_no, Note(key, "status_kept", said, {"contact": contact_id, "status": status}))
        if with_address:
            for row_no, value, status in queries.statuses_with_address(staging, channel, **span):
                cleaned.note(row_no, Note(channel, "status_of_address", value, {"status": status}))


# New contacts without a value that the workspace requires are not made; who sends only a change need not send it.
INCOMPLETE = """
WITH gone AS (
  DELETE FROM {map} m USING {row} s
  WHERE m.tenant_id = %(tenant)s AND m.outcome = {RowOutcome.CREATED} AND s.tenant_id = %(tenant)s AND s.row_no = m.row_no
    AND NOT jsonb_exists_all(s.attributes, %(required)s::text[])
  RETURNING s.row_no, s.attributes)
SELECT g.row_no, ARRAY(SELECT k FROM unnest(%(required)s::text[]) k WHERE NOT jsonb_exists(g.attributes, k)) FROM gone g"""
CREATED = "SELECT count(*) FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.outcome = {RowOutcome.CREATED}"
TOO_MANY = """
DELETE FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.outcome = {RowOutcome.CREATED} RETURNING m.row_no"""


def _refuse_too_many(staging: Staging, cleaned: CleanedItems) -> None:
    """Where the new contacts of the items are more than the workspace may have, none is made; known ones are changed."""
    ((created,),) = fetch(CREATED, staging)
    if most := contact_limit.over(created):
        for (row_no,) in fetch(TOO_MANY, staging):
            cleaned.refuse(row_no, Note("", "contact_limit", None, {"limit": most}))


# What became of each row: (row, outcome, contact, code of what held it back, other contact, row that it was joined into).
OUTCOMES = """
SELECT m.row_no, m.outcome::text, m.contact_id, NULL, NULL::bigint, NULL::integer FROM {map} m WHERE m.tenant_id = %(tenant)s
UNION ALL
SELECT h.row_no, NULL, h.contact_id, h.code, h.other_id, NULL FROM {hit} h
WHERE h.tenant_id = %(tenant)s AND h.code IS NOT NULL
UNION ALL
SELECT l.row_no, NULL, NULL, NULL, NULL, l.winner FROM {loser} l WHERE l.tenant_id = %(tenant)s"""
CONTACTS = """
SELECT m.contact_id FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.outcome = ANY(%(outcomes)s::"char"[])"""


def _write(staging: Staging, policy: resolver.Policy, rules: _Rules, *, stop: int) -> tuple[int, int]:
    """Write the contacts, members, what they did and visitors, and tell who follows them; returns (events stored, known)."""
    options, now = rules.options, timezone.now()
    span: dict[str, Any] = {"start": 0, "stop": stop}
    if any(resolver.apply(staging, policy, origin=ORIGIN, reason=ORIGIN, now=now, **span)):
        write_lock.bump_version()
        _tell(staging, "contact", RowOutcome.CREATED, RowOutcome.UPDATED)
    if options.segments or SEGMENTS in rules.keys:
        _add_members(staging, options.segments, now=now, stop=stop)
    visitors.claim(staging, now=now, **span)
    happened = parse_datetime(options.happened) or now
    acts = 0
    if options.action_created or options.action_existing or "row.action" in rules.keys:
        for kind, names in options.source_names().items():
            for name in sorted(names):
                source_names.ensure(kind, name)
        acts = imported_events.act(
            staging, **span, created=options.action_created, existing=options.action_existing,
            endpoint=options.endpoint, touchpoint=options.touchpoint or source_names.touchpoint_of(options.endpoint),
            happened=happened, now=now,
        )  # fmt: skip
    stored, known = 0, 0
    if options.task != "contacts":
        given = options.happened or now.isoformat()  # an event without an ID or a time is that of this call
        stored, known = imported_events.record(staging, **span, happened=happened, given=given)
    if acts or stored:
        _tell(staging, "event")
    return stored, known


def _add_members(staging: Staging, names: Sequence[str], *, now: datetime, stop: int) -> None:
    """Put the contacts of the rows into the segments of the settings, and into those that the rows name."""
    everybody = membership.all_named(names)
    named = membership.all_named(queries.named_segments(staging))
    if membership.add(staging, everybody, named=bool(named), start=0, stop=stop, now=now):
        member_edits.note_sizes(sorted({*everybody, *named}), now=now)
        _tell(staging, "segment")


def _tell(staging: Staging, cause: change_queue.Cause, *outcomes: RowOutcome) -> None:
    """Let dynamic segments look at the contacts of rows with these outcomes, or of all."""
    wanted = [outcome.value for outcome in outcomes or RowOutcome]
    change_queue.add([row[0] for row in fetch(CONTACTS, staging, outcomes=wanted)], cause)


def _answers(count: int, cleaned: CleanedItems, rows: Sequence[tuple[Any, ...]]) -> list[Answer]:
    """An answer for each item, by what OUTCOMES has of the rows."""
    answers = [Answer(index) for index in range(count)]
    winners = dict[int, int]()
    for row_no, outcome, contact_id, code, other_id, winner in rows:
        answer = answers[row_no]
        if winner is not None:
            winners[row_no] = winner
        elif code is None:
            answer.outcome, answer.contact_id = _OUTCOMES[outcome], contact_id
        else:
            facts = {"contact": contact_id, "other": other_id}
            answer.outcome = "skipped" if code in resolver.SKIPS else "error"
            answer.problems.append(Note("", code, None, {k: v for k, v in facts.items() if v is not None}))
    for row_no, winner in winners.items():
        answers[row_no].contact_id = answers[winner].contact_id
        answers[row_no].outcome = "duplicate"
        answers[row_no].problems.append(Note("", "duplicate_of_item", None, {"index": winner}))
    for place, notes in cleaned.notes.items():
        answers[place].problems += notes
    return answers
