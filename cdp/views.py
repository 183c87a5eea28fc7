"""Pages that belong to no app."""

import sys

from django.db import Error, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from cdp import styleguide as samples
from core.broker import workers_alive
from tenants.roles import public, signed_in


@public
@require_safe
def health(_request: HttpRequest) -> HttpResponse:
    """Whether this process can do its work: the database answers, the broker answers. Says nothing else."""
    database, workers = _database_answers(), workers_alive()
    broker = workers is not None
    body = {"database": database, "broker": broker, "workers": workers}
    return JsonResponse(body, status=200 if database and broker else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connection.close_if_unusable_or_obsolete()
        return False
    return True


@public
@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """The sign of the product for what asks for it at the usual place, without reading a page: programs, answers in JSON."""
    return HttpResponseRedirect(static("favicon.svg"))


@signed_in
@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component, living."""
    return render(request, "styleguide.html", samples.context())


def failure(_request: HttpRequest) -> HttpResponse:
    """The page for what should not have happened.

    It knows nothing of the request: what a page shows around itself is asked of the database, and the transaction may be
    the one that broke.
    """
    if _is_without_database(sys.exc_info()[1]):
        return HttpResponse(render_to_string("503_database.html"), status=503, headers={"Retry-After": "30"})
    return HttpResponse(render_to_string("500.html"), status=500)


def _is_without_database(problem: BaseException | None) -> bool:
    """Whether the connection failed, which has no code of the server or says that it ends; not a statement."""
    if not isinstance(problem, OperationalError | InterfaceError):
        return False
    code = getattr(problem.__cause__, "sqlstate", None)
    return code is None or code.startswith("57P")


@public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or old."""
    return render(request, "403_csrf.html", {"reason": reason}, status=403)
