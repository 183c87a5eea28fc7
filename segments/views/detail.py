"""A segment: its members, its rule in words, its sizes, and what uses it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.http import render_page
from segments import channels, growth, list_filter, member_list, usage
from segments.member_list import MemberQuery
from segments.models import Segment
from segments.rules import rule_text, tree
from segments.rules.tree import Group, InSegment
from tenants.roles import allow, tolerates_lag
from tenants.web.request import WorkspaceRequest


@allow("segments.view")
@require_safe
def detail(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """The members of a segment with search and order, and beside them what is known of it."""
    segment = get_object_or_404(Segment.objects.select_related("created_by"), pk=segment_id)
    workspace: Any = request.workspace
    query = MemberQuery.of(request.GET.dict(), region=workspace.country or None)
    shown = member_list.page(segment, query)
    rule = tree.parse(segment.rule) if segment.rule is not None else None
    found, more = member_list.count(segment, query) if query.q else (0, False)
    context = {
        "segment": segment,
        "query": query,
        "rows": shown.rows,
        "size": member_list.size(segment),
        "found": found,
        "more": more,
        "orders": [(key, order.label) for key, order in member_list.ORDERS.items()],
        "heads": member_list.heads(query),
        "problem": list_filter.problem(segment) if rule is not None else "",
        "phrases": rule_text.phrases(rule) if rule is not None else [],
        "members_rule": tree.dumps(Group("all", (InSegment(segment.pk, "in"),))),
        "uses": usage.uses([segment.pk])[segment.pk],
        "chart": growth.chart(segment, now=timezone.now()),
        "older_url": query.link(after=shown.after) if shown.after else None,
        "first_url": query.link() if query.after else None,
    }
    return render_page(request, "segments/detail.html", context)


@allow("segments.view")
@tolerates_lag
@require_safe
def sizes(request: WorkspaceRequest, segment_id: int) -> HttpResponse:
    """The fragment of a segment: how many of its contacts may be written to, by channel."""
    segment = get_object_or_404(Segment, pk=segment_id)
    return render_page(request, "segments/_channels.html", {"channels": channels.of_segment(segment)})
