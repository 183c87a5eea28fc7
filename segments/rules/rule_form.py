"""The form of a rule: lines and groups as they are being edited, finished or not.

Each line has a path, the places of the parts from the outermost group: 0, 1, 2.0, 2.1. The names of its fields end in it,
and the browser sends them in the order of the page, so that a form without script is a rule, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q
from django.http import QueryDict

from core.parse import parse_id
from segments.models import Segment
from segments.rules import compiler, rule_fields
from segments.rules.activity_conditions import ACTIVITIES, TIMES, WHERE
from segments.rules.compiler import Context
from segments.rules.operators import of_kind
from segments.rules.rule_fields import RuleField
from segments.rules.tree import (
    MAX_CONDITIONS,
    MAX_DAYS,
    MAX_DEPTH,
    ActivityCondition,
    FieldCondition,
    Group,
    InSegment,
    Node,
    PropertyFilter,
    RuleError,
)

MATCH_WORDS = {
    "all": ("All", "of these are true"),
    "any": ("At least one", "of these is true"),
    "none": ("None", "of these is true"),
}
SEPARATOR = "|"
_SEGMENT = "segment"


@dataclass
class RuleFormLine:
    """One condition as it is being edited: what was typed, and what is wrong with it. `count`: contacts that it means."""

    path: str
    about: str  # attribute:city, activity:order, segment, or empty
    typed: dict[str, str] = field(default_factory=dict)
    chosen: list[str] = field(default_factory=list)  # options that are ticked
    node: Node | None = None
    error: str = ""
    count: int | None = None
    subject: RuleField | None = None

    kind = "line"

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
    def placeholder(self) -> str:
        """An example of a value."""
        if self.subject and self.subject.kind in ("date", "birthday", "time", "moment"):
            return "2024-05-31"
        return "one value, or several: a | b" if self.operator and self.operator.takes == "many" else ""

    @property
    def ticks(self) -> bool:
        """Whether the values are chosen by ticks: few options, of which one can say each."""
        return bool(self.subject and 0 < len(self.subject.options) <= 12 and self.operator.takes == "many")


@dataclass
class RuleFormGroup:
    """One group as it is being edited."""

    path: str
    match: str
    parts: list["RuleFormLine | RuleFormGroup"] = field(default_factory=list)
    count: int | None = None

    kind = "block"

    @property
    def words(self) -> tuple[str, str]:
        return MATCH_WORDS[self.match]

    @property
    def deep(self) -> bool:
        return self.path.count(".") + 2 + (self.path != "") > MAX_DEPTH


# --- from a form, and from a rule ---------------------------------------------------------------------------------------


def read(given: QueryDict) -> RuleFormGroup:
    """What a form says, after the button that was pressed (`do`: add, group or remove, with a path)."""
    root = RuleFormGroup("", _match(given, ""))
    blocks, room = {"": root}, MAX_CONDITIONS
    for name in given:
        head, _colon, path = name.partition(":")
        parent = blocks.get(path.rpartition(".")[0]) if head in ("about", "match") and path else None
        # No form has more, so what it leads to is no rule that a form has made.
        if parent is None or room == 0 or (head == "match" and parent.deep):
            continue
        part = _line(given, path) if head == "about" else RuleFormGroup(path, _match(given, path))
        room -= 1
        if isinstance(part, RuleFormGroup):
            blocks[path] = part
        parent.parts.append(part)
    _press(root, blocks, given.get("do", ""))
    _renumber(root)
    return root


def of_rule(rule: Group | None) -> RuleFormGroup:
    """A rule as a form that can be edited; without one, a group with one empty line."""
    if rule is None:
        return RuleFormGroup("", "all", [RuleFormLine("0", "")])
    block = _block(rule, rule_fields.everything())
    _renumber(block)
    return block


def _match(given: QueryDict, path: str) -> str:
    match = given.get(f"match:{path}", "all")
    return match if match in MATCH_WORDS else "all"


_FIELDS = ("op", "value", "until", "times", "count", "days", "name", "property", "compare", "against", "segment")


def _line(given: QueryDict, path: str) -> RuleFormLine:
    typed = {name: given.get(f"{name}:{path}", "").replace("\x00", "").strip()[:1_000] for name in _FIELDS}
    return RuleFormLine(path, given.get(f"about:{path}", "")[:80], typed, given.getlist(f"option:{path}")[:50])


def _press(root: RuleFormGroup, blocks: Mapping[str, RuleFormGroup], do: str) -> None:
    what, _colon, path = do.partition(":")
    if what == "add" and path in blocks:
        blocks[path].parts.append(RuleFormLine("", ""))
    elif what == "group" and path in blocks and not blocks[path].deep:
        match = "any" if blocks[path].match != "any" else "all"
        blocks[path].parts.append(RuleFormGroup("", match, [RuleFormLine("", "")]))
    elif what == "remove":
        for block in [root, *blocks.values()]:
            block.parts = [part for part in block.parts if part.path != path]


def _renumber(block: RuleFormGroup) -> None:
    for i, part in enumerate(block.parts):
        part.path = f"{block.path}.{i}" if block.path else str(i)
        if isinstance(part, RuleFormGroup):
            _renumber(part)


def _block(group: Group, known: Mapping[str, RuleField]) -> RuleFormGroup:
    parts = [_block(p, known) if isinstance(p, Group) else _of_node(p, known) for p in group.parts]
    return RuleFormGroup("", group.match, parts)


def _of_node(node: Node, known: Mapping[str, RuleField]) -> RuleFormLine:
    if isinstance(node, InSegment):
        return RuleFormLine("", _SEGMENT, {"op": node.op, "segment": str(node.segment_id)})
    if isinstance(node, ActivityCondition):
        where = node.where or PropertyFilter("", "", "")
        said = {"times": node.times, "count": node.count, "days": str(node.days or ""), "name": node.name}
        compared = {"property": where.name, "compare": where.op, "against": where.value}
        return RuleFormLine("", f"activity:{node.what}", {**said, **compared})
    assert isinstance(node, FieldCondition)
    subject = known.get(node.key)
    values = list(node.values)
    line = RuleFormLine("", f"attribute:{node.key}", {"op": node.op}, subject=subject)
    if subject and line.ticks:
        line.chosen = values
    elif subject and line.operator.takes == "two":
        line.typed |= {"value": values[0], "until": values[1]} if len(values) == 2 else {}
    else:
        line.typed["value"] = f" {SEPARATOR} ".join(values)
    return line


# --- judged ---------------------------------------------------------------------------------------------------------------


def validate(block: RuleFormGroup, scope: Context) -> Q:
    """Read all lines, note what is wrong with each, and return the condition of those that are finished."""
    rule = _validated(block, scope)
    return compiler.compile_rule(rule, scope) if rule else compiler.NOBODY


def rule_of(block: RuleFormGroup) -> Group | None:
    """The rule that a judged form says; None without a finished line."""
    parts = [rule_of(p) if isinstance(p, RuleFormGroup) else p.node for p in block.parts]
    kept = tuple(part for part in parts if part is not None)
    return Group(block.match, kept) if kept else None


def lines(block: RuleFormGroup) -> list[RuleFormLine]:
    """All lines of a form, from top to bottom."""
    return [line for p in block.parts for line in (lines(p) if isinstance(p, RuleFormGroup) else [p])]


def is_complete(block: RuleFormGroup) -> bool:
    """Whether every line is a condition, and there is one."""
    form_lines = lines(block)
    return bool(form_lines) and all(line.node is not None for line in form_lines)


def _validated(block: RuleFormGroup, scope: Context) -> Group | None:
    for line in lines(block):
        try:
            line.subject = (
                scope.subjects.get(line.about.partition(":")[2]) if line.about.startswith("attribute:") else None
            )
            node = _node(line)
            compiler.compile_part(node, scope)
            line.node = node
        except RuleError as problem:
            line.error = problem.why
    return rule_of(block)


def _node(line: RuleFormLine) -> Node:
    typed = line.typed
    if line.about == _SEGMENT:
        op = "not_in" if typed.get("op") == "not_in" else "in"
        return InSegment(parse_id(typed.get("segment", "")) or 0, op)
    if line.activity:
        return _did(line)
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


def _did(line: RuleFormLine) -> ActivityCondition:
    typed = line.typed
    days = typed.get("days", "")
    if days and not 0 < (parse_id(days) or 0) <= MAX_DAYS:
        raise RuleError("Enter a number of days, for example 90, or leave it empty for no limit.")
    op = typed.get("compare", "")
    where = (
        PropertyFilter(typed["property"], op if op in WHERE else "is", typed.get("against", ""))
        if typed.get("property")
        else None
    )
    times = typed.get("times", "")
    wanted = ActivityCondition(
        line.activity.key, times if times in TIMES else "at_least", typed.get("count", ""), int(days) if days else None,
        typed.get("name", "") if line.activity.named else "", where,
    )  # fmt: skip
    return compiler.checked(wanted)


# --- counted ------------------------------------------------------------------------------------------------------------


def count(block: RuleFormGroup, whole: Q, scope: Context, *, contacts: Any) -> int:
    """How many of these contacts the form means, and each line of it: one pass over them."""
    counted = [line for line in lines(block) if line.node is not None]
    counts = {f"n{i}": Count("pk", filter=compiler.compile_part(line.node, scope)) for i, line in enumerate(counted)
             if line.node is not None}  # fmt: skip
    said = contacts.aggregate(total=Count("pk", filter=whole), **counts)
    for i, line in enumerate(counted):
        line.count = said[f"n{i}"]
    return int(said["total"])


def choices(scope: Context) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a line can be about, in groups."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for subject in scope.subjects.values():
        groups.setdefault(subject.group, []).append((f"attribute:{subject.key}", subject.label))
    groups["Activity"] = [(f"activity:{a.key}", a.label) for a in ACTIVITIES.values()]
    groups["Segments"] = [(_SEGMENT, "Segment")]
    return list(groups.items())


def segments(*, but: int | None = None) -> list[tuple[str, str]]:
    """The segments that a line can name: all but the one that is being edited."""
    others = Segment.objects.exclude(pk=but).order_by("name")[:500]
    return [(str(s.pk), s.name) for s in others]
