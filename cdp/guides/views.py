"""Help: the guides, one guide, and the search over them."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from cdp.guides import library
from core.http import render_page
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

MOST_LETTERS = 100


@allow("workspace.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All guides, or the sections that were searched for."""
    text = request.GET.get("q", "")[:MOST_LETTERS]
    context = {"guides": library.guides().values(), "text": text, "found": library.search(text)}
    return render_page(request, "guides/listing.html", context)


@allow("workspace.view")
@require_safe
def detail(request: WorkspaceRequest, guide: str) -> HttpResponse:
    """One guide with its table of contents."""
    found = library.guides().get(guide)
    if found is None:
        raise Http404
    return render_page(request, "guides/detail.html", {"guide": found})
