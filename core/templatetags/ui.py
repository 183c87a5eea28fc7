"""The pieces that all pages are made of. A builtin library: templates use it without {% load %}."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

from core import formatting, outcome_bar
from core.charts import Chart, spark_svg

register = template.Library()
_NO_ROW, _LABEL = 987654321012345, "label-of-a-sign"


@dataclass(frozen=True)
class Status:
    """How a status looks: tone, sign and word. The sign "pulse" is the dot of a running thing."""

    tone: str
    sign: str
    word: str


STATUSES = {
    # Imports
    "preparing": Status("neutral", "pulse", "Preparing"),
    "ready_for_review": Status("warn", "eye", "Ready for review"),
    "importing": Status("edit", "pulse", "Importing"),
    "imported": Status("ok", "check", "Imported"),
    "failed": Status("bad", "circle-alert", "Failed"),
    "canceled": Status("neutral", "x", "Canceled"),
    "undoing": Status("edit", "pulse", "Undoing"),
    "undone": Status("outline", "undo-2", "Undone"),
    "stuck": Status("bad", "triangle-alert", "Stuck"),
    # Channels of a contact
    "active": Status("ok", "check", "Active"),
    "unsubscribed": Status("neutral", "mail-x", "Unsubscribed"),
    "not_confirmed": Status("warn", "clock", "Not confirmed"),
    "spam": Status("bad", "flag", "Spam report"),
    "blacklisted": Status("bad", "ban", "Blacklisted"),
    "blocked": Status("bad", "ban", "Blocked"),
    "deleted": Status("neutral", "trash-2", "Deleted"),
    # Tones, for a label of one's own
    "ok": Status("ok", "check", "Done"),
    "edit": Status("edit", "pencil", "Changed"),
    "warn": Status("warn", "triangle-alert", "Needs you"),
    "bad": Status("bad", "circle-alert", "In error"),
    "who": Status("who", "link", "Matched"),
    "neutral": Status("neutral", "", ""),
    "outline": Status("outline", "", ""),
}


# --- figures ------------------------------------------------------------------------------------------------------


@register.filter
def number(value: formatting.Number | str | None, decimals: int = 0) -> str:
    """{{ 1234567|number }} → 1,234,567; – for None and for what a template does not know."""
    return formatting.NOTHING if isinstance(value, str) else formatting.number(value, decimals)


@register.filter
def signed(value: formatting.Number | None) -> str:
    """{{ change|signed }} → +1,124 or −5,228."""
    return formatting.signed(value)


@register.filter
def percent(part: formatting.Number | None, total: formatting.Number | None) -> str:
    """{{ part|percent:total }} → 66.2 %."""
    return formatting.percent(part, total)


@register.filter
def whole_percent(part: formatting.Number | None, total: formatting.Number | None) -> int:
    """{{ done|whole_percent:total }} → 62, rounded down."""
    return formatting.whole_percent(part, total)


@register.filter
def duration(seconds: formatting.Number | timedelta | None) -> str:
    """{{ seconds|duration }} → 4 min 10 s."""
    return formatting.duration(seconds)


@register.filter
def filesize_exact(size: int | None) -> str:
    """{{ bytes|filesize_exact }} → 129.0 MB."""
    return formatting.filesize(size)


@register.filter
def ago(value: date | datetime | None, style: str = "") -> str:
    """{{ at|ago }} → today 14:06, as <time> with all of it in the title. {{ at|ago:"capital" }} begins a cell."""
    return _time(value, formatting.moment(value), style) if value else formatting.NOTHING


@register.filter
def day(value: date | datetime | None, style: str = "") -> str:
    """{{ at|day }} → 19 Nov: as `ago`, without the hour."""
    return _time(value, formatting.day(value), style) if value else formatting.NOTHING


def _time(value: date | datetime, words: str, style: str) -> SafeString:
    shown = words[0].upper() + words[1:] if style == "capital" else words
    full = formatting.full_moment(value)
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), full, shown)


_FULL = mark_safe('width="100%" height="100%"')
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


@register.filter
def at(items: Any, index: Any) -> Any:
    """{{ columns|at:2 }}, {{ counts|at:path }}: the item with that index or key; nothing when there is none."""
    if isinstance(items, Mapping):
        return items.get(index, "")
    return items[index] if index < len(items) else ""


@register.simple_tag
def value(stored: Any) -> str:
    """{% value contact.attributes.vip %}: a stored value as people read it."""
    return formatting.stored(stored)


@register.simple_tag
def row_url(route: str, pk: int, *rest: str) -> str:
    """{% row_url 'contacts:act' contact.pk name %}: as {% url %}, for the rows of long lists: the address is looked up once
    for all of them, which is a fifth of the time of a page with a hundred."""
    before, after = _address_parts(get_urlconf(), get_script_prefix(), route, rest)
    return f"{before}{pk}{after}"


@lru_cache(maxsize=2_000)
def _address_parts(_urlconf: str | None, _prefix: str, route: str, rest: tuple[str, ...]) -> tuple[str, str]:
    """The parts of an address before and behind its number; the first two arguments only tell addresses apart."""
    before, _number, after = reverse(route, args=(_NO_ROW, *rest)).partition(str(_NO_ROW))
    return before, after


# --- signs --------------------------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> str:
    """{% icon "upload" %}. Decorative unless `label` names it; size is "small" or "large"."""
    return _icon(str(name), str(label), str(size))


def _icon(name: str, label: str, size: str) -> SafeString:
    before, after = _svg(name, size, named=bool(label))
    return mark_safe(f"{before}{escape(label)}{after}")  # noqa: S308 - the label is escaped, the rest is ours


# Labels name rows, so nearly every one is different: only the parts around them are cached.
@lru_cache(maxsize=512)
def _svg(name: str, size: str, *, named: bool) -> tuple[str, str]:
    """The parts of an icon before and behind its label; without a label all is before."""
    attrs: dict[str, str] = {"class": f"i {size}".strip()}
    attrs |= {"role": "img", "aria_label": _LABEL} if named else {"aria_hidden": "true"}
    before, _label, after = lucide(name, size=16, **attrs).partition(_LABEL)
    return before, after


@register.simple_tag
def pulse(label: str = "") -> SafeString:
    """{% pulse %}: the dot of a running thing, the one loop of the product."""
    return format_html('<span class="pulse">{}</span>', _hidden(label))


@register.simple_tag
def dot(tone: str = "", label: str = "") -> SafeString:
    """{% dot "ok" %}: a coloured dot beside a word."""
    return format_html('<span class="dot {}">{}</span>', tone, _hidden(label))


@register.simple_tag
def channel_dot(status: str) -> SafeString:
    """{% channel_dot contact.email_status %}: the dot in the colour of a channel's status."""
    return dot(STATUSES[status].tone)


@register.simple_tag
def key(tone: str) -> SafeString:
    """{% key "skip" %}: the square of a legend."""
    return format_html('<svg class="key" aria-hidden="true"><rect class="fill-{}" {}/></svg>', tone, _FULL)


@register.simple_tag
def mark(name: str, colour: str) -> SafeString:
    """{% mark workspace.name workspace.colour %}: its letter on its colour, in black or white."""
    paint = colour if _HEX.fullmatch(colour or "") else "#4b5563"
    letter = format_html(
        '<text x="50%" y="50%" dy=".35em" text-anchor="middle" fill="{}">{}</text>',
        _readable_on(paint), name[:1].upper(),
    )  # fmt: skip
    return format_html('<svg class="mark" aria-hidden="true"><rect {} fill="{}"/>{}</svg>', _FULL, paint, letter)


def _readable_on(paint: str) -> str:
    """Black or white, whichever has more contrast (WCAG 2 relative luminance)."""
    channels = [int(paint[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return "#ffffff" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179 else "#14181d"


@register.simple_tag
def pill(status: str, label: str = "", icon: str | None = None) -> SafeString:
    """{% pill "imported" %}, {% pill "warn" "Not confirmed" icon="clock" %}: sign and word on a tint."""
    known = STATUSES.get(status, Status("neutral", "", status.replace("_", " ").capitalize()))
    name = known.sign if icon is None else icon
    sign = pulse() if name == "pulse" else _icon(name, "", "") if name else ""
    return format_html('<span class="pill {}">{}{}</span>', known.tone, sign, label or known.word)


def _hidden(label: str) -> str:
    return format_html('<span class="visually-hidden">{}</span>', label) if label else ""


@register.filter
def order_items(value: Any) -> list[tuple[str, str]]:
    """{% for name, quantity in order.properties.items|order_items %}: what was ordered, of any shape that a site or a file
    may have said it in; at most twenty."""
    items = []
    for item in value if isinstance(value, list | tuple) else [value]:
        about = item if isinstance(item, dict) else {"name": item}
        name = next((about[key] for key in _ITEM_NAMES if about.get(key) not in (None, "")), "")
        quantity = next((about[key] for key in ("quantity", "qty", "count") if about.get(key)), "")
        if name and isinstance(name, str | int | float | Decimal):
            items.append(
                (str(name)[:120], str(quantity)[:12] if isinstance(quantity, str | int | float | Decimal) else "")
            )
    return items[:20]


@register.filter
def change(proposal: Any, column: int) -> str:
    """{{ square.proposal|change:forloop.counter0 }}: a change of cells as the button of a sheet sends it."""
    return json.dumps([column, proposal.find, proposal.put, proposal.whole], ensure_ascii=False)


_ITEM_NAMES = ("name", "title", "product", "item", "sku", "id")


# --- rows by outcome ----------------------------------------------------------------------------------------------


@register.simple_tag
def strip(counts: Any, size: str = "", label: str = "") -> SafeString:
    """{% strip counts %}, {% strip counts "thick" %}: the stacked bar; the rest of `counts.rows` is the empty track."""
    pieces = outcome_bar.segments(counts, least=1.0 if size == "thick" else 2.0)
    rects = format_html_join(
        "", '<rect class="fill-{}" x="{}" width="{}" height="100%"/>', ((p.tone, p.x, p.width) for p in pieces)
    )
    name = label or outcome_bar.sentence(counts)
    return format_html('<svg class="strip {}" role="img" aria-label="{}">{}</svg>', size, name, rects)


@register.inclusion_tag("ui/sum.html")
def outcome_sum(
    counts: Any,
    urls: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
    plan: bool = False,
    joined: str = "",
) -> dict[str, Any]:
    """{% outcome_sum counts urls=urls notes=notes plan=True %}: six outcomes that add up to the rows of the file. `joined`
    is what rows are called that were joined into others, where that is no duplicate (each is an event of its own)."""
    words = {"duplicates": joined} if joined else {}
    return {"sum": outcome_bar.summed(counts, urls=urls or {}, notes=notes or {}, plan=plan, words=words)}


@register.inclusion_tag("ui/legend.html")
def legend() -> dict[str, Any]:
    """{% legend %}: the key to all strips of a page."""
    return {"outcomes": outcome_bar.OUTCOMES}


# --- sentences ----------------------------------------------------------------------------------------------------


@register.simple_block_tag
def note(content: SafeString, tone: str = "", **said: Any) -> SafeString:
    """{% note "warn" icon="eye" strong="Nothing is written." %}Text{% endnote %}: ui/note.html around a long text."""
    return _around("ui/note.html", content, tone=tone, **said)


@register.simple_block_tag
def empty_state(content: SafeString, **said: Any) -> SafeString:
    """{% empty_state icon="search" title="No matches" url=url action="Show all" %}Text{% endempty_state %}."""
    return _around("ui/empty.html", content, **said)


def _around(name: str, content: SafeString, **said: Any) -> SafeString:
    text = mark_safe(" ".join(content.split()))  # noqa: S308 - the content was escaped when it was drawn
    return render_to_string(name, {**said, "text": text})


# --- bars and charts ----------------------------------------------------------------------------------------------


@register.simple_tag
def progress(
    done: formatting.Number, total: formatting.Number, label: str = "Progress", tone: str = "ink"
) -> SafeString:
    """{% progress done total "Uploading" %}: a bar of one colour with its value for assistive technology."""
    share = formatting.whole_percent(done, total)
    return format_html(
        '<svg class="strip" role="progressbar" aria-label="{}" aria-valuemin="0" aria-valuemax="100" '
        'aria-valuenow="{}"><rect class="fill-{}" width="{}%" height="100%"/></svg>',
        label, share, tone, share,
    )  # fmt: skip


@register.simple_tag
def bar(part: formatting.Number, total: formatting.Number, tone: str = "ink") -> SafeString:
    """{% bar part total "who" %}: a thin bar under a figure that already says the number."""
    share = 100 * float(part) / float(total) if part and total else 0.0
    width = max(share, 1.0) if share else 0.0
    return format_html(
        '<svg class="strip thin" aria-hidden="true"><rect class="fill-{}" width="{}%" height="100%"/></svg>',
        tone, f"{min(width, 100):.2f}",
    )  # fmt: skip


@register.simple_tag
def parts_bar(parts: Any, whole: int, label: str) -> SafeString:
    """{% parts_bar counts total "Contacts by identifier" %}: parts with `tone` and `count`; one without a tone is the empty
    track."""
    found = outcome_bar.pieces([(p.tone, p.count) for p in parts if p.tone], whole) if whole else []
    rects = format_html_join(
        "", '<rect class="fill-{}" x="{}" width="{}" height="100%"/>', ((p.tone, p.x, p.width) for p in found)
    )
    return format_html('<svg class="strip thick" role="img" aria-label="{}">{}</svg>', label, rects)


@register.inclusion_tag("ui/chart.html")
def chart(chart: Chart) -> dict[str, Any]:
    """{% chart chart %}: the picture, and all of its figures under "Show as a table"."""
    return {"chart": chart}


@register.simple_tag
def spark(values: list[float], label: str = "", tone: str = "ink", size: str = "") -> SafeString:
    """{% spark values "Wait in the last hour, between 0 and 6 s" %}: a line without axes."""
    return spark_svg(values, label=label, tone=tone, size=size)
