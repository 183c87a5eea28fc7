"""What the buttons of the rule builder do to a form: each edit at each place, and what it refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.rules import form_edits
from segments.rules.rule_form import RuleFormGroup, RuleFormLine, lines, numbered
from segments.rules.tree import MAX_CONDITIONS, MAX_DEPTH

# A form in short: a text is a line, a list a group of what is in it.
Short = str | list[Any]


def of_short(short: list[Any]) -> RuleFormGroup:
    def part(one: Short) -> RuleFormLine | RuleFormGroup:
        return RuleFormLine("", one) if isinstance(one, str) else RuleFormGroup("", "any", tuple(map(part, one)))

    return numbered(RuleFormGroup("", "all", tuple(map(part, short))))


def short_of(part: RuleFormLine | RuleFormGroup) -> Short:
    return part.about if isinstance(part, RuleFormLine) else [short_of(inner) for inner in part.parts]


CASES: list[tuple[str, list[Any], list[Any] | None, tuple[int, ...]]] = [
    ("add:", ["a"], ["a", ""], (1,)),
    ("add:0", ["a", "b"], ["a", "", "b"], (1,)),
    ("add:1", ["a", ["b"]], ["a", ["b", ""]], (1, 1)),
    ("add:1.0", ["a", ["b", "c"]], ["a", ["b", "", "c"]], (1, 1)),
    ("group:", ["a"], ["a", [""]], (1,)),
    ("group:0", ["a"], None, ()),
    ("wrap:0", ["a", "b"], [["a"], "b"], (0, 0)),
    ("wrap:1", ["a", ["b"]], ["a", [["b"]]], (1, 0)),
    ("wrap:", ["a"], None, ()),
    ("unwrap:1", ["a", ["b", "c"], "d"], ["a", "b", "c", "d"], (1,)),
    ("unwrap:0", ["a"], None, ()),
    ("unwrap:", ["a"], None, ()),
    ("duplicate:0", ["a", "b"], ["a", "a", "b"], (1,)),
    ("duplicate:1", ["a", ["b"]], ["a", ["b"], ["b"]], (2,)),
    ("duplicate:", ["a"], None, ()),
    ("remove:0", ["a", "b"], ["b"], (0,)),
    ("remove:1", ["a", "b"], ["a"], (0,)),
    ("remove:1.0", ["a", ["b"]], ["a", []], (1,)),
    ("remove:", ["a"], None, ()),
    ("up:1", ["a", "b"], ["b", "a"], (0,)),
    ("up:0", ["a", "b"], None, ()),
    ("up:1.1", ["a", ["b", "c"]], ["a", ["c", "b"]], (1, 0)),
    ("down:0", ["a", "b"], ["b", "a"], (1,)),
    ("down:1", ["a", "b"], None, ()),
    ("down:0", ["a", ["b"]], [["b"], "a"], (1,)),
    ("into:0", ["a", ["b"]], [["a", "b"]], (0, 0)),
    ("into:1", [["a"], "b"], [["a", "b"]], (0, 1)),
    ("into:1", [["a"], "b", ["c"]], [["a", "b"], ["c"]], (0, 1)),
    ("into:0", ["a", "b"], None, ()),
    ("into:", ["a", ["b"]], None, ()),
    ("out:0.0", [["a", "b"], "c"], [["b"], "a", "c"], (1,)),
    ("out:0.0.0", [[["a"]]], [[[], "a"]], (0, 1)),
    ("out:0", ["a"], None, ()),
    ("out:", ["a"], None, ()),
    ("drag:0:2", ["a", "b", "c"], ["b", "a", "c"], (1,)),
    ("drag:0:3", ["a", "b", "c"], ["b", "c", "a"], (2,)),
    ("drag:2:0", ["a", "b", "c"], ["c", "a", "b"], (0,)),
    ("drag:0:1.1", ["a", ["b", "c"]], [["b", "a", "c"]], (0, 1)),
    ("drag:1.0:0", ["a", ["b", "c"]], ["b", "a", ["c"]], (0,)),
    ("drag:1.0:2", ["a", ["b", "c"]], ["a", ["c"], "b"], (2,)),
    ("drag:1:1", ["a", "b"], None, ()),
    ("drag:0:0.0", [["a"], "b"], None, ()),
    ("drag:0:7.0", ["a"], None, ()),
    ("drag:0:x", ["a"], None, ()),
    ("drag:0", ["a"], None, ()),
    ("drag::0", ["a"], None, ()),
    ("up:7", ["a"], None, ()),
    ("up:0.0", ["a"], None, ()),
    ("up:-1", ["a"], None, ()),
    ("up:x", ["a"], None, ()),
    ("up:0.0.0.0.0.0", ["a"], None, ()),
    ("dance:0", ["a"], None, ()),
    ("", ["a"], None, ()),
]


@pytest.mark.parametrize(("do", "before", "after", "place"), CASES)
def test_each_edit(do: str, before: list[Any], after: list[Any] | None, place: tuple[int, ...]) -> None:
    edited = form_edits.apply(of_short(before), do)
    assert (edited and short_of(edited[0])) == after
    if edited:
        assert edited[1] == place
        assert form_edits.part_at(edited[0], place) is not None


def test_a_form_grows_no_larger_and_no_deeper_than_a_rule() -> None:
    full = of_short(["x"] * MAX_CONDITIONS)
    assert [do for do in form_edits.EDITS if form_edits.apply(full, f"{do}:0")] == ["wrap", "remove", "down"]
    deep: list[Any] = ["x"]
    for _level in range(MAX_DEPTH - 1):
        deep = [deep, "y"]
    place = ".".join(["0"] * MAX_DEPTH)
    assert form_edits.apply(of_short(deep), f"wrap:{place}") is None
    assert form_edits.apply(of_short(deep), "wrap:0") is None
    assert form_edits.apply(of_short(deep), "wrap:1") is not None
    # A group with a group in it has no room below a third one.
    assert form_edits.apply(of_short([[["a"]], [["b"]]]), "into:1") is not None
    assert form_edits.apply(of_short([[["a"]], [[["b"]]]]), "into:1") is None


tops = st.recursive(st.sampled_from("abc"), lambda inner: st.lists(inner, max_size=3), max_leaves=12).map(
    lambda short: of_short(short if isinstance(short, list) else [short])
)


@given(tops, st.lists(st.tuples(st.sampled_from(sorted(form_edits.EDITS)), st.integers(0, 30)), max_size=6))
def test_no_series_of_edits_loses_a_line_or_breaks_a_path(top: RuleFormGroup, edits: list[tuple[str, int]]) -> None:
    for what, n in edits:
        paths = ["", *(path for path, _part in parts(top))]
        place = paths[n % len(paths)]
        edited = form_edits.apply(top, f"{what}:{place}")
        allowed = what in form_edits.possible(top)[place]
        assert (edited is not None) == allowed
        if edited is None:
            continue
        kept = sorted(line.about for line in lines(edited[0]))
        if what in ("wrap", "unwrap", "up", "down", "into", "out"):
            assert kept == sorted(line.about for line in lines(top))
        top = edited[0]
        assert top == numbered(top)


def parts(group: RuleFormGroup) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for part in group.parts:
        found += [(part.path, part), *(parts(part) if isinstance(part, RuleFormGroup) else [])]
    return found
