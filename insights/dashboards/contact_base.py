"""The parts of the page of the contact base: growth, statuses, origins, consent, duplicates and how good imports are."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from contacts.models import ConsentPurpose, EmailStatus, Origin, PhoneStatus
from core import charts
from core.formatting import number, percent, signed
from imports.problems import catalogue
from insights.dashboards.analytics import day_label
from insights.dashboards.date_range import DateRange
from insights.dashboards.parts import Asked, Part, Shown
from insights.dashboards.tables import Table
from insights.models import ContactCount
from tenants.isolation.statements import fetch

# What of a kind there is by day; all before a span as of the day before it.
TALLIES = """
SELECT t.kind, t.label, greatest(t.day, %(before)s), sum(t.contacts) FROM contact_tally t
WHERE t.tenant_id = %(tenant)s AND t.kind = ANY(%(kinds)s) GROUP BY 1, 2, 3"""
# Imports that ended in a span: by day, rows and rows in error; and the reasons, each of these a row of its own.
IMPORTS = """
SELECT (i.finished_at AT TIME ZONE %(zone)s)::date, count(*), sum(i.rows), sum(i.in_error),
  count(*) FILTER (WHERE i.in_error * 50 > i.rows)
FROM import i WHERE i.tenant_id = %(tenant)s AND i.finished_at >= %(from)s AND i.finished_at < %(until)s
  AND i.status IN ('imported', 'undone') AND i.rows > 0 GROUP BY 1"""
REASONS = """
SELECT t.code, (i.finished_at AT TIME ZONE %(zone)s)::date, sum(t.rows) FROM import_error_tally t
JOIN import i ON i.tenant_id = %(tenant)s AND i.id = t.import_id
WHERE t.tenant_id = %(tenant)s AND t.code <> '' AND i.finished_at >= %(from)s AND i.finished_at < %(until)s
  AND i.status IN ('imported', 'undone') GROUP BY 1, 2"""
_TONES = {"active": "ok", "not_confirmed": "warn", "unsubscribed": "ink", "blacklisted": "bad", "spam": "who"}
REASONS_SHOWN = 8

_ByDay = dict[str, dict[str, dict[date, int]]]


def growth(asked: Asked) -> Shown:
    """How many contacts there were on each day, where the new ones came from, and what they can be reached by."""
    span = asked.query.span
    found = _tallies(["made", "deleted", "channel"], span)
    made, deleted = _together(found["made"]), _together(found["deleted"])
    totals = [a - b for a, b in zip(_sums(made, span), _sums(deleted, span), strict=True)]
    fresh, gone = _within(made, span), _within(deleted, span)
    start = made.get(_eve(span), 0) - deleted.get(_eve(span), 0)
    channels = {label: sum(days.values()) for label, days in found["channel"].items()}
    now = totals[-1] if totals else 0
    email, phone = (channels.get(key, 0) + channels.get("both", 0) for key in ("email", "phone"))
    stats = [
        {"label": "Contacts", "figure": number(now), "note": f"{signed(now - start)} in this period"},
        {"label": "New", "figure": number(fresh), "note": "made and not erased since"},
        {"label": "Deleted", "figure": number(gone), "note": "can be restored"},
        {"label": "With e-mail", "figure": percent(email, now), "note": f"{number(email)} contacts"},
        {"label": "With phone", "figure": percent(phone, now), "note": f"{number(phone)} contacts"},
    ]
    days = span.dates()
    chart = charts.line(
        [day_label(day) for day in days], totals, name="Contacts",
        sentence=f"Contacts by day: {number(now)} on {day_label(span.last)}, {number(start)} before {day_label(span.first)}",
    )  # fmt: skip
    rows = [[day, total, made.get(day, 0), deleted.get(day, 0)] for day, total in zip(days, totals, strict=True)]
    return Shown(
        {"stats": stats, "chart": chart if len(days) > 1 else None, "any": bool(now or start), "count": _count()},
        [Table("growth", "Contacts by day", ["Day", "Contacts", "New", "Deleted"], rows)],
    )


def statuses(asked: Asked) -> Shown:
    """Since when contacts have the status that they have now."""
    span = asked.query.span
    found = _tallies(["email", "phone"], span)
    days = span.dates()
    words = [("email", label, word) for label, word in EmailStatus.choices]
    words += [("phone", label, word) for label, word in PhoneStatus.choices]
    series = {(kind, label): _sums(found[kind].get(label, {}), span) for kind, label, _word in words}
    lines = [
        (str(word), series[kind, label], _TONES[label])
        for kind, label, word in words
        if kind == "email" and label != EmailStatus.ACTIVE and any(series[kind, label])
    ]
    chart = charts.lines([day_label(day) for day in days], lines, sentence=_status_sentence(lines))
    heads = ["Day", *(f"{'E-mail' if kind == 'email' else 'Phone'}: {word}" for kind, _label, word in words)]
    rows = [[day, *(series[kind, label][i] for kind, label, _word in words)] for i, day in enumerate(days)]
    current = [
        {"kind": kind, "status": label, "word": word, "count": series[kind, label][-1]} for kind, label, word in words
    ]
    groups = [
        ("E-mail", [one for one in current if one["kind"] == "email"]),
        ("Phone", [one for one in current if one["kind"] == "phone"]),
    ]
    return Shown(
        {
            "chart": chart if lines and len(days) > 1 else None,
            "groups": groups,
            "any": any(c["count"] for c in current),
        },
        [Table("statuses", "Statuses by day", heads, rows)],
    )


def sources(asked: Asked) -> Shown:
    """How contacts came to be, those of the span and all; consent, and duplicates that nobody has decided on."""
    span = asked.query.span
    found = _tallies(["made", "consent"], span)
    rows: list[list[Any]] = [
        [str(word), sum(found["made"].get(key, {}).values()), _within(found["made"].get(key, {}), span)]
        for key, word in Origin.choices
    ]
    rows = sorted((row for row in rows if row[1]), key=lambda row: (-row[2], -row[1]))
    consent = [
        [str(word), sum(found["consent"].get(key, {}).values()), _within(found["consent"].get(key, {}), span)]
        for key, word in ConsentPurpose.choices
    ]
    count = _count()
    told: Mapping[str, int] = count.duplicates if count else {}
    duplicates = [
        ("Same e-mail", told.get("email", 0), "contacts:duplicates"),
        ("Same phone", told.get("phone", 0), "contacts:duplicates_phone"),
        ("Probable duplicates", told.get("probable", 0), "contacts:probable"),
    ]
    return Shown(
        {"origins": rows, "most": max((row[2] for row in rows), default=0), "consent": consent, "duplicates": duplicates,
         "any": bool(rows)},
        [
            Table("made", "Where contacts came from", ["Origin", "All", "New"], rows),
            Table("consent", "Recorded consent", ["Purpose", "Contacts", "New"], consent),
            Table("duplicates", "Open duplicates", ["Kind", "Groups"], [[row[0], row[1]] for row in duplicates]),
        ],
    )  # fmt: skip


def quality(asked: Asked) -> Shown:
    """Rows in error by day, and why."""
    span = asked.query.span
    when: dict[str, Any] = {
        "from": asked.midnight(span.first), "until": asked.midnight(span.last + timedelta(days=1)),
        "zone": asked.workspace.time_zone or "UTC",
    }  # fmt: skip
    by_day = {row[0]: [int(n or 0) for n in row[1:]] for row in fetch(IMPORTS, **when)}
    reasons: dict[str, int] = defaultdict(int)
    daily: list[list[Any]] = []
    for code, day, rows in sorted(fetch(REASONS, **when), key=lambda row: (row[1], row[0])):
        reasons[code] += int(rows)
        daily.append([day, catalogue.title(code), int(rows)])
    days = span.dates()
    count, all_rows, errors, poor = (sum(row[place] for row in by_day.values()) for place in range(4))
    tones = ["bad" if (row := by_day.get(day)) and row[3] else "same" for day in days]
    chart = charts.bars(
        [day_label(day) for day in days], [by_day.get(day, [0] * 4)[2] for day in days], name="Rows in error", tones=tones,
        sentence=f"Rows in error a day: {number(errors)} of {number(all_rows)} rows of {number(count)} imports",
    )  # fmt: skip
    ranked = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = [[day, *by_day[day][:3], percent(by_day[day][2], by_day[day][1])] for day in days if day in by_day]
    return Shown(
        {
            "chart": chart if errors and len(days) > 1 else None, "imports": count, "rows": all_rows, "errors": errors,
            "poor": poor, "reasons": [(catalogue.title(code), rows) for code, rows in ranked[:REASONS_SHOWN]],
            "most": ranked[0][1] if ranked else 0,
        },
        [
            Table("imports", "Rows in error by day", ["Day", "Imports", "Rows", "In error", "Share"], rows),
            Table("reasons", "Reasons by day", ["Day", "Reason", "Rows"], daily),
        ],
    )  # fmt: skip


def _count() -> ContactCount | None:
    found: ContactCount | None = ContactCount.objects.first()
    return found


def _tallies(kinds: Sequence[str], span: DateRange) -> _ByDay:
    found: _ByDay = {kind: {} for kind in kinds}
    for kind, label, day, contacts in fetch(TALLIES, kinds=list(kinds), before=_eve(span)):
        found[kind].setdefault(label, {})[day or _eve(span)] = int(contacts)
    return found


def _eve(span: DateRange) -> date:
    """The day before a span, which stands for all of the time before."""
    return span.first - timedelta(days=1)


def _together(by_label: Mapping[str, Mapping[date, int]]) -> dict[date, int]:
    days: dict[date, int] = defaultdict(int)
    for one in by_label.values():
        for day, contacts in one.items():
            days[day] += contacts
    return dict(days)


def _sums(days: Mapping[date, int], span: DateRange) -> list[int]:
    """How many there are at the end of each day of a span."""
    total, sums = days.get(_eve(span), 0), []
    for day in span.dates():
        total += days.get(day, 0)
        sums.append(total)
    return sums


def _within(days: Mapping[date, int], span: DateRange) -> int:
    return sum(contacts for day, contacts in days.items() if span.first <= day <= span.last)


def _status_sentence(lines: Sequence[tuple[str, Sequence[int], str]]) -> str:
    told = ", ".join(f"{number(values[-1])} {word.lower()}" for word, values, _tone in lines)
    return f"Contacts by status of their e-mail, by day: {told or 'none'}"


PARTS = (
    Part("growth", "Growth", growth, ("growth",)),
    Part("statuses", "Statuses of channels", statuses, ("statuses",), width=2),
    Part("sources", "Where contacts came from", sources, ("made", "consent", "duplicates"), width=1),
    Part("quality", "Import quality", quality, ("imports", "reasons")),
)
