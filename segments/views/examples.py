"""Ready-made segments with their counts; each opens in the builder."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from core.http import render_page
from segments import examples
from segments.examples import EXAMPLES
from segments.rules import rule_text, tree
from tenants.roles import allow, tolerates_lag
from tenants.web.request import WorkspaceRequest


@allow("segments.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All examples, with their rules in words. Their counts come one by one."""
    rows = [(example, rule_text.phrases(example.rule), tree.dumps(example.rule)) for example in EXAMPLES.values()]
    return render_page(request, "segments/examples.html", {"rows": rows})


@allow("segments.view")
@tolerates_lag
@require_safe
def count(request: WorkspaceRequest, example: str) -> HttpResponse:
    """The fragment with the number of contacts that match an example."""
    if example not in EXAMPLES:
        raise Http404
    return render_page(request, "segments/_example_count.html", {"figure": examples.count(EXAMPLES[example])})
