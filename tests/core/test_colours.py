"""The colours of the stylesheet, measured on every ground they may stand on: text 4.5 to 1, edges and solids 3 to 1."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "static" / "app.css").read_text()
PAIR = re.compile(r"--([a-z0-9-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")
TOKENS = {name: {"light": light, "dark": dark} for name, light, dark in PAIR.findall(CSS)}

PAPER = ["canvas", "surface", "raised", "sunken", "hover"]
MEANINGS = ["ok", "edit", "warn", "bad", "who"]
TINTS = [f"{name}-tint" for name in MEANINGS]

# Which text may stand on which ground. A selected row has the tint of `edit`, whatever stands in it.
TEXT = {
    "ink": [*PAPER, *TINTS, "mark"],
    "ink-2": [*PAPER, *TINTS],
    "ink-3": [*PAPER, *TINTS],
    **{name: [*PAPER, f"{name}-tint", "edit-tint"] for name in MEANINGS},
    "on-ink": ["ink", "ink-hover"],
    "on-danger": ["danger"],
}
# Lines and areas that carry meaning. Plain grey (`same-solid`) always has its number beside it.
GRAPHIC = {
    "line-control": ["canvas", "surface", "raised"],
    "focus": [*PAPER, "edit-tint"],
    "skip-solid": ["surface", "sunken"],
    **{f"{name}-solid": ["canvas", "surface", "sunken", f"{name}-tint"] for name in MEANINGS},
}


def luminance(colour: str) -> float:
    """WCAG 2 relative luminance of #rrggbb."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def cases(table: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    return [(scheme, front, back) for front, backs in table.items() for back in backs for scheme in ("light", "dark")]


def test_contrast_of_known_pairs() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("scheme", "front", "back"), cases(TEXT))
def test_text_can_be_read(scheme: str, front: str, back: str) -> None:
    assert contrast(TOKENS[front][scheme], TOKENS[back][scheme]) >= 4.5


@pytest.mark.parametrize(("scheme", "front", "back"), cases(GRAPHIC))
def test_edges_and_solids_can_be_seen(scheme: str, front: str, back: str) -> None:
    assert contrast(TOKENS[front][scheme], TOKENS[back][scheme]) >= 3


def test_colours_are_written_only_as_tokens() -> None:
    """Below the layer of tokens there are roles, never a raw colour."""
    rest = CSS[CSS.index("@layer base {") :]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", rest) == []


def test_every_role_that_is_used_is_defined() -> None:
    defined = set(re.findall(r"(--[a-z0-9-]+):", CSS))
    assert set(re.findall(r"var\((--[a-z0-9-]+)", CSS)) <= defined
