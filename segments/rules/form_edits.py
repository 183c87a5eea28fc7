"""What the buttons of the rule builder do to a form: pure functions from one tree of lines and groups to another.

A part is addressed by its place: the numbers of the parts from the outermost group, () for that group itself. Each function
returns the new tree and the place of the part that it was about, so that the page can keep the focus there; or None where
it cannot be done: there is no such part, nothing above the first one, no room.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from segments.rules.rule_form import Part, RuleFormGroup, RuleFormLine, numbered
from segments.rules.tree import MAX_CONDITIONS, MAX_DEPTH

Place = tuple[int, ...]
Edited = tuple[RuleFormGroup, Place]


def apply(top: RuleFormGroup, do: str) -> Edited | None:
    """The form after a button (`do`: what and, behind colons, the path of a part and, for drag, that of the place before
    which it is put); None where it does nothing."""
    what, _colon, path = do.partition(":")
    path, _colon, before = path.partition(":")
    place, target, edit = _place(path), _place(before), EDITS.get(what)
    if place is None or target is None or part_at(top, place) is None or (edit is None and what != "drag"):
        return None
    edited = edit(top, place) if edit else drag(top, place, target)
    return edited if edited and _fits(edited[0]) else None


def part_at(top: RuleFormGroup, place: Place) -> Part | None:
    """The part at a place; None if there is none."""
    part: Part = top
    for i in place:
        if not isinstance(part, RuleFormGroup) or i >= len(part.parts):
            return None
        part = part.parts[i]
    return part


def add(top: RuleFormGroup, place: Place) -> Edited | None:
    """An empty line: at the end of a group, or behind a line."""
    if isinstance(part_at(top, place), RuleFormGroup):
        return _append(top, place, RuleFormLine("", ""))
    after = (*place[:-1], place[-1] + 1)
    return _splice(top, after, 0, RuleFormLine("", "")), after


def group(top: RuleFormGroup, place: Place) -> Edited | None:
    """A group with an empty line at the end of a group; it joins its lines in the other way."""
    outer = part_at(top, place)
    if not isinstance(outer, RuleFormGroup):
        return None
    return _append(top, place, RuleFormGroup("", _other(outer.match), (RuleFormLine("", ""),)))


def wrap(top: RuleFormGroup, place: Place) -> Edited | None:
    """A line or a group in a group of its own."""
    part, outer = part_at(top, place), part_at(top, place[:-1])
    if not place or part is None or not isinstance(outer, RuleFormGroup):
        return None
    return _splice(top, place, 1, RuleFormGroup("", _other(outer.match), (part,))), (*place, 0)


def unwrap(top: RuleFormGroup, place: Place) -> Edited | None:
    """The parts of a group in its place."""
    inner = part_at(top, place)
    if not place or not isinstance(inner, RuleFormGroup):
        return None
    return _splice(top, place, 1, *inner.parts), place


def duplicate(top: RuleFormGroup, place: Place) -> Edited | None:
    """A second one of a part, behind it."""
    part = part_at(top, place)
    if not place or part is None:
        return None
    after = (*place[:-1], place[-1] + 1)
    return _splice(top, after, 0, part), after


def remove(top: RuleFormGroup, place: Place) -> Edited | None:
    """Without a part; the place is that of the next one, else of the one before, else of the group."""
    if not place:
        return None
    rest = _splice(top, place, 1)
    before = (*place[:-1], place[-1] - 1)
    return rest, next((p for p in (place, before) if p[-1] >= 0 and part_at(rest, p) is not None), place[:-1])


def up(top: RuleFormGroup, place: Place) -> Edited | None:
    """A part before the one above it."""
    return move(top, place, (*place[:-1], place[-1] - 1)) if place and place[-1] > 0 else None


def down(top: RuleFormGroup, place: Place) -> Edited | None:
    """A part behind the one below it."""
    below = (*place[:-1], place[-1] + 1) if place else ()
    return move(top, place, below) if place and part_at(top, below) is not None else None


def into(top: RuleFormGroup, place: Place) -> Edited | None:
    """A part to the end of the group above it, else to the beginning of the group below it."""
    if not place:
        return None
    *outer, i = place
    above, below = part_at(top, (*outer, i - 1)) if i else None, part_at(top, (*outer, i + 1))
    if isinstance(above, RuleFormGroup):
        return move(top, place, (*outer, i - 1, len(above.parts)))
    return move(top, place, (*outer, i, 0)) if isinstance(below, RuleFormGroup) else None


def out(top: RuleFormGroup, place: Place) -> Edited | None:
    """A part out of its group, behind it."""
    return move(top, place, (*place[:-2], place[-2] + 1)) if len(place) > 1 else None


def drag(top: RuleFormGroup, place: Place, before: Place) -> Edited | None:
    """A part before the one that is now at another place, or behind the last one of a group; not into itself."""
    level = len(place) - 1
    if not place or not before or before[: level + 1] == place:
        return None
    if before[:level] == place[:-1] and len(before) > level and before[level] > place[-1]:
        before = (*before[:level], before[level] - 1, *before[level + 1 :])
    return move(top, place, before)


def move(top: RuleFormGroup, place: Place, to: Place) -> Edited | None:
    """A part to another place; `to` is a place in the tree that is left when the part has been taken out of it."""
    part, rest = part_at(top, place), _splice(top, place, 1)
    if part is None or not isinstance(part_at(rest, to[:-1]), RuleFormGroup):
        return None
    return _splice(rest, to, 0, part), to


def possible(top: RuleFormGroup) -> dict[str, frozenset[str]]:
    """The edits that can be done to each part, by its path: what `apply` would not refuse."""
    return dict(_possible(top, None, 0, MAX_CONDITIONS - _number(top)))


def _possible(part: Part, outer: RuleFormGroup | None, i: int, room: int) -> Iterator[tuple[str, frozenset[str]]]:
    """Of a part, the i-th of a group, and of all that is in it; `room`: for so many more lines."""
    inner = isinstance(part, RuleFormGroup)
    level = len(_place(part.path) or ())  # how many groups are around it
    can = {"add"} if room > 0 else set()
    if inner and room > 0 and level + 2 <= MAX_DEPTH:
        can.add("group")
    if outer is not None:
        above, below = outer.parts[i - 1] if i else None, outer.parts[i + 1] if i + 1 < len(outer.parts) else None
        goes_in = isinstance(above, RuleFormGroup) or isinstance(below, RuleFormGroup)
        deeper = level + 1 + _depth(part) <= MAX_DEPTH
        can |= {"remove"} | ({"up"} if above else set()) | ({"down"} if below else set())
        can |= {"duplicate"} if _number(part) <= room else set()
        can |= ({"wrap"} if deeper else set()) | ({"into"} if deeper and goes_in else set())
        can |= ({"out"} if level > 1 else set()) | ({"unwrap"} if inner else set())
    yield part.path, frozenset(can)
    if isinstance(part, RuleFormGroup):
        for n, one in enumerate(part.parts):
            yield from _possible(one, part, n, room)


EDITS: dict[str, Callable[[RuleFormGroup, Place], Edited | None]] = {
    "add": add, "group": group, "wrap": wrap, "unwrap": unwrap, "duplicate": duplicate, "remove": remove,
    "up": up, "down": down, "into": into, "out": out,
}  # fmt: skip


def _place(path: str) -> Place | None:
    """A place from the path in the name of a field."""
    numbers = path.split(".") if path else []
    if len(numbers) > MAX_DEPTH or not all(n.isascii() and n.isdigit() and len(n) < 4 for n in numbers):
        return None
    return tuple(map(int, numbers))


def _other(match: str) -> str:
    return "any" if match != "any" else "all"


def _append(top: RuleFormGroup, place: Place, part: Part) -> Edited | None:
    outer = part_at(top, place)
    assert isinstance(outer, RuleFormGroup)
    end = (*place, len(outer.parts))
    return _splice(top, end, 0, part), end


def _splice(top: RuleFormGroup, place: Place, without: int, *new: Part) -> RuleFormGroup:
    """The tree with other parts in place of so many, numbered anew."""

    def within(part: RuleFormGroup, rest: Place) -> RuleFormGroup:
        i = rest[0]
        if len(rest) == 1:
            return replace(part, parts=(*part.parts[:i], *new, *part.parts[i + without :]))
        inner = part.parts[i]
        assert isinstance(inner, RuleFormGroup)
        return replace(part, parts=(*part.parts[:i], within(inner, rest[1:]), *part.parts[i + 1 :]))

    return numbered(within(top, place))


def _fits(top: RuleFormGroup) -> bool:
    """Whether a form is no larger and no deeper than a rule may be."""
    return _depth(top) <= MAX_DEPTH and _number(top) <= MAX_CONDITIONS


def _depth(part: Part) -> int:
    """How many groups are around the innermost part, itself included if it is one."""
    return 1 + max(map(_depth, part.parts), default=0) if isinstance(part, RuleFormGroup) else 0


def _number(part: Part) -> int:
    return sum(map(_number, part.parts)) if isinstance(part, RuleFormGroup) else 1


# --- in the menu of a part, and where the focus goes --------------------------------------------------------------------


@dataclass(frozen=True)
class MenuEntry:
    """An edit in the menu of a line or a group; `shortcut` as aria-keyshortcuts says it, `keys` as people read it."""

    key: str
    label: str
    icon: str
    shortcut: str
    keys: str

    @property
    def of(self) -> tuple[str, ...]:
        """The kinds of parts that have it; a group has a button of its own for a further line."""
        return ("line",) if self.key == "add" else ("line", "block")


MENU = tuple(
    MenuEntry(key, label, icon, f"Alt+Shift+{code}", f"Alt ⇧ {sign}")
    for key, label, icon, code, sign in (
        ("up", "Move up", "arrow-up", "ArrowUp", "↑"),
        ("down", "Move down", "arrow-down", "ArrowDown", "↓"),
        ("into", "Move into the group beside it", "arrow-right", "ArrowRight", "→"),
        ("out", "Move out of its group", "arrow-left", "ArrowLeft", "←"),
        ("wrap", "Put into a new group", "group", "G", "G"),
        ("unwrap", "Ungroup", "ungroup", "U", "U"),
        ("duplicate", "Duplicate", "copy", "D", "D"),
        ("add", "Add condition below", "plus", "Enter", "↵"),
        ("remove", "Remove", "trash-2", "Backspace", "⌫"),
    )
)
_MOVES = ("up", "down", "into", "out", "drag")


def focus(edited: Edited, do: str) -> str:
    """The ID of the element that has the focus after an edit: what was moved keeps it, what is new gets it."""
    top, place = edited
    what, part = do.partition(":")[0], part_at(top, place)
    if what in _MOVES and part is not None:
        return f"menu-{part.path}"
    if isinstance(part, RuleFormGroup) and part.parts and what in ("group", "wrap"):
        part = part.parts[0]
    if isinstance(part, RuleFormGroup):
        return f"match-{part.path}" if part.parts else f"add-{part.path}"
    return f"about-{part.path}" if part else ""
