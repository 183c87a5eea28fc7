"""The list of audiences."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from audiences import audience_list
from audiences.audience_list import AudienceListQuery
from audiences.models import Audience, Use
from core.formatting import number
from core.http import render_page
from segments.removal import RESTORE_DAYS
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest


@allow("audiences.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """The audiences with their sizes and what uses them, or those that can be restored."""
    query = AudienceListQuery.of(request.GET.dict())
    present, deleted = Audience.objects.filter(archived_at=None), Audience.objects.exclude(archived_at=None)
    rows = audience_list.rows(query, now=timezone.now())
    context = {
        "query": query,
        "rows": rows,
        "heads": audience_list.heads(query),
        "any": present.exists(),
        "busy": any(row.segment.active for row in rows),
        "tabs": [
            {"label": "Audiences", "url": "?", "count": number(present.count()), "current": not query.show},
            {"label": "Deleted", "url": "?show=deleted", "count": number(deleted.count()), "current": bool(query.show)},
        ],
        "purposes": Use.choices,
        "statuses": [(key, label) for key, (label, _states) in audience_list.STATUSES.items()],
        "most": audience_list.MOST,
        "days": RESTORE_DAYS,
    }
    fragment = request.headers.get("HX-Target") == "audience-list"
    return render_page(request, "audiences/_list.html" if fragment else "audiences/list.html", context)
