"""The form of a rule: lines and groups as they are being edited, finished or not.

Each line has a path, the places of the parts from the outermost group: 0, 1, 2.0, 2.1. The names of its fields end in it,
and the browser sends them in the order of the page, so that a form without script is a rule, too. `read` and `of_rule` make
a form, `form_edits` changes it, `validate` says once and for all what it means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.http import QueryDict

from contacts.extensions import rule_lists
from core.parse import parse_id
from segments.models import Segment
from segments.rules import activity_form, compiler, rule_fields, tree
from segments.rules.activity_conditions import ACTIVITIES, COMPARISONS
from segments.rules.compiler import Context
from segments.rules.operators import of_kind
from segments.rules.rule_fields import RuleField
from segments.rules.tree import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    ActivityCondition,
    FieldCondition,
    Group,
    InList,
    InSegment,
    Node,
    RuleError,
)

MATCH_WORDS = {
    "all": ("All", "of these are true"),
    "any": ("At least one", "of these is true"),
    "none": ("None", "of these is true"),
}
SEPARATOR = "|"
_SEGMENT = "segment"


@dataclass(frozen=True)
class RuleFormLine:
    """One condition as it is being edited: what was typed. `validate` adds what it means: `node`, and `q`, the contacts that
    it means; or what is wrong with it."""

    path: str
    about: str  # attribute:city, activity:order, list:import, segment, or empty
    typed: Mapping[str, str] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()  # options that are ticked
    filters: tuple[activity_form.Typed, ...] = ()  # on properties of an activity
    subject: RuleField | None = None
    node: Node | None = None
    q: Q | None = None
    error: str = ""

    kind = "line"

    @property
    def number(self) -> str:
        """Its path as people count."""
        return number_of(self.path)

    @property
    def operators(self) -> list[Any]:
        return of_kind(self.subject.kind) if self.subject else []

    @property
    def operator(self) -> Any:
        known = {o.key: o for o in self.operators}
        return known.get(self.typed.get("op", "")) or next(iter(known.values()), None)

    @property
    def activity(self) -> Any:
        return ACTIVITIES.get(self.about.partition(":")[2]) if self.about.startswith("activity:") else None

    @property
    def comparisons(self) -> list[Any]:
        return activity_form.comparisons(self.activity) if self.activity else []

    @property
    def comparison(self) -> Any:
        return COMPARISONS.get(self.typed.get("times", "")) or next(iter(self.comparisons), None)

    @property
    def period(self) -> str:
        """The kind of its period; empty: ever."""
        return self.typed.get("period", "") or ("last" if self.typed.get("days") else "")

    @property
    def unit(self) -> str:
        return self.typed.get("unit", "") or "days"

    @property
    def part(self) -> str:
        return self.typed.get("part", "") or "month"

    @property
    def missing(self) -> str:
        """What it says of contacts without a value, or without such an event."""
        if self.activity:
            return self.comparison.missing_for(self.activity.measure) if self.comparison else ""
        return self.operator.missing_for(self.subject.kind) if self.subject and self.operator else ""

    @property
    def list_kind(self) -> str:
        """The kind of lists that it is about, such as import."""
        kind = self.about.partition(":")[2] if self.about.startswith("list:") else ""
        return kind if kind in rule_lists() else ""

    @property
    def lists(self) -> list[tuple[str, str]]:
        """The lists that it can name."""
        return [(str(key), name) for key, name in rule_lists()[self.list_kind].choices()] if self.list_kind else []

    @property
    def placeholder(self) -> str:
        """An example of a value."""
        if self.subject and self.subject.kind in ("date", "birthday", "time", "moment", "visited"):
            any_year = self.operator.key in ("on", "between")
            return "2024-05-31, or --05-31 for any year" if any_year else "2024-05-31"
        return "one value, or several: a | b" if self.operator and self.operator.takes == "many" else ""

    @property
    def ticks(self) -> bool:
        """Whether the values are chosen by ticks: few options, of which one can say each."""
        return bool(self.subject and 0 < len(self.subject.options) <= 12 and self.operator.takes == "many")


@dataclass(frozen=True)
class RuleFormGroup:
    """One group as it is being edited."""

    path: str
    match: str
    parts: tuple["RuleFormLine | RuleFormGroup", ...] = ()

    kind = "block"

    @property
    def number(self) -> str:
        """Its path as people count."""
        return number_of(self.path)

    @property
    def words(self) -> tuple[str, str]:
        return MATCH_WORDS[self.match]

    @property
    def deep(self) -> bool:
        return self.path.count(".") + 2 + (self.path != "") > MAX_DEPTH


Part = RuleFormLine | RuleFormGroup


def number_of(path: str) -> str:
    """A path as people count: 1.0 is 2.1."""
    return ".".join(str(int(n) + 1) for n in path.split(".")) if path else ""


@dataclass(frozen=True)
class RuleForm:
    """What a form means, once it has been validated. `rule`: its finished lines, None without one; `q`: the contacts that
    they mean; `problem`: what is wrong with the rule as a whole, whose lines may all be right."""

    top: RuleFormGroup
    rule: Group | None
    q: Q
    scope: Context
    problem: str = ""

    @cached_property
    def lines(self) -> tuple[RuleFormLine, ...]:
        """All lines, from top to bottom."""
        return tuple(lines(self.top))

    @property
    def unfinished(self) -> int:
        """How many lines are no condition yet."""
        return sum(1 for line in self.lines if line.node is None)

    @property
    def complete(self) -> bool:
        """Whether every line is a condition, there is one, and together they are a rule."""
        return self.rule is not None and not self.unfinished and not self.problem


# --- from a form, and from a rule ---------------------------------------------------------------------------------------


def read(given: QueryDict) -> RuleFormGroup:
    """What a form says."""
    groups: dict[str, tuple[str, list[Any]]] = {"": (_match(given, ""), [])}
    # No form has more, so what it leads to is no rule that a form has made.
    room = {"about": MAX_CONDITIONS, "match": MAX_CONDITIONS * (MAX_DEPTH - 1)}
    for name in given:
        head, _colon, path = name.partition(":")
        parent = groups.get(path.rpartition(".")[0]) if path and room.get(head) else None
        if parent is None or (head == "match" and path.count(".") + 2 > MAX_DEPTH):
            continue
        room[head] -= 1
        if head == "match":
            groups[path] = (_match(given, path), [])
        parent[1].append(groups[path] if head == "match" else _line(given, path))
    return numbered(_group(groups[""]))


def read_line(given: QueryDict, path: str, scope: Context) -> RuleFormLine:
    """One line alone, with what it is about."""
    return _about(_line(given, path), scope)


def of_rule(rule: Group | None) -> RuleFormGroup:
    """A rule as a form that can be edited; without one, a group with one empty line."""
    if rule is None:
        return RuleFormGroup("", "all", (RuleFormLine("0", ""),))
    return numbered(_of_group(rule, rule_fields.everything()))


def numbered(group: RuleFormGroup, path: str = "") -> RuleFormGroup:
    """The same, with the paths that follow from the places of the parts."""
    parts: list[Part] = []
    for i, part in enumerate(group.parts):
        inner = f"{path}.{i}" if path else str(i)
        parts.append(numbered(part, inner) if isinstance(part, RuleFormGroup) else replace(part, path=inner))
    return replace(group, path=path, parts=tuple(parts))


def lines(group: RuleFormGroup) -> list[RuleFormLine]:
    """All lines of a form, from top to bottom."""
    return [line for p in group.parts for line in (lines(p) if isinstance(p, RuleFormGroup) else [p])]


def is_begun(group: RuleFormGroup) -> bool:
    """Whether there is a finished line in a validated group."""
    return any(line.node is not None for line in lines(group))


def _group(read: tuple[str, list[Any]]) -> RuleFormGroup:
    match, parts = read
    return RuleFormGroup("", match, tuple(p if isinstance(p, RuleFormLine) else _group(p) for p in parts))


def _match(given: QueryDict, path: str) -> str:
    match = given.get(f"match:{path}", "all")
    return match if match in MATCH_WORDS else "all"


_FIELDS = ("op", "value", "segment", "list", *activity_form.FIELDS)


def _line(given: QueryDict, path: str) -> RuleFormLine:
    typed = {name: given.get(f"{name}:{path}", "").replace("\x00", "").strip()[:1_000] for name in _FIELDS}
    rows = (given.getlist(f"{name}:{path}") for name in ("property", "compare", "against"))
    chosen = tuple(given.getlist(f"option:{path}")[:50])
    return RuleFormLine(path, given.get(f"about:{path}", "")[:80], typed, chosen, activity_form.filters(*rows))


def _of_group(group: Group, known: Mapping[str, RuleField]) -> RuleFormGroup:
    parts = tuple(_of_group(p, known) if isinstance(p, Group) else _of_node(p, known) for p in group.parts)
    return RuleFormGroup("", group.match, parts)


def _of_node(node: Node, known: Mapping[str, RuleField]) -> RuleFormLine:
    if isinstance(node, InSegment):
        return RuleFormLine("", _SEGMENT, {"op": node.op, "segment": str(node.segment_id)})
    if isinstance(node, InList):
        return RuleFormLine("", f"list:{node.kind}", {"op": node.op, "list": str(node.list_id)})
    if isinstance(node, ActivityCondition):
        typed, filters = activity_form.typed(node)
        return RuleFormLine("", f"activity:{node.what}", typed, filters=filters)
    assert isinstance(node, FieldCondition)
    subject = known.get(node.key)
    values = list(node.values)
    line = RuleFormLine("", f"attribute:{node.key}", {"op": node.op}, subject=subject)
    if subject and line.ticks:
        return replace(line, chosen=tuple(values))
    if subject and line.operator.takes == "two":
        said = {"value": values[0], "until": values[1]} if len(values) == 2 else {}
    else:
        said = {"value": f" {SEPARATOR} ".join(values)}
    return replace(line, typed={**line.typed, **said})


# --- validated ------------------------------------------------------------------------------------------------------------


def validate(top: RuleFormGroup, scope: Context) -> RuleForm:
    """What a form means. Every line is read and compiled once; what is wrong with one is noted there."""
    scope = replace(scope, spent=[0])
    top, rule, q = _validated_group(top, scope)
    if rule is None:
        return RuleForm(top, None, compiler.NOBODY, scope)
    try:
        tree.check_size(rule)
    except RuleError as problem:
        return RuleForm(top, rule, compiler.NOBODY, scope, problem.why)
    return RuleForm(top, rule, q, scope)


def _validated_group(group: RuleFormGroup, scope: Context) -> tuple[RuleFormGroup, Group | None, Q]:
    """The group with its validated lines, its finished lines as a part of a rule, and the contacts that they mean."""
    parts: list[Part] = []
    nodes: list[Node] = []
    meant: list[Q] = []
    for part in group.parts:
        validated, node, q = _validated(part, scope)
        parts.append(validated)
        if node is not None and q is not None:
            nodes.append(node)
            meant.append(q)
    rule = Group(group.match, tuple(nodes)) if nodes else None
    return replace(group, parts=tuple(parts)), rule, compiler.join(group.match, meant)


def _validated(part: Part, scope: Context) -> tuple[Part, Node | None, Q | None]:
    if isinstance(part, RuleFormGroup):
        return _validated_group(part, scope)
    line = _validated_line(part, scope)
    return line, line.node, line.q


def _about(line: RuleFormLine, scope: Context) -> RuleFormLine:
    head, _colon, key = line.about.partition(":")
    return replace(line, subject=scope.subjects.get(key) if head == "attribute" else None)


def _validated_line(line: RuleFormLine, scope: Context) -> RuleFormLine:
    line = _about(line, scope)
    try:
        node = _node(line)
        tree.check_size(Group("all", (node,)))
        return replace(line, node=node, q=compiler.compile_node(node, scope, ()))
    except RuleError as problem:
        return replace(line, error=problem.why)


def _node(line: RuleFormLine) -> Node:
    typed = line.typed
    if line.about == _SEGMENT:
        return InSegment(parse_id(typed.get("segment", "")) or 0, _in(typed))
    if line.list_kind:
        return InList(line.list_kind, parse_id(typed.get("list", "")) or 0, _in(typed))
    if line.activity:
        return compiler.checked(activity_form.node(line.activity, typed, line.filters))
    if line.subject is None:
        raise RuleError("Choose a field, an activity or a segment.")
    return FieldCondition(line.subject.key, line.operator.key, _values(line))


def _values(line: RuleFormLine) -> tuple[str, ...]:
    takes, typed = line.operator.takes, line.typed
    if takes == "nothing":
        return ()
    if line.ticks:
        return tuple(line.chosen)
    if takes == "two":
        return (typed.get("value", ""), typed.get("until", ""))
    if takes == "many":
        return tuple(part.strip() for part in typed.get("value", "").split(SEPARATOR) if part.strip())
    return (typed.get("value", ""),)


def _in(typed: Mapping[str, str]) -> str:
    return "not_in" if typed.get("op") == "not_in" else "in"


# --- what a line can be about -----------------------------------------------------------------------------------------


def choices(scope: Context) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a line can be about, in groups."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for subject in scope.subjects.values():
        groups.setdefault(subject.group, []).append((f"attribute:{subject.key}", subject.label))
    groups["Activity"] = [(f"activity:{a.key}", a.label) for a in ACTIVITIES.values()]
    lists = [(f"list:{kind}", known.LABEL) for kind, known in rule_lists().items()]
    groups["Segments and lists"] = [(_SEGMENT, "Segment"), *lists]
    return list(groups.items())


def segments(*, but: int | None = None) -> list[tuple[str, str]]:
    """The segments that a line can name: all but the one that is being edited."""
    others = Segment.objects.present().exclude(pk=but).order_by("name")[:500]
    return [(str(s.pk), s.name) for s in others]
