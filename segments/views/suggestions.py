"""Suggestions for the fields of a line in the rule builder."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.http import render_page
from segments.rules import compiler, rule_form, suggestions
from tenants.roles import allow


@allow("segments.view")
@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """The fragment of a list below a field: `of` says which field, `typed` what is in it, `property` the one in the
    same row; the fields of its line come as the form sends them."""
    given = {
        name: request.GET.get(name, "").replace("\x00", "")[:1_000] for name in ("path", "of", "typed", "property")
    }
    line = rule_form.read_line(request.GET, given.pop("path"), compiler.context())
    found = suggestions.suggest(line, **given)
    if found is None:
        return HttpResponse("There are no suggestions for this field.", status=400, content_type="text/plain")
    return render_page(request, "segments/_suggestions.html", {"suggestions": found})
