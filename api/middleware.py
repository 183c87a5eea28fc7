"""The way into the API: /api/v1/… → route → token → size → rate → context around operation and answer.

It stands before sessions, cookies and the CSRF check and never reaches them: a token is all that counts. Every answer that
is not the operation's own is a problem (api.problems).
"""

import logging
from typing import Any

from django.conf import settings
from django.core.signals import got_request_exception
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils import timezone
from ninja.operation import Operation

from api import idempotency, problems, rate_limits, scopes, tokens
from api.problems import Problem
from core.body_limit import JUDGE, LIMIT
from core.http import Handler
from core.long_poll import AGAIN
from core.parse import parse_id
from core.problem_json import CONTENT_TYPE
from core.request_checks import LARGEST
from tenants import audit
from tenants.isolation.context import tenant_context, wait_briefly
from tenants.models import Tenant

log = logging.getLogger(__name__)
PREFIX = "/api/v1/"
# What a form adds to the file that it carries.
FORM_BYTES = 64 * 1024
# An operation that writes waits for so long for what somebody else is writing.
WAIT_SECONDS = 2
SAFE = ("GET", "HEAD")


class ApiMiddleware:
    """Answers every request below /api/v1/; other paths pass untouched."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        try:
            response = _answer(request)
        except Exception as exception:  # whatever it is, a program gets JSON
            response = _failed(request, exception)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Vary", "Authorization")
        return response


def _failed(request: HttpRequest, exception: Exception) -> HttpResponse:
    problem = problems.of(exception)
    if problem is None:
        log.exception("%s %s", request.method, request.path)
        got_request_exception.send(sender=ApiMiddleware, request=request)
        problem = Problem(500, "server_error")
    return problem.response()


def _answer(request: HttpRequest) -> HttpResponse:
    _refuse_unreadable(request)
    view, values, operation = _route(request)
    if operation is None:  # open to all: the document
        return _sent(view(request, **values))
    known = _known(request)
    tenant, request.token, request.membership = known  # type: ignore[attr-defined]
    request.workspace, request.user = tenant, known.token.created_by  # type: ignore[attr-defined]
    counted = (
        None if request.META.get(JUDGE) or request.META.get(AGAIN) else rate_limits.count(tenant.pk, known.token.pk)
    )
    if counted and counted.over:
        headers = {**counted.headers(), "Retry-After": str(counted.reset)}
        raise Problem(429, "rate_limited", f"A token can send {counted.limit} requests a minute.", headers=headers)
    try:
        response = _judged(request, tenant, operation) or _inside(request, tenant, view, values)
    except Exception as exception:
        response = _failed(request, exception)
    for name, value in counted.headers().items() if counted else ():
        response.headers[name] = value
    return response


def _refuse_unreadable(request: HttpRequest) -> None:
    query = request.GET
    if "\0" in request.path_info:
        raise problems.not_found()
    if any("\0" in text for name, values in query.lists() for text in (name, *values)):
        raise Problem(400, "request_unreadable", "Parameters cannot contain NUL.")
    charset = (request.content_params or {}).get("charset", "utf-8").lower().replace("_", "-")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise Problem(415, "content_type_unknown", "Send UTF-8, or say the encoding of a file by the setting encoding.")


def _route(request: HttpRequest) -> tuple[Any, dict[str, Any], Operation | None]:
    """The view of the path, the values of its address, and the operation of the method. Raises Problem 404 and 405."""
    try:
        match = resolve(request.path_info, urlconf=settings.ROOT_URLCONF)
    except Resolver404:
        raise problems.not_found() from None
    view: Any = match.func
    method = "GET" if request.method == "HEAD" else request.method
    operations: list[Operation] = getattr(view, "operations", [])
    if not operations:
        if request.method not in SAFE:
            raise Problem(405, "method_not_allowed", headers={"Allow": "GET"})
        return view, match.kwargs, None
    found = next((operation for operation in operations if method in operation.methods), None)
    if found is None:
        allowed = sorted({allowed for operation in operations for allowed in operation.methods})
        raise Problem(405, "method_not_allowed", headers={"Allow": ", ".join(allowed)})
    if any(isinstance(value, int) and value > LARGEST for value in match.kwargs.values()):
        raise problems.not_found()
    return view, match.kwargs, found


def _known(request: HttpRequest) -> tokens.Known:
    """Who asks. Raises Problem 401, and 403 for a token of a closed workspace."""
    kind, _space, text = request.headers.get("Authorization", "").partition(" ")
    challenge = {"WWW-Authenticate": 'Bearer realm="api"'}
    if kind.lower() != "bearer" or not text.strip():
        raise Problem(401, "token_missing", headers=challenge)
    try:
        known = tokens.find(text.strip())
    except tokens.WorkspaceClosed as closed:
        raise _closed(closed) from None
    if known is None:
        raise Problem(401, "token_invalid", headers={"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'})
    return known


def _closed(closed: tokens.WorkspaceClosed) -> Problem:
    """403, not 401: a client that drops a token for a 401 would have to be given a new one after the reopening."""
    if closed.erasing or closed.erase_at is None:
        return Problem(403, "workspace_closed", "The workspace of this token was closed, and its data is being erased.")
    words = f"An owner can reopen it until {closed.erase_at:%d %B %Y}: then this token works again."
    told = f"The workspace of this token is closed. {words}"
    return Problem(403, "workspace_closed", told, erase_at=f"{closed.erase_at:%Y-%m-%dT%H:%M:%SZ}")


def _judged(request: HttpRequest, tenant: Tenant, operation: Operation) -> HttpResponse | None:
    """Scope and size, before anything of the body is read; an answer where the front only asks for them (cdp.front)."""
    for scope in operation.auth_callbacks:
        scopes.require(request, scope.permission)  # type: ignore[attr-defined]
    files = getattr(operation.view_func, "takes_files", False)
    limit = tenant.max_upload_bytes + FORM_BYTES if files else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    size = parse_id(request.META.get("CONTENT_LENGTH") or "") or 0
    if size > limit:
        shown = tenant.max_upload_bytes if files else limit
        raise Problem(413, "too_large", f"The body can have up to {shown:,} bytes.", limit=shown, found=size)
    return HttpResponse(status=204, headers={LIMIT: str(limit)}) if request.META.get(JUDGE) else None


def _inside(request: HttpRequest, tenant: Tenant, view: Any, values: dict[str, Any]) -> HttpResponse:
    """The operation in the context of its workspace. What it wrote is undone where its answer is an error."""
    reads = request.method in SAFE
    if request.method == "HEAD":
        request.method = "GET"
    token = request.token  # type: ignore[attr-defined]
    key = idempotency.key_of(request)
    with (
        tenant_context(tenant.pk, read_only=reads),
        timezone.override(tenant.time_zone),
        audit.acting_by(f"API token {token.name}"),
    ):
        if not reads:
            wait_briefly(WAIT_SECONDS)
        try:
            response = idempotency.claim(request, token.pk, key, now=timezone.now()) if key else None
            if response is None:
                response = _sent(view(request, **values))
                if key and response.status_code < 400:
                    idempotency.keep(request, token.pk, key, response)
        except Exception as exception:
            response = _failed(request, exception)
        if response.status_code >= 400:
            transaction.set_rollback(True)
        return response


def _sent(response: HttpResponse) -> HttpResponse:
    """An answer of an operation; a page of Django's own is none."""
    if response.status_code >= 400 and not response.headers["Content-Type"].startswith(CONTENT_TYPE):
        raise Problem(response.status_code, "conflict" if response.status_code < 500 else "server_error")
    return response
