"""All data syncs: how each is, what its last run did, when it runs next."""

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from core.http import render_page, stop_polling
from destinations import syncs
from destinations.models import Destination, SyncState
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

BUSY = (SyncState.RUNNING, SyncState.PENDING, SyncState.REMOVING)


@allow("syncs.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    return render_page(request, "destinations/list.html", _found(request))


@allow("syncs.view")
@require_safe
def live(request: WorkspaceRequest) -> HttpResponse:
    """The table, which asks again while a sync runs."""
    context = _found(request)
    response = render_page(request, "destinations/_list.html", context)
    return response if context["busy"] else stop_polling(response)


def _found(request: WorkspaceRequest) -> dict[str, Any]:
    query = {name: request.GET.get(name, "").replace("\x00", "")[:120] for name in ("q", "status")}
    rows = [row for row in syncs.listing(query["q"]) if query["status"] in ("", row.sync.state)]
    address = request.GET.copy()
    return {
        "rows": rows,
        "query": query,
        "any": syncs.present().exists(),
        "connected": Destination.objects.filter(archived_at=None).exists(),
        "statuses": SyncState.choices,
        "busy": any(row.sync.state in BUSY for row in rows),
        "live_query": address.urlencode(),
    }
