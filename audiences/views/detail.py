"""An audience: its size, who is in it and why the others are not, what entered and left, its overlap, and its CSV."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from audiences import address_refusals, contact_lists, definition, funnel, lifecycle, overlap, usage
from audiences.models import Audience
from contacts.models import Contact
from core.http import redirect_to, render_page
from imports import csv_output
from segments import channels, growth, member_list, refresh
from segments.member_list import MemberQuery
from segments.models import Member
from segments.rules import contact_sample
from segments.views import history as segment_history
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

CSV_PAGE = 2_000


@allow("audiences.view")
@require_safe
def detail(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """The page of an audience. What takes longer comes afterwards."""
    audience = get_object_or_404(Audience.objects.select_related("created_by"), pk=audience_id)
    segment, said = lifecycle.segment_of(audience), definition.of_plain(audience.definition)
    names = contact_lists.names(said.lists)
    query = MemberQuery.of({"after": request.GET.get("after", "")}, region=None)
    page = member_list.page(segment, query)
    context = {
        "audience": audience,
        "segment": segment,
        "size": member_list.size(segment),
        "everybody": contact_sample.total(),
        "words": definition.words(said, audience.use, names),
        "lists": [(one, contact_lists.KINDS[one.kind], names.get(one, ""), _url(one, names)) for one in said.lists],
        "missing": any(one not in names for one in said.lists),
        "rows": page.rows,
        "chart": growth.chart(segment, now=timezone.now()),
        "uses": usage.uses([audience.pk])[audience.pk],
        "older_url": query.link(after=page.after) if page.after else None,
        "first_url": "?" if query.after else None,
        "until": lifecycle.restorable_until(audience),
    }
    return render_page(request, "audiences/detail.html", context)


def _url(one: contact_lists.ContactList, names: Any) -> str:
    return contact_lists.url_of(one) if one in names else ""


@allow("audiences.view")
@require_safe
def state(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """The fragment with the freshness of the members. It asks again while they are built."""
    audience = get_object_or_404(Audience, pk=audience_id)
    context = {"audience": audience, "segment": lifecycle.segment_of(audience), "polled": True}
    return render_page(request, "audiences/_state.html", context)


@allow("audiences.view")
@require_safe
def remain(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """The fragment with the funnel, counted now."""
    audience = get_object_or_404(Audience, pk=audience_id)
    said = definition.of_plain(audience.definition)
    cells = funnel.count(said, saved=audience.segment_id)
    permitted = address_refusals.permitted(said, audience.use)
    names = contact_lists.names(said.lists)
    found = funnel.of_cells(cells, said, audience.use, names=names, permitted=permitted)
    return render_page(request, "audiences/_funnel.html", {"funnel": found})


@allow("audiences.view")
@require_safe
def shared(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """The fragment with the other audiences that have members in common with it."""
    audience = get_object_or_404(Audience, pk=audience_id)
    size = member_list.size(lifecycle.segment_of(audience))
    context = {"shared": overlap.of_audience(audience, size), "size": size}
    return render_page(request, "audiences/_shared.html", context)


@allow("audiences.view")
@require_safe
def reach(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """The fragment that says how many members may be written to, by channel."""
    audience = get_object_or_404(Audience, pk=audience_id)
    found = channels.of_segment(lifecycle.segment_of(audience))
    return render_page(request, "segments/_channels.html", {"channels": found})


@allow("audiences.view")
@require_safe
def changes(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """Who entered and left, the latest first, below the size over time."""
    audience = get_object_or_404(Audience, pk=audience_id)
    shown = segment_history.shown(lifecycle.segment_of(audience), request.GET)
    return render_page(request, "audiences/history.html", {**shown, "audience": audience})


@allow("audiences.edit")
@require_POST
def refresh_now(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """Compare the whole audience with its definition, now."""
    audience = get_object_or_404(Audience, pk=audience_id, archived_at=None)
    refresh.begin(lifecycle.segment_of(audience))
    return redirect_to(request, "audiences:detail", audience.pk)


HEADS = ("contact_id", "external_id", "email", "phone", "first_name", "last_name", "ads_consent", "added_at")


@allow("contacts.export")
@require_POST
def download(request: WorkspaceRequest, audience_id: int) -> HttpResponseBase:
    """The members as CSV. A POST, because the audit log tells who has taken them."""
    audience = get_object_or_404(Audience, pk=audience_id, archived_at=None)
    audit.record("audience.exported", user_id=user_id(request), target=f"audience {audience.pk}", name=audience.name)
    lines = csv_output.streamed(request.workspace.pk, _lines(audience.segment_id))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audience-{audience.pk}.csv"'
    return response


def _lines(segment_id: int) -> Iterator[str]:
    yield csv_output.line(HEADS)
    after = 0
    while True:
        members = Member.objects.filter(segment_id=segment_id, contact_id__gt=after).order_by("contact_id")
        page = list(members.values_list("contact_id", "added_at")[:CSV_PAGE])
        if not page:
            return
        after = page[-1][0]
        contacts = Contact.objects.living().in_bulk([pk for pk, _at in page])
        for pk, at in page:
            if pk in contacts:
                yield csv_output.line(_cells(contacts[pk], at))


def _cells(contact: Contact, added_at: Any) -> list[str]:
    own = [contact.external_id, contact.email_display, contact.phone_display, contact.first_name, contact.last_name]
    at = timezone.localtime(added_at).isoformat(timespec="seconds")
    return [str(contact.pk), *(value or "" for value in own), str(contact.attributes.get("ads_consent") or ""), at]
