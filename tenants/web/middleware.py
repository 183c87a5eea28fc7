"""The way into a workspace: /w/<slug>/… → membership or 404 → permission → context around view and rendering."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.db import Error, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import Resolver404, get_script_prefix, resolve, reverse, set_script_prefix
from django.utils import timezone
from psycopg import errors

from core.body_limit import JUDGE, LIMIT
from core.http import not_found, render_page
from core.parse import parse_id
from tenants import second_factor
from tenants.access_requirements import Missing, missing
from tenants.isolation import replica
from tenants.isolation.context import tenant_context, wait_briefly
from tenants.models import Membership, Tenant
from tenants.roles import may
from tenants.web.workspace_urls import inside, outside

_PATH = re.compile(r"/w/(?P<slug>[-a-z0-9]+)(?P<rest>/.*)")
# What a form adds to the file that it carries.
FORM_BYTES = 64 * 1024
# A page that writes waits for so long for what somebody else is writing.
WAIT_SECONDS = 2
# The cookie that says where the last write of this browser stands in the log of writes, for as long as a replica may be
# behind: nobody should miss on the next page what they have just done.
WRITTEN = "written"
Handler = Callable[[HttpRequest], HttpResponse]


class WorkspaceMiddleware:
    """Judges every request below /w/ before anything else reads it; other paths pass untouched.

    Nobody signed in: the log-in page. No single sign-on or no second factor where the workspace asks for
    them: on to show it, whatever was asked for. A closed workspace: its one page (`_closed`). Not a member, no such
    workspace, no such page, or a role without the permission: the same 404, so that nothing outside can be told from nothing
    at all.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = _PATH.fullmatch(request.path_info)
        if match is None:
            return _takes(settings.DATA_UPLOAD_MAX_MEMORY_SIZE) if _is_judged(request) else self.get_response(request)
        if not request.user.is_authenticated:
            return _to_login(request)
        membership = _membership(request.user.pk, match["slug"])
        if membership is None:
            return not_found(request)
        lacking = missing(request, membership[0], membership[1].role)
        if lacking is not None:
            to = _to_second_factor if lacking is Missing.FACTOR else _to_provider
            return to(request, match["slug"])
        if membership[0].closed_at is not None:
            closed = _closed(request, *membership, path=match["rest"])
            if closed is not None:
                return closed
        prefix = get_script_prefix()
        set_script_prefix(f"/w/{match['slug']}/")
        try:
            return self._inside(request, *membership, path=match["rest"])
        finally:
            set_script_prefix(prefix)

    def _inside(self, request: HttpRequest, tenant: Tenant, membership: Membership, *, path: str) -> HttpResponse:
        request.urlconf = settings.WORKSPACE_URLCONF
        request.path_info = path
        request.workspace, request.membership = tenant, membership  # type: ignore[attr-defined]
        view = _permitted(path, membership.role)
        if view is None:
            return not_found(request)
        if _refuse_body(request, tenant, view):
            return HttpResponse("The request is larger than this address accepts.", status=413)
        if _is_judged(request) and not hasattr(request, "too_large"):
            files = getattr(view, "takes_files", False)
            return _takes(tenant.max_upload_bytes + FORM_BYTES if files else settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        # Times are shown, and days counted, by the clock of the workspace.
        with timezone.override(tenant.time_zone):
            if request.method not in ("GET", "HEAD"):
                return self._written(request, tenant)
            if getattr(view, "tolerates_lag", False) and replica.may_read(request.COOKIES.get(WRITTEN, "")):
                response = self._at_replica(request, tenant)
                if response is not None:
                    return response
            return self._answered(request, tenant, read_only=True)

    def _answered(self, request: HttpRequest, tenant: Tenant, *, read_only: bool) -> HttpResponse:
        with tenant_context(tenant.pk, read_only=read_only):
            if not read_only:
                wait_briefly(WAIT_SECONDS)
            response = self.get_response(request)
            if response.status_code >= 500 or hasattr(response, "is_busy"):
                # Django has turned the exception into a page before this block ends; without this line it would commit.
                transaction.set_rollback(True, using=replica.alias())
            return response

    def _written(self, request: HttpRequest, tenant: Tenant) -> HttpResponse:
        response = self._answered(request, tenant, read_only=False)
        if replica.is_set():
            response.set_cookie(
                WRITTEN, replica.written(), max_age=2 * settings.REPLICA_MOST_LAG, secure=settings.HTTPS, httponly=True,
                samesite="Lax",
            )  # fmt: skip
        return response

    def _at_replica(self, request: HttpRequest, tenant: Tenant) -> HttpResponse | None:
        """The answer by what the replica has. None: the primary is to be asked, as the replica failed meanwhile, or does not
        have yet what is asked for. Only reads come here, so that doing them twice does no harm."""
        try:
            with replica.reading():
                response = self._answered(request, tenant, read_only=True)
        except Error:
            response = None
        if response is None or hasattr(response, "replica_failed"):
            replica.note_failure()
            return None
        return response if response.status_code != 404 else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Somebody, or an import, holds what the request would write for longer than a person waits: said, and not done.
        What fails at the replica is only noted (`_at_replica`)."""
        if replica.is_reading() and isinstance(exception, Error):
            response = HttpResponse(status=503)
            response.replica_failed = True  # type: ignore[attr-defined]
            return response
        if not isinstance(exception.__cause__, errors.LockNotAvailable):
            return None
        template = "ui/busy.html" if request.headers.get("HX-Request") else "409.html"
        response = HttpResponse(render_to_string(template), status=409)
        response.is_busy = True  # type: ignore[attr-defined]
        return response


def _is_judged(request: HttpRequest) -> bool:
    """Whether the front asks before it reads a large body (cdp.front)."""
    return bool(request.META.get(JUDGE))


def _takes(size: int) -> HttpResponse:
    return HttpResponse(status=204, headers={LIMIT: str(size)})


def _login_path() -> str:
    return reverse(settings.LOGIN_URL, urlconf=settings.ROOT_URLCONF)


def _to_login(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A fragment must not show a log-in page inside a table: the whole page goes there.
        return HttpResponse(status=401, headers={"HX-Redirect": _login_path()})
    return redirect_to_login(request.get_full_path(), login_url=_login_path())


def _to_provider(request: HttpRequest, slug: str) -> HttpResponse:
    """To the page that leads to the single sign-on of the workspace, and back to where they wanted to go."""
    back = request.get_full_path() if request.method in ("GET", "HEAD") else inside(slug, "tenants:start")
    return _on(request, f"{outside('company_needed', slug)}?{urlencode({REDIRECT_FIELD_NAME: back})}")


def _to_second_factor(request: HttpRequest, slug: str) -> HttpResponse:
    """To the page that sets a factor up; who has one shows it, and is then let in where they wanted to go."""
    if second_factor.exists(request.user.pk or 0):
        back = request.get_full_path() if request.method in ("GET", "HEAD") else inside(slug, "tenants:start")
        to = f"{outside('mfa_reauthenticate')}?{urlencode({REDIRECT_FIELD_NAME: back})}"
    else:
        to = f"{outside('mfa_index')}?{urlencode({'for': slug})}"
    return _on(request, to)


def _on(request: HttpRequest, to: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": to})
    return redirect(to)


def _membership(user_id: int, slug: str) -> tuple[Tenant, Membership] | None:
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        return None
    with tenant_context(tenant.pk):
        membership = Membership.objects.filter(user_id=user_id).first()
    return (tenant, membership) if membership else None


def _permitted(path: str, role: str) -> Any:
    """The view of the path if the role may use it, else None."""
    try:
        view: Any = resolve(path, urlconf=settings.WORKSPACE_URLCONF).func
    except (Resolver404, Http404):
        return None
    permission = getattr(view, "permission", None)
    return view if permission is not None and may(role, permission) else None


def _closed(request: HttpRequest, tenant: Tenant, membership: Membership, *, path: str) -> HttpResponse | None:
    """What a closed workspace answers: owners are led to the page where it can be reopened, members are told. None: the
    view works in closed workspaces. When its data is being erased there is nothing any more."""
    if tenant.erasing_since is not None:
        return not_found(request)
    if getattr(_permitted(path, membership.role), "works_when_closed", False):
        return None
    if not membership.may("workspace.manage"):
        return render_page(request, "tenants/closed_to_members.html", {"name": tenant.name}, status=410)
    to = inside(tenant.slug, "tenants:closed")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=409, headers={"HX-Redirect": to})
    return redirect(to)


def _refuse_body(request: HttpRequest, tenant: Tenant, view: Any) -> bool:
    """Judge the size of a body before anything reads it: Django's CSRF check would store all of it first.

    A view that takes files says so itself: it is told by `request.too_large` and answers with its own page. It must then
    do nothing else, as the token has not been looked at.
    """
    size = parse_id(request.META.get("CONTENT_LENGTH") or "") or 0
    if not getattr(view, "takes_files", False):
        return size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if size > tenant.max_upload_bytes + FORM_BYTES:
        request.too_large = size  # type: ignore[attr-defined]
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    return False
