"""What no page could do anything with is refused here, in words, before any view: texts with NUL, other character sets,
numbers that no row can have. Views then need not think of it."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DataError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from core.file_store import StoreUnavailable
from core.http import Handler, not_found

log = logging.getLogger(__name__)
LARGEST = 2**63 - 1
# What PostgreSQL says about a value that does not fit, and only about such: out of range, too long, no such character, not
# a number, no such day.
ABOUT_VALUES = {"22001", "22003", "22007", "22008", "22021", "22P02", "22P05"}


def unreadable() -> HttpResponse:
    """The page for what was sent and cannot be read."""
    return HttpResponse(render_to_string("400.html"), status=400)


class ReadableAddress:
    """Judges address, cookies and character set; runs before everything that reads them."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:
            return not_found(request)
        charset = (request.content_params or {}).get("charset", "utf-8")
        texts = [*_texts(request.GET), *request.COOKIES.values()]
        if charset.lower().replace("_", "-") not in ("utf-8", "utf8") or any("\0" in text for text in texts):
            return unreadable()
        return self.get_response(request)


class ReadableForm:
    """Judges the numbers of the address and the fields of a form; runs after the check of its token.

    Views that check no token read the body themselves: they are not asked for it here.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, _args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if any(isinstance(value, int) and value > LARGEST for value in kwargs.values()):
            return not_found(request)
        if request.method != "POST" or getattr(view, "csrf_exempt", False) or hasattr(request, "too_large"):
            return None
        return unreadable() if any("\0" in text for text in _texts(request.POST)) else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A value that the database cannot hold is the fault of who sent it, whichever statement it was in."""
        if not is_about_a_value(exception):
            return None
        log.error("A value of %s %s cannot be stored.", request.method, request.path, exc_info=exception)
        if connection.in_atomic_block:
            transaction.set_rollback(True)
        return unreadable()


class ReachableStore:
    """What needs a file says so when the object store does not answer, instead of failing."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """503, and the transaction is rolled back with it."""
        if not isinstance(exception, StoreUnavailable):
            return None
        log.error("%s %s needs the object store", request.method, request.path, exc_info=exception)
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "30"})


def _texts(given: Mapping[str, Any]) -> Iterable[str]:
    for name, values in given.lists():  # type: ignore[attr-defined]
        yield name
        yield from values


def is_about_a_value(exception: Exception) -> bool:
    """Whether what was sent cannot be stored: a fault of who sent it."""
    if isinstance(exception, UnicodeEncodeError):
        return True  # half of a pair of surrogates
    if not isinstance(exception, DataError):
        return False
    state = getattr(exception.__cause__, "sqlstate", None)
    return state is None or state in ABOUT_VALUES
