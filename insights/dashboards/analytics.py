"""The parts of the page of analytics: who came, how far, what they ordered, and what led them here."""

from datetime import date
from typing import Any

from core import charts
from core.formatting import number, percent
from insights.dashboards import traffic
from insights.dashboards.date_range import DateRange
from insights.dashboards.parts import Asked, Part, Shown, change_of, stat
from insights.dashboards.tables import Table
from insights.dashboards.traffic import Compared

STEPS = ("Visited", "Viewed a product", "Added to cart", "Ordered")
ORIGINS_SHOWN = 8


def day_label(day: date) -> str:
    """ "26 Oct", below a chart."""
    return f"{day.day} {day:%b}"


def figures(asked: Asked) -> Shown:
    """Visitors, page views, who is new, and contacts that visitors turned out to be."""
    span, before = asked.query.span, asked.query.span.before
    visits = traffic.visits(span, asked.query.site_id)
    collected = traffic.collected(span, asked.query.site_id, midnight=asked.midnight)
    seen, new = visits.steps[0], visits.new
    returning = Compared(seen.now - new.now, seen.before - new.before)
    views = Compared(visits.views(span), visits.views(before))
    stats = [
        stat("Visitors", seen), stat("Page views", views), stat("New visitors", new),
        stat("Returning visitors", returning), stat("Contacts recognized", collected),
    ]  # fmt: skip
    rows = [
        [one["label"], figure.now, figure.before]
        for one, figure in zip(stats, (seen, views, new, returning, collected), strict=True)
    ]
    return Shown({"stats": stats}, [Table("figures", "Figures", ["Figure", "Now", "Before"], rows)])


def visitors(asked: Asked) -> Shown:
    """Visitors a day beside the period before."""
    span, before = asked.query.span, asked.query.span.before
    visits = traffic.visits(span, asked.query.site_id)
    seen = visits.steps[0]
    rows: list[list[Any]] = [
        [day, *visits.by_day.get(day, (0, 0)), *visits.by_day.get(then, (0, 0))]
        for day, then in zip(span.dates(), before.dates(), strict=True)
    ]
    chart = charts.line(
        [day_label(row[0]) for row in rows], [row[1] for row in rows], before=[row[3] for row in rows],
        name=span.words, before_name=before.words,
        sentence=f"Visitors a day: {number(seen.now)} in {span.words}, {number(seen.before)} in as many days before",
    )  # fmt: skip
    heads = ["Day", "Visitors", "Page views", "Visitors before", "Page views before"]
    return Shown(
        {"chart": chart if len(rows) > 1 else None, "any": bool(seen.now or seen.before)},
        [Table("visitors", "Visitors a day", heads, rows, charted=len(rows) > 1)],
    )


def funnel(asked: Asked) -> Shown:
    """From a visit to an order: each visitor counts once in a step, the furthest decides."""
    steps = traffic.visits(asked.query.span, asked.query.site_id).steps
    shown = []
    for place, (label, step) in enumerate(zip(STEPS, steps, strict=True)):
        ahead = steps[place - 1] if place else step
        shown.append(
            {
                "label": label, "count": step.now, "before": step.before,
                "went_on": percent(step.now, ahead.now) if place else "",
                "left": ahead.now - step.now, "change": change_of(step.now, step.before),
            }
        )  # fmt: skip
    rows = [
        [label, step.now, step.before, None if not place else steps[place - 1].now - step.now]
        for place, (label, step) in enumerate(zip(STEPS, steps, strict=True))
    ]
    return Shown(
        {"steps": shown, "picture": charts.funnel_svg([step.now for step in steps]), "any": bool(steps[0].now)},
        [
            Table(
                "funnel", "From visit to order", ["Step", "Visitors", "Visitors before", "Left before this step"], rows
            )
        ],
    )


def orders(asked: Asked) -> Shown:
    """Orders, and revenue by currency, which is never added up."""
    span = asked.query.span
    found = traffic.orders(span, asked.query.site_id, claimed=asked.workspace.count_claimed_orders)
    revenues = [
        {
            "currency": one.currency or "No currency", "amount": one.amount, "before": one.amount_before,
            "orders": one.orders.now, "average": one.average, "change": change_of(one.amount, one.amount_before),
        }
        for one in found.revenues
    ]  # fmt: skip
    rows = [
        [one.currency, one.orders.now, one.amount, one.average, one.orders.before, one.amount_before]
        for one in found.revenues
    ]
    heads = ["Currency", "Orders with an amount", "Revenue", "Average order", "Orders before", "Revenue before"]
    days = span.dates()
    chart = charts.bars(
        [day_label(day) for day in days], [found.by_day.get(day, 0) for day in days], name="Orders",
        sentence=f"Orders a day: {number(found.orders.now)} from {span.words}",
    )  # fmt: skip
    context = {
        "count": stat("Orders", found.orders), "revenues": revenues, "any": bool(found.orders.now or found.orders.before),
        "chart": chart if found.orders.now and len(days) > 1 else None, "claims": found.claims,
        "claims_count": asked.workspace.count_claimed_orders, "settings": asked.membership.may("settings.manage"),
    }  # fmt: skip
    daily = [[day, found.by_day.get(day, 0)] for day in days]
    return Shown(
        context,
        [
            Table("revenue", "Revenue", heads, rows),
            Table("orders", "Orders a day", ["Day", "Orders"], daily, charted=bool(context["chart"])),
        ],
    )


def origins(asked: Asked) -> Shown:
    """What led visitors here: sources, then all with medium and campaign."""
    found = traffic.origins(asked.query.span, asked.query.site_id)
    by_source: dict[str, int] = {}
    for one in found:
        by_source[one.source] = by_source.get(one.source, 0) + one.visitors.now
    ranked = sorted(by_source.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _source, count in ranked[ORIGINS_SHOWN:])
    bars = [(source or "Direct", count) for source, count in ranked[:ORIGINS_SHOWN]]
    if rest:
        bars.append((f"Other, {number(len(ranked) - ORIGINS_SHOWN)} sources", rest))
    rows = [
        [one.source or "Direct", one.medium, one.campaign, one.visitors.now, one.visitors.before, one.views, one.orders]
        for one in found[: traffic.SOURCES]
    ]
    heads = ["Source", "Medium", "Campaign", "Visitors", "Visitors before", "Page views", "Orders"]
    most = max((count for _label, count in bars), default=0)
    return Shown(
        {"bars": bars, "most": most, "any": bool(bars)}, [Table("origins", "Where visitors come from", heads, rows)]
    )


def live(asked: Asked) -> Shown:
    """Who is on the sites now."""
    visitors_now, known = traffic.present(asked.query.site_id, now=asked.now)
    return Shown({"visitors": visitors_now, "known": known, "more": visitors_now >= traffic.MOST_PRESENT})


def span_before(span: DateRange) -> str:
    """What figures are compared with, in words."""
    return f"{span.before.words}, the {span.days} day{'s' if span.days != 1 else ''} before"


PARTS = (
    Part("figures", "Visitors", figures, ("figures",)),
    Part("visitors", "Visitors a day", visitors, ("visitors",), width=2),
    Part("origins", "Where they come from", origins, ("origins",), width=1),
    Part("funnel", "From visit to order", funnel, ("funnel",)),
    Part("orders", "Orders and revenue", orders, ("revenue", "orders")),
)
LIVE = Part("live", "Now", live)
