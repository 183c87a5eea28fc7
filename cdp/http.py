"""The whole bridge between views and pages: full page or fragment, form or redirect, headers of every answer."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string

# No inline script or style anywhere; htmx runs with eval off, so this needs no nonce.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
Handler = Callable[[HttpRequest], HttpResponse]


class SecurityHeaders:
    """Content security policy on all answers; pages with personal data are never stored by a browser or proxy."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers.setdefault("Vary", "HX-Request, Cookie")
        return response


def page(request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, **kwargs: Any) -> HttpResponse:
    """A page, rendered at once: inside the tenant's transaction, so that lazy querysets see their rows."""
    return HttpResponse(render_to_string(template, dict(context or {}), request), **kwargs)


def invalid(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """The form again, with its errors: 422, which htmx swaps in and a browser shows."""
    return page(request, template, context, status=422)


def go(request: HttpRequest, to: str, *args: Any, **kwargs: Any) -> HttpResponse:
    """On to another page: a redirect for a browser, HX-Redirect for htmx (which would swap a redirect's page in)."""
    response: HttpResponse = redirect(to, *args, **kwargs)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})
    return response


def stop_polling(response: HttpResponse) -> HttpResponse:
    """Status 286 tells htmx that a fragment which polls itself is finished."""
    response.status_code = 286
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same 404, byte by byte, for what is missing, foreign or not permitted: it knows nothing of the request."""
    return HttpResponse(render_to_string("404.html"), status=404)
