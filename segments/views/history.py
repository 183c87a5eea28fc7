"""How a dynamic segment is: its state, its size over time, and who entered and left, when and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from contacts.models import Contact
from core import keyset
from core.http import redirect_to, render_page
from core.parse import parse_id
from segments import growth, history, refresh
from segments.models import MemberChange, Segment
from tenants.retention import rules
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

PAGE = 50
SHOWS = {"entered": "Entered", "left": "Left"}


@allow("segments.view")
@require_safe
def state(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """The fragment of a dynamic segment's page: how fresh its members are. It asks again while they are being refreshed."""
    segment = get_object_or_404(Segment.objects.dynamic(), pk=segment_id)
    return render_page(request, "segments/_state.html", {"segment": segment, "polled": True})


@allow("segments.edit")
@require_POST
def refresh_now(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """Compare the whole segment with its rule, now."""
    segment = get_object_or_404(Segment.objects.dynamic(), pk=segment_id)
    refresh.begin(segment)
    return redirect_to(request, "segments:detail", segment.pk)


@allow("segments.view")
@require_safe
def changes(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """Who entered and left, the latest first, in keyset pages, below the size over time."""
    segment = get_object_or_404(Segment, pk=segment_id)
    return render_page(request, "segments/history.html", shown(segment, request.GET))


def shown(segment: Segment, given: Mapping[str, str]) -> dict[str, Any]:
    """What the page of a segment, or of what has its members in one, shows of its history; `given`: `show` and `after`."""
    show = given.get("show", "")
    show = show if show in SHOWS else ""
    rows = MemberChange.objects.filter(segment_id=segment.pk, **({"entered": show == "entered"} if show else {}))
    behind = _behind(given.get("after", ""))
    if behind is not None:
        rows = rows.filter(keyset.beyond("at", *behind, key="contact_id"))
    page = list(rows.order_by("-at", "-contact_id")[: PAGE + 1])
    contacts = Contact.objects.in_bulk([row.contact_id for row in page])
    last = page[PAGE - 1] if len(page) > PAGE else None
    kept = f"show={show}&" if show else ""
    return {
        "segment": segment,
        "changes": [
            (row, contacts.get(row.contact_id), history.CAUSES.get(row.cause, row.cause)) for row in page[:PAGE]
        ],
        "chart": growth.chart(segment, now=timezone.now()),
        "show": show,
        "shows": SHOWS.items(),
        "older_url": f"?{kept}after={last.at.isoformat().replace('+', '%2B')},{last.contact_id}" if last else None,
        "first_url": f"?{kept.rstrip('&')}" if behind else None,
        "kept_days": rules.days_of("segments"),
    }


def _behind(place: str) -> tuple[datetime, int] | None:
    """The place in an address: time and contact."""
    at, _comma, contact = place.partition(",")
    try:
        moment = parse_datetime(at)
    except ValueError:
        return None
    number_of = parse_id(contact)
    return (moment, number_of) if moment is not None and moment.tzinfo is not None and number_of is not None else None
