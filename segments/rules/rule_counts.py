"""How many contacts a rule and each line of its form mean, and some of them.

A figure counts for some seconds, by the JSON of its condition: a line is counted once, not at every change of another one.
What takes too long is estimated from a sample of the contacts at first; the page then asks for the exact figures.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, Value
from django.db.models.expressions import RawSQL

from contacts import figures_cache
from contacts.models import Contact
from core import formatting
from segments.rules import compiler, contact_sample, rule_form, tree
from segments.rules.contact_sample import Sample
from segments.rules.rule_form import RuleForm, RuleFormGroup
from segments.rules.tree import Group, InList, InSegment, Node
from tenants.isolation.statements import TookTooLong, time_limit

# How long the exact figures may take before they are estimated, and how long when the page asks for them alone.
QUICK, PATIENT = 150, 10_000
SAMPLE = 5
# How long a figure counts; one about members of segments and lists, which change without a new version of the contacts.
KEPT_SECONDS, MEMBERS_SECONDS = 30, 5
SAMPLED_SECONDS, SLOW_SECONDS = 120, 600
_WHOLE = "whole"


@dataclass(frozen=True)
class Figure:
    """A number of contacts. `step`: for so many contacts each one of a sample stands, from which it is estimated."""

    number: int
    step: int = 0

    @property
    def words(self) -> str:
        if not self.step:
            return formatting.number(self.number)
        if not self.number:
            return f"fewer than {formatting.number(self.step)}"
        return f"about {formatting.number(contact_sample.rounded(self.number))}"


@dataclass(frozen=True)
class Counts:
    """Contacts that a form means (`total`), and each of its finished lines, by path; some of the contacts, newest first."""

    total: Figure = Figure(0)
    lines: Mapping[str, Figure] = field(default_factory=dict)
    some: Sequence[Contact] = ()

    @property
    def estimated(self) -> bool:
        return any(figure.step for figure in (self.total, *self.lines.values()))


def count(form: RuleForm, *, deleted: bool = False, patient: bool = False) -> Counts:
    """The figures of a form among the living or the deleted contacts: exact, unless that takes longer and there are so many
    contacts that a sample says enough. `patient`: it may take long."""
    if form.rule is None or form.problem:
        return Counts()
    sample = contact_sample.sample(deleted=deleted)
    clock = _Clock(PATIENT if patient or not sample else 0 if _is_slow() else QUICK)
    contacts = _contacts(deleted=deleted)
    conditions: dict[str, tuple[Node, Q]] = {_WHOLE: (form.rule, form.q)}
    conditions |= {
        line.path: (line.node, line.q) for line in form.lines if line.node is not None and line.q is not None
    }
    figures = {key: Figure(number) for key, number in _exact(conditions, contacts, clock, deleted=deleted).items()}
    whole = figures.get(_WHOLE)
    some = None if whole is None else _newest(form.q, contacts, clock) if whole.number else []
    if sample and (some is None or len(figures) < len(conditions)):
        if not patient:
            _is_slow(now=True)
        estimated, likely = _estimate(form, contacts, sample, deleted=deleted)
        figures, some = {**estimated, **figures}, likely if some is None else some
    return Counts(figures.pop(_WHOLE, Figure(0)), figures, some or ())


def _is_slow(*, now: bool = False) -> bool:
    """Whether exact figures took too long in the last minutes: then there is no point in trying again at every step."""
    return figures_cache.recent("rules_are_slow", lambda: now or None, seconds=SLOW_SECONDS) is True


class _Clock:
    """So much time is left for statements."""

    def __init__(self, milliseconds: int) -> None:
        self.until = time.monotonic() + milliseconds / 1000

    def left(self) -> int:
        """Milliseconds. Raises TookTooLong when there are none."""
        left = int((self.until - time.monotonic()) * 1000)
        if left <= 0:
            raise TookTooLong
        return left


def _contacts(*, deleted: bool) -> Any:
    return Contact.objects.exclude(deleted_at=None) if deleted else Contact.objects.living()


def _exact(conditions: Mapping[str, tuple[Node, Q]], contacts: Any, clock: _Clock, *, deleted: bool) -> dict[str, int]:
    """Those figures for which there is time; what was counted before takes none."""
    names = {key: _name(node, deleted=deleted) for key, (node, _q) in conditions.items()}
    qs = {names[key]: q for key, (_node, q) in conditions.items()}

    def work(unknown: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        try:
            with time_limit(clock.left()):
                for name in unknown:
                    clock.left()
                    found[name] = contacts.filter(qs[name]).count()
        except TookTooLong:
            pass  # the others are estimated
        return found

    kept = KEPT_SECONDS if not any(map(_asks_for_members, conditions.values())) else MEMBERS_SECONDS
    said = figures_cache.several(list(qs), work, while_writing=MEMBERS_SECONDS, otherwise=kept)
    return {key: said[name] for key, name in names.items() if name in said}


def _name(node: Node, *, deleted: bool) -> str:
    rule = node if isinstance(node, Group) else Group("all", (node,))
    return figures_cache.digest("rule_count", deleted, tree.dumps(rule))


def _asks_for_members(condition: tuple[Node, Q]) -> bool:
    node = condition[0]
    return isinstance(node, InSegment | InList) or (
        isinstance(node, Group) and any(isinstance(part, InSegment | InList) for part in tree.conditions(node))
    )


def _newest(q: Q, contacts: Any, clock: _Clock) -> list[Contact] | None:
    """The newest contacts that are meant; None without the time to find them."""
    try:
        with time_limit(clock.left()):
            return list(contacts.filter(q).order_by("-pk")[:SAMPLE])
    except TookTooLong:
        return None


def _estimate(
    form: RuleForm, contacts: Any, sample: Sample, *, deleted: bool
) -> tuple[dict[str, Figure], list[Contact]]:
    """All figures, from a sample of the contacts, and the newest of those in it that are meant. Which contacts of the sample
    a line means is remembered, so that of a form with one changed line only that one is looked at."""
    nodes = {line.path: line.node for line in form.lines if line.node is not None}
    names = {path: f"{_name(node, deleted=deleted)}.{sample.step}" for path, node in nodes.items()}
    everyone = figures_cache.digest("sampled", deleted, sample.step)
    by_name: dict[str, Node | None] = {everyone: None, **{names[path]: node for path, node in nodes.items()}}
    scope = replace(form.scope, of=sample.ids)

    def work(unknown: Sequence[str]) -> dict[str, frozenset[int]]:
        qs = [Q() if (node := by_name[name]) is None else compiler.compile_part(node, scope) for name in unknown]
        return dict(zip(unknown, _sampled(contacts, sample, qs), strict=True))

    meant = figures_cache.several(list(by_name), work, while_writing=MEMBERS_SECONDS, otherwise=SAMPLED_SECONDS)
    lines = {path: meant[name] for path, name in names.items()}
    whole = _combined(form.top, lines, meant[everyone])
    figures = {path: Figure(len(ids) * sample.step, sample.step) for path, ids in {**lines, _WHOLE: whole}.items()}
    return figures, list(contacts.filter(pk__in=sorted(whole)[-SAMPLE:]).order_by("-pk"))


def _sampled(contacts: Any, sample: Sample, qs: Sequence[Q]) -> list[frozenset[int]]:
    """Which contacts of the sample each condition means; one pass over them."""
    said = {f"n{i}": ExpressionWrapper(q, BooleanField()) if q else Value(True) for i, q in enumerate(qs)}
    sampled = contacts.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [sample.ids])).order_by()
    rows = list(sampled.annotate(**said).values_list("pk", *said))
    return [frozenset(row[0] for row in rows if row[i + 1]) for i in range(len(qs))]


def _combined(group: RuleFormGroup, lines: Mapping[str, frozenset[int]], everyone: frozenset[int]) -> frozenset[int]:
    """Whom a group means, by what its finished lines mean: as compiler.join combines conditions."""
    parts = [
        _combined(part, lines, everyone) if isinstance(part, RuleFormGroup) else lines[part.path]
        for part in group.parts
        if (isinstance(part, RuleFormGroup) and rule_form.is_begun(part)) or part.path in lines
    ]
    if not parts:
        return frozenset()
    if group.match == "all":
        return frozenset.intersection(*parts)
    one = frozenset().union(*parts)
    return everyone - one if group.match == "none" else one
