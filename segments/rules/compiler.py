"""A rule as a condition in the database: one Q, which lists, counts, exports and segments wrap.

Values are read again by the rules of imports, whoever has written the rule: what an address contains is a claim.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch

from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from contacts.extensions import problem_sentence, rule_lists
from contacts.values.types import BadValue
from segments.models import Member, Segment
from segments.rules import activity_conditions, operators, rule_fields
from segments.rules.activity_conditions import BadActivity
from segments.rules.operators import OPERATORS, EvaluationTime
from segments.rules.rule_fields import RuleField
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InList, InSegment, Node, RuleError, parse
from tenants.isolation.context import current_tenant
from tenants.models import Tenant

NOBODY = Q(pk__in=[])
MOST = 500
_NEEDED = {"nothing": (0, 0), "one": (1, 1), "days": (1, 1), "two": (2, 2), "many": (1, 50)}


@dataclass(frozen=True)
class Context:
    """What a rule is compiled with. `inside`: the segments whose rules contain it, to find those that ask each other."""

    clock: EvaluationTime
    subjects: Mapping[str, RuleField]
    region: str | None
    inside: frozenset[int] = frozenset()
    of: Sequence[int] | None = None  # the only contacts that are asked for, unless it is all of them
    # How many conditions there are, those of segments that are asked for included: a few rules that ask for each other
    # several times could otherwise make one of millions.
    spent: list[int] = field(default_factory=lambda: [0])

    def spend(self, path: tuple[int, ...]) -> None:
        """Count one condition. Raises RuleError when there are too many."""
        self.spent[0] += 1
        if self.spent[0] > MOST:
            raise RuleError(
                f"Together with the segments it refers to, this rule has more than {MOST} conditions. Remove some.",
                path,
            )


def context(*, inside: int | None = None) -> Context:
    """That of the current workspace, now. `inside`: the segment whose rule it is."""
    workspace = Tenant.objects.get(pk=current_tenant())
    clock = EvaluationTime(timezone.now(), workspace.time_zone)
    within = frozenset() if inside is None else frozenset({inside})
    return Context(clock, rule_fields.everything(), workspace.country or None, within)


def compile_rule(rule: Group, scope: Context | None = None) -> Q:
    """The contacts that a rule means; one without conditions means nobody. Raises RuleError."""
    return compile_part(rule, scope or context())


def compile_part(part: Node, scope: Context) -> Q:
    """The same for a part of a rule, alone."""
    return compile_node(part, replace(scope, spent=[0]), ())


def join(match: str, parts: Sequence[Q]) -> Q:
    """The contacts that all, any or none of the parts mean; without parts nobody."""
    if not parts:
        return NOBODY
    whole = parts[0]
    for part in parts[1:]:
        whole = whole & part if match == "all" else whole | part
    return ~whole if match == "none" else whole


@singledispatch
def compile_node(node: Node, scope: Context, path: tuple[int, ...]) -> Q:
    """One part of a rule. What is not known is an error: a condition left out would let everybody in."""
    raise TypeError(f"no condition: {node!r}")


@compile_node.register
def _(node: Group, scope: Context, path: tuple[int, ...]) -> Q:
    return join(node.match, [compile_node(part, scope, (*path, i)) for i, part in enumerate(node.parts)])


@compile_node.register
def _(node: FieldCondition, scope: Context, path: tuple[int, ...]) -> Q:
    scope.spend(path)
    subject, operator = scope.subjects.get(node.key), OPERATORS.get(node.op)
    if subject is None:
        raise RuleError(f"The field {node.key} does not exist. Choose another one.", path)
    if operator is None or subject.kind not in operator.kinds:
        raise RuleError(f"“{subject.label}” does not support this condition.", path)
    least, most = _NEEDED[operator.takes]
    if not least <= len(node.values) <= most:
        raise RuleError(_missing(operator.takes), path)
    wanted = [_read(subject, operator, value, scope.region, path) for value in node.values]
    if operator.takes == "two" and len({value.startswith("--") for value in wanted}) > 1:
        raise RuleError("Enter both days with a year, or both without one.", path)
    return operators.where(subject, node.op, wanted, scope.clock, of=scope.of)


@compile_node.register
def _(node: ActivityCondition, scope: Context, path: tuple[int, ...]) -> Q:
    scope.spend(path)
    return activity_conditions.where(checked(node, path), scope.clock, of=scope.of)


@compile_node.register
def _(node: InList, scope: Context, path: tuple[int, ...]) -> Q:
    scope.spend(path)
    known = rule_lists().get(node.kind)
    contacts = known.contacts(node.list_id, of=scope.of) if known else None
    if contacts is None:
        raise RuleError(f"This {node.kind} no longer exists. Choose another one.", path)
    return Q(pk__in=contacts) if node.op == "in" else ~Q(pk__in=contacts)


@compile_node.register
def _(node: InSegment, scope: Context, path: tuple[int, ...]) -> Q:
    scope.spend(path)
    segment = Segment.objects.filter(pk=node.segment_id).first()
    if segment is None:
        raise RuleError("This segment no longer exists. Choose another one.", path)
    if segment.archived_at is not None:
        raise RuleError(f"The segment {segment.name} was deleted. Restore it or choose another one.", path)
    if segment.pk in scope.inside:
        raise RuleError(f"{segment.name} refers to itself.", path)
    members = _members(segment, scope, path)
    return members if node.op == "in" else ~members


def _members(segment: Segment, scope: Context, path: tuple[int, ...]) -> Q:
    if segment.rule is not None:
        inline = _by_rule(segment, scope, path)
        if segment.refreshed_at is None:  # not built yet
            return inline
    members = Member.objects.filter(segment_id=segment.pk)
    if scope.of is not None:
        members = members.filter(contact_id__in=RawSQL("SELECT unnest(%s::bigint[])", [list(scope.of)]))
    return Q(pk__in=members.values("contact_id"))


def _by_rule(segment: Segment, scope: Context, path: tuple[int, ...]) -> Q:
    """Whom the rule of a segment means, read even where its members are stored: it may refer back to the one that asks."""
    try:
        return compile_node(parse(segment.rule), replace(scope, inside=scope.inside | {segment.pk}), ())
    except RuleError as problem:
        raise RuleError(f"{segment.name}: {problem.why}", path) from None


def checked(node: ActivityCondition, path: tuple[int, ...] = ()) -> ActivityCondition:
    """A condition on activity with its values in their form. Raises RuleError."""
    try:
        return activity_conditions.read(node)
    except BadActivity as problem:
        raise RuleError(str(problem), path) from None
    except BadValue as problem:
        raise RuleError(sentence(problem, "Number"), path) from None


def _read(subject: RuleField, operator: operators.Operator, typed: str, region: str | None, path: Sequence[int]) -> str:
    if not typed.strip():
        raise RuleError(_missing(operator.takes), tuple(path))
    try:
        return operators.read(subject, operator, typed, region=region)
    except BadValue as problem:
        raise RuleError(sentence(problem, subject.label), tuple(path)) from None


def _missing(takes: str) -> str:
    return {"days": "Enter a number of days.", "two": "Enter a start and an end date."}.get(takes, "Enter a value.")


def sentence(problem: BadValue, label: str) -> str:
    """Why a value is none, in words."""
    return problem_sentence()(problem.code, column=label, **problem.facts)
