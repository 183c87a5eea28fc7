"""Charts drawn on the server as SVG: lengths are attributes, colours are classes, words are text of constant size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.formatting import Number, number

# The plot takes this share of the height; the labels of the horizontal axis are below it.
PLOT = 88.0


@dataclass(frozen=True)
class Tick:
    """One event worth naming: at which point, and in which words."""

    at: int
    words: str


@dataclass(frozen=True)
class Chart:
    """A finished chart: the picture (`axis` and `plot`), a sentence for it, and its figures as a table."""

    axis: SafeString
    plot: SafeString
    sentence: str
    heads: list[str]
    rows: list[list[str]]
    series: list[tuple[str, str]] = field(default_factory=list)


def line(
    labels: Sequence[str],
    values: Sequence[Number],
    *,
    name: str,
    sentence: str,
    before: Sequence[Number] | None = None,
    before_name: str = "before",
    mark: Tick | None = None,
) -> Chart:
    """A line over time, at most with the period before as a dashed one. The last point and one event are marked."""
    columns = [values, *([before] if before else [])]
    names = [name, *([before_name] if before else [])]
    top = ceiling(max([0, *(value for column in columns for value in column)]))
    curves = [_path(column, top, css) for column, css in zip(columns, ("curve", "curve before"), strict=False)]
    points = [_point(len(values) - 1, values, top), *([_mark(mark, values, top)] if mark else [])]
    plot = format_html(
        '<svg class="plot">{}<svg width="100%" height="{}%" viewBox="0 0 100 100" preserveAspectRatio="none">{}{}</svg>'
        "{}{}</svg>",
        _grid(), PLOT, _area(values, top), _join(curves[::-1]), _join(points), _below(labels),
    )  # fmt: skip
    series = list(zip(names, ("now", "before"), strict=False))
    return Chart(_side(top), plot, sentence, ["", *names], _table(labels, columns), series)


def bars(
    labels: Sequence[str],
    values: Sequence[Number],
    *,
    name: str,
    sentence: str,
    tones: Sequence[str] | None = None,
) -> Chart:
    """Upright bars, one a label; `tones` colours single ones that mean something, as "bad"."""
    top = ceiling(max([*values, 0]))
    step = 100 / max(len(values), 1)
    rects = []
    for i, value in enumerate(values):
        height = PLOT * float(value) / top
        box = (f"{size:.2f}%" for size in ((i + 0.2) * step, PLOT - height, step * 0.6, height))
        rects.append((tones[i] if tones else "same", *box))
    shapes = format_html_join("", '<rect class="fill-{}" x="{}" y="{}" width="{}" height="{}"/>', rects)
    plot = format_html('<svg class="plot">{}{}{}</svg>', _grid(), shapes, _below(labels))
    return Chart(_side(top), plot, sentence, ["", name], _table(labels, [values]))


def lines(labels: Sequence[str], series: Sequence[tuple[str, Sequence[Number], str]], *, sentence: str) -> Chart:
    """Several lines over time, each (name, values, tone); the legend names them in the order in which they are given."""
    top = ceiling(max([0, *(value for _name, values, _tone in series for value in values)]))
    curves = [_path(values, top, f"curve tone-{tone}") for _name, values, tone in series]
    plot = format_html(
        '<svg class="plot">{}<svg width="100%" height="{}%" viewBox="0 0 100 100" preserveAspectRatio="none">{}</svg>'
        "{}</svg>", _grid(), PLOT, _join(curves), _below(labels),
    )  # fmt: skip
    names, columns = [one[0] for one in series], [one[1] for one in series]
    keys = [(name, f"tone-{tone}") for name, _values, tone in series]
    return Chart(_side(top), plot, sentence, ["", *names], _table(labels, columns), keys)


def funnel_svg(counts: Sequence[int]) -> SafeString:
    """Steps as one shape that narrows, each step a column of equal width; decorative, as the counts are beside it."""
    if not counts or not counts[0]:
        return SafeString("")
    width, whole = 100 / len(counts), counts[0]
    heights = [max(100 * min(count, whole) / whole, 1.5 if count else 0.5) for count in counts]
    shapes = []
    for place, height in enumerate(heights):
        x, after = place * width, heights[place + 1] if place + 1 < len(heights) else height
        x2, middle, y, y2 = x + width, x + width / 2, 100 - height, 100 - after
        shapes.append((
            f"step-{place + 1}",
            f"M{x:.2f},100 V{y:.2f} C{middle:.2f},{y:.2f} {middle:.2f},{y2:.2f} {x2:.2f},{y2:.2f} V100 Z",
        ))  # fmt: skip
    return format_html(
        '<svg class="funnel-shape" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        format_html_join("", '<path class="{}" d="{}"/>', shapes),
    )


def spark_svg(values: Sequence[Number], *, label: str = "", tone: str = "ink", size: str = "") -> SafeString:
    """A line without axes, for a cell or a card. Named by `label`, else decorative."""
    top = max([float(v) for v in values] or [0]) or 1.0
    role = format_html('role="img" aria-label="{}"', label) if label else format_html('aria-hidden="{}"', "true")
    shapes = [_area(values, top), _path(values, top, "curve")] if len(values) > 1 else []
    return format_html(
        '<svg class="spark tone-{} {}" viewBox="0 0 100 100" preserveAspectRatio="none" {}>{}</svg>',
        tone, size, role, _join(shapes),
    )  # fmt: skip


def ceiling(value: Number) -> float:
    """The next number at or above whose quarters read well: 1, 2, 4, 6 or 8 times a power of ten. At least 1."""
    high = max(float(value), 1.0)
    power = 10.0 ** math.floor(math.log10(high))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= high)


def _at(i: int, count: int) -> float:
    return 100 * i / (count - 1) if count > 1 else 100.0


def _spots(values: Sequence[Number], top: float) -> str:
    return " ".join(f"{_at(i, len(values)):.2f},{100 - 100 * float(v) / top:.2f}" for i, v in enumerate(values))


def _path(values: Sequence[Number], top: float, css: str) -> SafeString:
    return format_html('<polyline class="{}" points="{}"/>', css, _spots(values, top))


def _area(values: Sequence[Number], top: float) -> SafeString:
    return format_html('<polygon class="curve-area" points="0,100 {} 100,100"/>', _spots(values, top))


def _place(i: int, values: Sequence[Number], top: float) -> tuple[float, float]:
    return _at(i, len(values)), PLOT * (1 - float(values[i]) / top)


def _point(i: int, values: Sequence[Number], top: float) -> SafeString:
    if not values:
        return SafeString("")
    x, y = _place(i, values, top)
    return format_html('<circle class="curve-point" cx="{}%" cy="{}%" r="4"/>', f"{x:.2f}", f"{y:.2f}")


def _mark(mark: Tick, values: Sequence[Number], top: float) -> SafeString:
    x, y = _place(mark.at, values, top)
    anchor = "start" if x < 30 else "end"
    text = format_html(
        '<text class="event" x="{}%" y="{}%" dx="{}" dy="-10" text-anchor="{}">{}</text>',
        f"{x:.2f}", f"{y:.2f}", 6 if anchor == "start" else -6, anchor, mark.words,
    )  # fmt: skip
    return format_html("{}{}", _point(mark.at, values, top), text)


def _grid() -> SafeString:
    heights = [(PLOT * i / 4, "base" if i == 4 else "") for i in range(5)]
    return format_html_join(
        "", '<line class="gridline {}" x1="0" x2="100%" y1="{}%" y2="{}%"/>', ((css, y, y) for y, css in heights)
    )


def _side(top: float) -> SafeString:
    marks = [(PLOT * i / 4, _plain(top * (4 - i) / 4)) for i in range(5)]
    texts = format_html_join("", '<text x="100%" y="{}%" dy="4" text-anchor="end">{}</text>', marks)
    return format_html('<svg class="axis">{}</svg>', texts)


def _plain(value: float) -> str:
    """A figure of the axis with as many decimals as it needs: 1,500, 2.5, 0."""
    return number(value, 2).rstrip("0").rstrip(".") if value % 1 else number(value)


def _below(labels: Sequence[str]) -> SafeString:
    """Four labels, evenly spread, or only the ends when they are long: they fit at any width."""
    count = len(labels)
    steps = 3 if max((len(label) for label in labels), default=0) <= 7 else 1
    picks = sorted({round(i * (count - 1) / steps) for i in range(steps + 1)}) if count else []
    anchors = {0: "start", count - 1: "end"}
    texts = ((f"{_at(i, count):.2f}" if count > 1 else "0", anchors.get(i, "middle"), labels[i]) for i in picks)
    return format_html_join("", '<text x="{}%" y="98%" text-anchor="{}">{}</text>', texts)


def _table(labels: Sequence[str], columns: Sequence[Sequence[Number]]) -> list[list[str]]:
    return [[label, *(number(c[i]) if i < len(c) else "" for c in columns)] for i, label in enumerate(labels)]


def _join(parts: Sequence[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
