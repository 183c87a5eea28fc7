"""What up to five segments have in common: every combination of them with its contacts, by one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from contacts import figures_cache
from contacts.identity.queries import set_work_mem
from core import charts
from core.charts import Chart
from core.formatting import number
from segments import membership
from segments.copies import named_parameters
from segments.models import Segment
from segments.rules.tree import Group, InSegment
from tenants.isolation.statements import fetch, fill

FEWEST, MOST = 2, 5
# So long an answer counts, and so many combinations the picture shows.
SECONDS, DRAWN = 30, 10
# Memory of the statement, so that a million members are grouped without the disk.
MEGABYTES = 96

# {members} has a row for each contact of each segment: its ID, and the bit of the segment.
COMBINATIONS = """
WITH inside AS MATERIALIZED (
  SELECT w.id, bit_or(w.bit) AS bits FROM ({members}) w(id, bit) GROUP BY w.id)
SELECT i.bits, c.email IS NOT NULL AND c.email_status = 'active', c.phone IS NOT NULL AND c.phone_status = 'active',
  count(*)
FROM inside i JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = i.id AND c.deleted_at IS NULL GROUP BY 1, 2, 3"""
STORED = """
SELECT m.contact_id, u.bit FROM unnest(%(ids)s::bigint[], %(bits)s::integer[]) u(id, bit)
JOIN segment_member m ON m.tenant_id = %(tenant)s AND m.segment_id = u.id"""
BY_RULE = "SELECT r.id, {bit} FROM ({rule}) r(id)"


@dataclass(frozen=True)
class Combination:
    """Contacts that are in exactly these of the segments (`inside` has a truth for each); who of them may be written to."""

    inside: tuple[bool, ...]
    contacts: int
    email: int
    phone: int


@dataclass(frozen=True)
class Share:
    """One of the segments: its letter, its contacts, who of them may be written to, and how many are in no other one."""

    letter: str
    segment: Segment
    contacts: int
    email: int
    phone: int
    alone: int


@dataclass(frozen=True)
class Overlap:
    """The segments, the combinations that have contacts, the largest first, and how many contacts there are in all."""

    shares: list[Share]
    combinations: list[Combination]
    total: int


def of_segments(segments: Sequence[Segment]) -> Overlap:
    """What the segments have in common, at most some seconds old."""
    name = "overlap." + ".".join(str(segment.pk) for segment in segments)
    rows = figures_cache.figures(name, lambda: _count(segments), while_writing=SECONDS, otherwise=SECONDS)
    return of_rows(segments, rows)


def of_rows(segments: Sequence[Segment], rows: Sequence[Sequence[Any]]) -> Overlap:
    """The same of (bits, whether by e-mail, whether by phone, contacts)."""
    found: dict[int, list[int]] = {}
    for bits, email, phone, contacts in rows:
        sums = found.setdefault(bits, [0, 0, 0])
        for i, counts in enumerate((True, email, phone)):
            sums[i] += contacts if counts else 0
    combinations = [
        Combination(tuple(bool(bits >> i & 1) for i in range(len(segments))), *sums) for bits, sums in found.items()
    ]
    combinations.sort(key=lambda one: (-one.contacts, sum(one.inside), [not here for here in one.inside]))
    shares = [_share(i, segment, combinations) for i, segment in enumerate(segments)]
    return Overlap(shares, combinations, sum(one.contacts for one in combinations))


def _share(i: int, segment: Segment, combinations: Sequence[Combination]) -> Share:
    own = [one for one in combinations if one.inside[i]]
    return Share(
        "ABCDE"[i], segment, sum(one.contacts for one in own), sum(one.email for one in own),
        sum(one.phone for one in own), sum(one.contacts for one in own if sum(one.inside) == 1),
    )  # fmt: skip


def _count(segments: Sequence[Segment]) -> list[tuple[Any, ...]]:
    stored = [(i, one) for i, one in enumerate(segments) if one.rule is None or one.refreshed_at is not None]
    parts = [STORED] if stored else []
    values: dict[str, Any] = {"ids": [one.pk for _i, one in stored], "bits": [1 << i for i, _one in stored]}
    for i, segment in enumerate(segments):
        if (i, segment) not in stored:  # not built yet: by its rule
            sql, own = named_parameters(membership.contacts(segment).order_by().values("pk"), f"v{i}_")
            parts.append(fill(BY_RULE, bit=str(1 << i), rule=sql))
            values |= own
    set_work_mem(MEGABYTES)
    return fetch(fill(COMBINATIONS, members=" UNION ALL ".join(parts)), **values)


def rule_of(segments: Sequence[Segment], inside: Sequence[bool]) -> Group:
    """The contacts of a combination, as a rule: in these segments, and in none of the others."""
    here = [InSegment(one.pk) for one, is_in in zip(segments, inside, strict=True) if is_in]
    others = tuple(InSegment(one.pk) for one, is_in in zip(segments, inside, strict=True) if not is_in)
    return Group("all", (*here, *([Group("none", others)] if others else [])))


# --- the picture: bars for combinations, and below each the segments that it is of ----------------------------------------

_BARS, _DOTS = 58.0, 68.0  # shares of the height: to the foot of the bars, to the first row of dots


def picture(overlap: Overlap) -> Chart:
    """The largest combinations as bars over dots: a filled dot says that the combination is in that segment."""
    shown = overlap.combinations[:DRAWN]
    top = charts.ceiling(max((one.contacts for one in shown), default=1))
    step = 100 / max(len(shown), 1)
    columns = [_column(one, (i + 0.5) * step, step, top) for i, one in enumerate(shown)]
    plot = format_html(
        '<svg class="plot">{}{}</svg>', _lines(len(overlap.shares)), format_html_join("", "{}", ((c,) for c in columns))
    )
    marks = [(_BARS * i / 2, number(top * (2 - i) / 2)) for i in range(3)]
    marks += [(_row(i, len(overlap.shares)), share.letter) for i, share in enumerate(overlap.shares)]
    axis = format_html(
        '<svg class="axis">{}</svg>',
        format_html_join("", '<text x="100%" y="{}%" dy="4" text-anchor="end">{}</text>', marks),
    )
    rows = [[_letters(overlap, one), number(one.contacts)] for one in overlap.combinations]
    names = ", ".join(f"{share.letter} {share.segment.name}" for share in overlap.shares)
    return Chart(axis, plot, f"Contacts by combination of {names}", ["", "Contacts"], rows)


def _letters(overlap: Overlap, one: Combination) -> str:
    return " and ".join(share.letter for share, here in zip(overlap.shares, one.inside, strict=True) if here)


def _row(i: int, count: int) -> float:
    return round(_DOTS + (96 - _DOTS) * i / max(count - 1, 1), 2)


def _lines(count: int) -> SafeString:
    heights = [_BARS * i / 2 for i in range(2)] + [_row(i, count) for i in range(count)]
    rows = [("", height, height) for height in heights] + [("base", _BARS, _BARS)]
    return format_html_join("", '<line class="gridline {}" x1="0" x2="100%" y1="{}%" y2="{}%"/>', rows)


def _column(one: Combination, x: float, step: float, top: float) -> SafeString:
    height = _BARS * one.contacts / top
    bar = format_html(
        '<rect class="fill-{}" x="{}%" y="{}%" width="{}%" height="{}%"/>', "edit" if sum(one.inside) > 1 else "same",
        f"{x - step * 0.3:.2f}", f"{_BARS - height:.2f}", f"{step * 0.6:.2f}", f"{height:.2f}",
    )  # fmt: skip
    places = [_row(i, len(one.inside)) for i, here in enumerate(one.inside) if here]
    line = format_html(
        '<line class="gridline base" x1="{}%" x2="{}%" y1="{}%" y2="{}%"/>',
        f"{x:.2f}",
        f"{x:.2f}",
        places[0],
        places[-1],
    )
    dots = format_html_join(
        "",
        '<circle class="fill-{}" cx="{}%" cy="{}%" r="{}"/>',
        (
            ("ink" if here else "same", f"{x:.2f}", _row(i, len(one.inside)), 5 if here else 2)
            for i, here in enumerate(one.inside)
        ),
    )
    return format_html("{}{}{}", bar, line, dots)
