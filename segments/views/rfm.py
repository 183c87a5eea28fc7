"""Customers by the recency, the number and the sum of their orders; each cell opens as a rule."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.http import render_page
from segments import rfm
from segments.rules import tree
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest


@allow("segments.view")
@require_safe
def show(request: WorkspaceRequest) -> HttpResponse:
    """The grid. By amounts it needs a currency: the most used one, unless another is asked for."""
    by = request.GET.get("by", "")
    by = by if by in rfm.BY else "frequency"
    known = rfm.currencies()
    currency = request.GET.get("currency", "")
    currency = currency if currency in known else known[0] if known else ""
    grid = rfm.recent(by, currency=currency, now=timezone.now())
    rows = [
        (
            score,
            words,
            [
                (cell, tree.dumps(grid.rule_of(cell.recency, cell.size)), grid.name_of(cell.recency, cell.size))
                for cell in cells
            ],
        )
        for score, words, cells in grid.rows()
    ]
    context = {
        "grid": grid,
        "rows": rows,
        "heads": [grid.size_words(s) for s in range(len(grid.sizes) + 1)],
        "tabs": [
            {"label": label, "url": f"?by={key}", "count": None, "current": key == by} for key, label in rfm.BY.items()
        ],
        "currencies": known,
        "few": len(grid.days) < 4 or len(grid.sizes) < 4,
    }
    return render_page(request, "segments/rfm.html", context)
