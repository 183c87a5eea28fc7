"""The whole bridge between views and pages: full page or fragment, form or redirect, headers of every answer."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
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


def client_address(request: HttpRequest) -> str:
    """The address of whoever asks; "" where none is known."""
    told = request.headers.get(settings.CLIENT_ADDRESS_HEADER, "") if settings.TRUSTED_PROXIES > 0 else ""
    return address_behind_proxies(str(request.META.get("REMOTE_ADDR") or ""), told)


def address_behind_proxies(peer: str, told: str) -> str:
    """The address of whoever asks, by the connection's (`peer`) and what proxies have `told`.

    A header counts only as far as proxies of ours have written it: of the list in `CLIENT_ADDRESS_HEADER` the entry that
    the outermost of `TRUSTED_PROXIES` has added. What a client sends itself is further left and never read.
    """
    proxies: int = settings.TRUSTED_PROXIES
    entries = [entry for entry in told.split(",") if entry.strip()] if proxies > 0 else []
    address = _address(entries[-min(proxies, len(entries))]) if entries else None
    address = address or _address(peer)
    return str(address) if address else peer


def client_network(request: HttpRequest) -> str:
    """What one connection to the internet has: an IPv4 address, or the /64 of an IPv6 address."""
    address = client_address(request)
    if ":" not in address:
        return address
    return str(ip_network(f"{address}/64", strict=False).network_address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: in brackets, with a port, with a zone, IPv4 inside of IPv6."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def render_page(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, **kwargs: Any
) -> HttpResponse:
    """A page, rendered at once: inside the tenant's transaction, so that lazy querysets see their rows."""
    return HttpResponse(render_to_string(template, dict(context or {}), request), **kwargs)


def invalid(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """The form again, with its errors: 422, which htmx swaps in and a browser shows."""
    return render_page(request, template, context, status=422)


def redirect_to(request: HttpRequest, to: str, *args: Any, **kwargs: Any) -> HttpResponse:
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
