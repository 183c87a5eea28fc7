"""How figures are written for people: numbers, shares, times, durations and sizes."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
# A birthday without its year, as it is stored.
_YEARLESS = re.compile(r"--(0[1-9]|1[0-2])-([0-3][0-9])\Z").match

Number = int | float | Decimal


def number(value: Number | None, decimals: int = 0) -> str:
    """1234567 → "1,234,567", -5228 → "−5,228" with a real minus, None → "–"."""
    if value is None:
        return NOTHING
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def signed(value: Number | None) -> str:
    """A change: "+1,124", "−5,228", "0"."""
    return f"+{number(value)}" if value and value > 0 else number(value)


def percent(part: Number | None, total: Number | None) -> str:
    """One decimal, "66.2 %". What is not nothing never reads as 0 %, and what is not all never as 100 %."""
    if part is None or not total:
        return NOTHING
    share = 100 * float(part) / float(total)
    if share in (0.0, 100.0):
        return f"{share:.0f} %"
    if 0 < share < 0.05:
        return "under 0.1 %"
    if 99.95 <= share < 100:
        return "over 99.9 %"
    return f"{share:.1f} %".replace("-", MINUS)


def whole_percent(part: Number | None, total: Number | None) -> int:
    """Share for progress, 0 to 100, rounded down: 100 is said only when all is done."""
    if not part or not total:
        return 0
    return max(0, min(100, int(100 * float(part) / float(total))))


def duration(seconds: Number | timedelta | None) -> str:
    """84 ms, 6.3 s, 45 s, 4 min 10 s, 2 h 5 min, 3 days."""
    if seconds is None:
        return NOTHING
    span = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if 0 < span < 0.1:
        return f"{max(1, round(span * 1000))} ms"
    if span < 9.95:
        return f"{span:.1f}".removesuffix(".0") + " s"
    whole = round(span)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    if whole < 48 * 3600:
        return _two(whole // 3600, "h", whole % 3600 // 60, "min")
    return f"{whole // 86400} days"


def filesize(size: int | None) -> str:
    """Decimal units as limits are written in: "312 bytes", "12 KB", "129.0 MB", "500 MB" when it is exactly that."""
    if size is None:
        return NOTHING
    if size < 1000:
        return f"{size} byte" if size == 1 else f"{size} bytes"
    if size < 999_500:
        return f"{size / 1000:.0f} KB"
    unit, name = (10**9, "GB") if size >= 999_950_000 else (10**6, "MB")
    return f"{size // unit:,} {name}" if size % unit == 0 else f"{size / unit:,.1f} {name}"


def stored(value: Any) -> str:
    """A stored value of a contact as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str) and (match := _YEARLESS(value)):
        return f"{int(match[2])} {date(2000, int(match[1]), 1):%B}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def day(value: date | datetime, *, now: datetime | None = None) -> str:
    """Today, yesterday, tomorrow, "19 Nov" in this year, "19 Nov 2025" in another."""
    today = timezone.localtime(now).date()
    that = timezone.localtime(value).date() if isinstance(value, datetime) else value
    near = {0: "today", 1: "yesterday", -1: "tomorrow"}.get((today - that).days)
    if near:
        return near
    return f"{that.day} {that:%b}" if that.year == today.year else f"{that.day} {that:%b %Y}"


def moment(value: date | datetime, *, now: datetime | None = None) -> str:
    """ "today 14:06", "yesterday 16:41", "19 Nov 09:15"; of another year only the day: "19 Nov 2025"."""
    words = day(value, now=now)
    if not isinstance(value, datetime) or words[-4:].isdigit():
        return words
    return f"{words} {timezone.localtime(value):%H:%M}"


def full_moment(value: date | datetime) -> str:
    """The whole of it, for a title: "Sunday 22 November 2026, 14:06:12 EET"."""
    if not isinstance(value, datetime):
        return f"{value:%A} {value.day} {value:%B %Y}"
    local = timezone.localtime(value)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M:%S %Z}"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"
