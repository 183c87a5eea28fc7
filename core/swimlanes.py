"""Who or what was there when: lanes of blocks over one span of time, as SVG that fits at any width, and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.formatting import day, moment, number

# Of the width: a block of one page, each further page, and the widest.
LEAST, EACH, MOST = 1.2, 0.25, 8.0


@dataclass(frozen=True)
class Block:
    """Something that lasted, with its weight (pages). `tone` is a tone of fills: who, same …"""

    start: datetime
    stop: datetime
    weight: int
    words: str
    tone: str = "same"


@dataclass(frozen=True)
class Lane:
    """One line of blocks, and what it is called."""

    name: str
    blocks: Sequence[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Lanes:
    """The picture: (name, SVG) of each lane, the ends of the time, and a sentence that says what it shows."""

    rows: list[tuple[str, SafeString]]
    first: str
    last: str
    sentence: str


def draw(lanes: Sequence[Lane], *, sentence: str) -> Lanes | None:
    """The lanes over the time from their first block to their last; None without blocks."""
    blocks = [block for lane in lanes for block in lane.blocks]
    if not blocks:
        return None
    first, last = min(b.start for b in blocks), max(b.stop for b in blocks)
    span = max(last - first, timedelta(minutes=1))
    rows = [(lane.name, _track([(_place(b, first, span), b) for b in lane.blocks])) for lane in lanes]
    words = moment if day(first) == day(last) else day
    return Lanes(rows, words(first), words(last), sentence)


def _place(block: Block, first: datetime, span: timedelta) -> tuple[float, float]:
    """(left edge, width) of a block in percent; it ends where the picture does."""
    width = min(max(LEAST + EACH * block.weight, 100 * ((block.stop - block.start) / span)), MOST)
    return min(100 * ((block.start - first) / span), 100 - width), width


def _track(placed: Sequence[tuple[tuple[float, float], Block]]) -> SafeString:
    rects = format_html_join(
        "",
        '<rect class="fill-{}" x="{}%" y="4" width="{}%" height="12" rx="2"><title>{}</title></rect>',
        ((b.tone, f"{x:.2f}", f"{width:.2f}", b.words) for (x, width), b in placed),
    )
    return format_html('<svg class="lane"><line x1="0" x2="100%" y1="10" y2="10"/>{}</svg>', rects)


def pages(count: int) -> str:
    """“3 pages”."""
    return f"{number(count)} page{'s' if count != 1 else ''}"
