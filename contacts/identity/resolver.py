"""Who is who. Rows of one import become contacts here and nowhere else (docs/identity.md has the rules by number).

The steps, each called in a transaction of its own by `imports.pipeline.unit_work`:

1. `match` and `find_repeats`, side by side: rows against contacts, rows against rows;
2. `resolve`: one contact or one verdict for every row; the caller sees then whether contacts have changed meanwhile;
3. `diff`: what each matched row would change; nothing of the contacts has been written up to here;
4. `apply`: contacts are written, a range of rows at a time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from contacts import staging as tables
from contacts.consent import address_status
from contacts.identity import aliases, exclusions, match_query, queries, upsert
from contacts.identity.in_file_duplicates import InFileGroups, group
from contacts.staging import RowOutcome, Staging
from contacts.values.columns import IDENTIFIERS

# Verdicts that put a row in error, and those that leave it out on purpose.
CONFLICTS = frozenset({"ambiguous_match", "shared_identifier", "duplicate_in_file", "unknown_contact"})
SKIPS = frozenset({"contact_deleted", "contact_suppressed", "mode_create_only", "mode_update_only"})


@dataclass(frozen=True)
class Policy:
    """What an import may do to contacts. `identifiers` decide who a row is, strongest first.

    `consent`: the status of a channel in the file counts where it is stricter, or always. `settings` says that rows may
    have some of their own, `chosen` that they may name their contact by our own number.
    """

    mode: Literal["create_and_update", "create_only", "update_only"] = "create_and_update"
    existing: Literal["overwrite", "only_empty"] = "overwrite"
    blank: Literal["keep", "clear"] = "keep"
    duplicates: Literal["last", "first", "error"] = "last"
    deleted: Literal["skip", "restore"] = "skip"
    consent: Literal["stricter", "file"] = "stricter"
    identifiers: Sequence[str] = IDENTIFIERS
    settings: bool = False
    chosen: bool = False

    @property
    def rules(self) -> upsert.Rules:
        """The part that the statements need."""
        return upsert.Rules(
            overwrite=self.existing == "overwrite",
            clear=self.blank == "clear",
            statuses=self.settings,
            milder=self.consent == "file",
            revive=self.deleted == "restore",
        )

    @property
    def kept(self) -> frozenset[str]:
        """Kinds of identifiers of which a contact keeps its own where a row has another one. An external ID is never
        replaced; one that decides first cannot differ, unless a person has chosen the contact."""
        if self.existing == "only_empty":
            return frozenset(IDENTIFIERS)
        return frozenset({"external_id"} if self.chosen or self.identifiers[0] != "external_id" else ())


@dataclass
class Resolved:
    """What a resolve found: rows to create, rows joined into others, rows held back by code."""

    created: int = 0
    duplicates: int = 0
    held_back: dict[str, int] = field(default_factory=dict)

    @property
    def conflicts(self) -> int:
        return sum(n for code, n in self.held_back.items() if code in CONFLICTS)

    @property
    def skipped(self) -> int:
        return sum(n for code, n in self.held_back.items() if code in SKIPS)


def choose(staging: Staging, policy: Policy, *, again: bool = False) -> None:
    """Rows that name a contact by what it was known by before, and rows for which a person has chosen one. Runs before the
    matching; `again` when it is not the first one."""
    queries.resolve_aliases(staging, policy.identifiers, revive=policy.deleted == "restore", again=again)
    if policy.chosen:
        queries.choose(staging)


def match(staging: Staging, policy: Policy, *, start: int, stop: int) -> None:
    """Rules 1 to 3: find the contact that each row [start, stop) points at."""
    queries.set_work_mem(128)
    if policy.identifiers and queries.has_contacts(staging):  # without any, a person has chosen all contacts
        revive = policy.deleted == "restore"
        # Where rows say more about themselves, or known contacts are left alone, every row is looked at later.
        plain = not (policy.settings or policy.chosen or policy.mode == "create_only")
        changes = upsert.changes_something(policy.rules) if plain else ""
        match_query.match(staging, policy.identifiers, changes=changes, start=start, stop=stop, revive=revive)


def find_repeats(staging: Staging, kind: str) -> None:
    """Rule 4, first half: rows that share an identifier of this kind with another row."""
    queries.set_work_mem(128)
    queries.find_repeats(staging, kind)


def resolve(staging: Staging, policy: Policy, *, key: str) -> Resolved:
    """Rules 4 and 6: join rows of one person, hold back what must not be written, draw ids for new contacts.

    `key` is the secret of the suppression digests. Nothing is locked: the caller checks under the write lock whether the
    contacts are still what they were (rule 8).
    """
    queries.set_work_mem(256)
    tables.analyze(staging, "hit", "map", "repeat")
    if policy.deleted == "restore":
        exclusions.refuse_revived_twice(staging)
    if queries.find_same_contact(staging):
        tables.analyze(staging, "repeat")
    grouping = group(queries.repeats(staging), duplicates=policy.duplicates, order=policy.identifiers)
    _note(staging, grouping, policy)
    if policy.deleted == "skip":
        exclusions.skip_deleted(staging)
    exclusions.skip_suppressed(staging, key=key)
    exclusions.skip_by_mode(staging, policy.mode)
    if policy.settings:
        address_status.note_said(staging)
    tables.analyze(staging, "hit", "loser")
    created = queries.plan_creates(staging)
    tables.analyze(staging, "map")
    return Resolved(created=created, duplicates=len(grouping.losers), held_back=exclusions.counts_by_code(staging))


def _note(staging: Staging, grouping: InFileGroups, policy: Policy) -> None:
    tables.add(staging, "loser", {"row_no": "integer", "winner": "integer"}, sorted(grouping.losers.items()))
    tables.analyze(staging, "loser")
    queries.forget_losers(staging)
    queries.note_hits(staging, grouping.notes())
    if grouping.losers:
        queries.merge_losers(staging, last_wins=policy.duplicates == "last")
        if policy.settings:
            queries.merge_settings(staging, last_wins=policy.duplicates == "last")


def overtaken(staging: Staging, *, since: datetime) -> bool:
    """Rule 8: whether contacts that the rows are about were changed since a moment, so that a plan is not true any more."""
    return queries.overtaken(staging, since=since)


def diff(staging: Staging, policy: Policy, *, attributes: Collection[str], start: int, stop: int) -> int:
    """Rules 5 and 9: map the matched rows [start, stop) to what they would change in their contacts, and all that bring an
    address to the status that is known for it; returns how many statuses come with addresses. `attributes`: all that rows
    may have."""
    upsert.plan_updates(staging, policy.rules, attributes=sorted(attributes), start=start, stop=stop)
    return address_status.plan(staging, milder=policy.consent == "file", start=start, stop=stop)


def planned(staging: Staging, *, start: int, stop: int) -> dict[str, Any]:
    """What the diff found in a range: {"updated", "unchanged", "changes": {key: [contacts, example row]}}."""
    outcomes = upsert.outcomes(staging, start=start, stop=stop)
    changed = {key: list(pair) for key, pair in upsert.changes(staging, start=start, stop=stop).items()}
    return {
        "updated": outcomes.get(RowOutcome.UPDATED, 0),
        "unchanged": outcomes.get(RowOutcome.UNCHANGED, 0),
        "changes": changed,
    }


def reached(staging: Staging, *, start: int, stop: int) -> dict[str, int]:
    """Outcomes of a range of rows that are not written: {"unchanged", "duplicates", "skipped"}."""
    skipped, duplicates = exclusions.held_back(staging, codes=sorted(SKIPS), start=start, stop=stop)
    unchanged = upsert.outcomes(staging, start=start, stop=stop).get(RowOutcome.UNCHANGED, 0)
    return {"unchanged": unchanged, "duplicates": duplicates, "skipped": skipped}


@dataclass(frozen=True)
class Planned:
    """What a plan has found in a range of rows, as far as it spares the writing some questions."""

    statuses: bool = True  # some of the import's contacts get a status
    updates: bool = True
    duplicates: bool = True


def apply(
    staging: Staging,
    policy: Policy,
    *,
    start: int,
    stop: int,
    origin: str,
    reason: str = "import",
    now: datetime,
    since: datetime | None = None,
    planned: Planned = Planned(),
    careful: bool = True,
) -> tuple[int, int]:
    """Write the contacts of rows [start, stop); returns (created, updated). `reason` (StatusReason) is what a status that
    the rows say gets. With `since`, when others have written contacts
    since the plan, statuses that they set from then on go with their addresses, too. Not `careful`: raises IntegrityError
    where somebody has taken an external ID since the plan."""
    span = {"start": start, "stop": stop}
    if planned.updates:
        aliases.note_replaced(staging, now=now, **span)
    if planned.duplicates:
        aliases.note_joined(staging, now=now, **span)
    rules = replace(policy.rules, statuses=policy.settings or planned.statuses)
    said: dict[str, Any] = {"reason": reason, "now": now}
    created = upsert.insert_contacts(staging, rules, **span, **said, origin=origin, careful=careful)
    updated = upsert.update_contacts(staging, rules, **span, **said)
    if since:
        take_late(staging, policy, since=since, now=now, **span)
    upsert.suppress_contacts(staging, start=start, stop=stop, now=now)
    upsert.note_changes(staging, **span, now=now, careful=careful)
    return created, updated


def take_late(
    staging: Staging, policy: Policy, *, since: datetime, now: datetime, start: int = 0, stop: int = 2**31 - 1
) -> None:
    """Rule 9 for what nobody could plan: statuses that others set since a moment go with the addresses of these rows."""
    milder = policy.consent == "file"
    address_status.take_late(staging, milder=milder, since=since, start=start, stop=stop, now=now)
