"""What a rule depends on: the segments that it names, and what has to happen for a condition to change. Pure."""

from collections.abc import Iterator

from segments.rules.activity_conditions import ACTIVITIES
from segments.rules.tree import ActivityCondition, Condition, Group, InList, InSegment, Node

# The place of a condition in a rule, the condition, and whether it says what must be true: below “none of” it does not.
Leaf = tuple[tuple[int, ...], Node, bool]


def depends_on(rule: Node) -> frozenset[int]:
    """The IDs of the segments that a rule names itself."""
    return frozenset(node.segment_id for _path, node, _positive in leaves(rule) if isinstance(node, InSegment))


def lists_in(rule: Node, kind: str) -> frozenset[int]:
    """The IDs of the lists of a kind, such as source, that a rule names."""
    nodes = (node for _path, node, _positive in leaves(rule))
    return frozenset(node.list_id for node in nodes if isinstance(node, InList) and node.kind == kind)


def leaves(rule: Node) -> list[Leaf]:
    """All conditions of a rule, in order. `none of` in `none of` says again what must be true."""
    return list(_leaves(rule, (), True))


def causes(node: Node) -> frozenset[str]:
    """What changes a condition, or any condition of a group: "contact" (a value of it), "visit", "event:order",
    "event:action", "event" (another event), "message", "segment", "import", "source", "lookalike" or
    "duplicate"."""
    if isinstance(node, Group):
        return frozenset().union(*(causes(part) for part in node.parts))
    return frozenset({_cause(node)})


def _cause(node: Condition) -> str:
    if isinstance(node, ActivityCondition):
        return ACTIVITIES[node.what].cause if node.what in ACTIVITIES else "event"
    if isinstance(node, InSegment):
        return "segment"
    if isinstance(node, InList):
        return node.kind
    if node.key.startswith("visit."):
        return "visit"
    return "duplicate" if node.key == "probable_duplicate" else "contact"


def _leaves(node: Node, path: tuple[int, ...], positive: bool) -> Iterator[Leaf]:
    if not isinstance(node, Group):
        yield path, node, positive
        return
    within = positive is not (node.match == "none")
    for i, part in enumerate(node.parts):
        yield from _leaves(part, (*path, i), within)
