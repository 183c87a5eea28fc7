"""Who came into a lookalike and who left it, refresh by refresh."""

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from audiences.lookalikes import history
from audiences.models import Lookalike
from contacts.models import Contact
from core.http import render_page
from core.parse import parse_id
from tenants.retention import rules
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

SHOWS = {"entered": "Entered", "left": "Left"}


@allow("audiences.view")
@require_safe
def changes(request: WorkspaceRequest, lookalike_id: int) -> HttpResponse:
    """The latest first, in keyset pages."""
    lookalike = get_object_or_404(Lookalike, pk=lookalike_id)
    show = request.GET.get("show", "")
    show = show if show in SHOWS else ""
    behind = _behind(request.GET.get("after", ""))
    rows, more = history.page(lookalike.pk, entered=show == "entered" if show else None, behind=behind)
    contacts = Contact.objects.in_bulk([row.contact_id for row in rows])
    kept = f"show={show}&" if show else ""
    context = {
        "lookalike": lookalike,
        "rows": [(row, contacts.get(row.contact_id)) for row in rows],
        "show": show,
        "shows": SHOWS.items(),
        "most": history.MOST,
        "kept_days": rules.days_of(history.Changes.key),
        "older_url": f"?{kept}after={_place(rows[-1].at, rows[-1].contact_id)}" if more else None,
        "first_url": f"?{kept.rstrip('&')}" if behind else None,
    }
    return render_page(request, "audiences/lookalike_history.html", context)


def _place(at: datetime, contact_id: int) -> str:
    return f"{at.isoformat().replace('+', '%2B')},{contact_id}"


def _behind(place: str) -> tuple[datetime, int] | None:
    """The place in an address: time and contact; None for one that makes no sense."""
    at, _comma, contact = place.partition(",")
    try:
        moment = parse_datetime(at)
    except ValueError:
        return None
    number = parse_id(contact)
    return (moment, number) if moment is not None and moment.tzinfo is not None and number is not None else None
