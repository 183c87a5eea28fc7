"""The parts of the page of the audience: what there is, and what the latest is made of."""

from datetime import timedelta
from typing import Any

from django.urls import reverse

from core.formatting import number
from insights.dashboards import overview, traffic
from insights.dashboards.chain import chain_svg
from insights.dashboards.overview import KINDS
from insights.dashboards.parts import Asked, Part, Shown
from insights.dashboards.tables import Table


def cards(asked: Asked) -> Shown:
    """How many of each kind there are, and how many are new."""
    span = asked.query.span
    counts = overview.counts(
        since=asked.midnight(span.before.first), begin=asked.midnight(span.first),
        until=asked.midnight(span.last + timedelta(days=1)),
    )  # fmt: skip
    collected = traffic.collected(span, asked.query.site_id, midnight=asked.midnight)
    pixel = (overview.pixel_contacts(), collected.now, collected.before)
    rows: list[list[Any]] = [
        ["Pixel contacts", *pixel],
        *([kind.label, *counts.get(key, (0, 0, 0))] for key, kind in KINDS.items()),
    ]
    urls = [("tracking:visitors", "contacts.view"), *((kind.list_route, kind.permission) for kind in KINDS.values())]
    stats = [
        {
            "label": row[0], "figure": number(row[1]), "note": f"{number(row[2])} new",
            "url": reverse(route) if asked.membership.may(permission) else "",
        }
        for row, (route, permission) in zip(rows, urls, strict=True)
    ]  # fmt: skip
    heads = ["What", "All", "New", "New in the period before"]
    return Shown({"stats": stats}, [Table("audience", "Audience", heads, rows)])


def latest(asked: Asked) -> Shown:
    """The latest of each kind, and what is made of what."""
    by_kind = {
        kind: made if asked.membership.may(KINDS[kind].permission) else [] for kind, made in overview.newest().items()
    }
    rows = [
        [one.about.one.capitalize(), one.name, one.contacts, one.created_at.date(), one.chain]
        for made in by_kind.values()
        for one in made
    ]
    links = overview.links(by_kind)
    heads = ["Kind", "Name", "Contacts", "Created", "Made of"]
    columns = [(KINDS[kind], made) for kind, made in by_kind.items()]
    return Shown(
        {"columns": columns, "picture": chain_svg(links, columns=len(KINDS), rows=overview.LATEST), "any": bool(rows)},
        [Table("latest", "The latest of each kind", heads, rows)],
    )


PARTS = (
    Part("cards", "Audience", cards, ("audience",)),
    Part("latest", "From contacts to destinations", latest, ("latest",)),
)
