"""What several segments have in common, on one page."""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from core.http import render_page
from core.parse import parse_ids
from segments import overlap
from segments.models import Segment
from segments.rules import tree
from tenants.roles import allow, tolerates_lag
from tenants.web.request import WorkspaceRequest

OFFERED = 500


@allow("segments.view")
@tolerates_lag
@require_safe
def compare(request: WorkspaceRequest) -> HttpResponse:
    """Segments to choose from, and every combination of those that were chosen."""
    asked = list(dict.fromkeys(parse_ids(request.GET.getlist("segment"))))
    known = {one.pk: one for one in Segment.objects.present().filter(pk__in=asked[:50])}
    chosen = [known[pk] for pk in asked if pk in known]
    error = _refused(asked, chosen)
    context: dict[str, Any] = {
        "offered": Segment.objects.present().order_by("name")[:OFFERED],
        "chosen": [one.pk for one in chosen],
        "most": overlap.MOST,
        "error": error,
    }
    if len(chosen) >= overlap.FEWEST and not error:
        found = overlap.of_segments(chosen)
        context |= {
            "overlap": found,
            "chart": overlap.picture(found),
            "rows": [(one, tree.dumps(overlap.rule_of(chosen, one.inside))) for one in found.combinations],
        }
    return render_page(request, "segments/overlap.html", context, status=422 if error else 200)


def _refused(asked: list[int], chosen: list[Segment]) -> str:
    if len(chosen) > overlap.MOST:
        return f"Choose up to {overlap.MOST} segments. You chose {len(chosen)}."
    if len(asked) != len(chosen):
        return "One of these segments no longer exists. Choose again."
    return ""
