"""Errors as application/problem+json (RFC 9457): one class to raise, one place where all others become one."""

import json
import logging
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja.errors import HttpError, ValidationError
from psycopg import errors

from contacts.errors import NotAllowed
from core import problem_json
from core.file_store import StoreUnavailable
from core.problem_json import CONTENT_TYPE
from core.request_checks import is_about_a_value
from imports.problems import catalogue
from imports.wizard import configuration

log = logging.getLogger(__name__)


class Kind(NamedTuple):
    """A problem of the API itself: its usual status, a few words, and what to do about it."""

    status: int
    title: str
    remedy: str


# Problems of the API. Those of files and rows are in imports.problems.catalogue.
KINDS: dict[str, Kind] = {
    "token_missing": Kind(401, "No token", "Send the header “Authorization: Bearer” with a token of your workspace."),
    "token_invalid": Kind(
        401, "Token not valid", "The token is wrong, expired or revoked, or its member has left. Create a new one."
    ),
    "workspace_closed": Kind(
        403, "Workspace closed", "The workspace of this token is closed. An owner can reopen it: then the token works again."
    ),
    "scope_missing": Kind(403, "Scope missing", "Create a token with the scope that the answer names."),
    "not_found": Kind(404, "Not found", "Check the address and the ID. What another workspace has is not found either."),
    "method_not_allowed": Kind(405, "Method not allowed", "Use one of the methods in the header Allow."),
    "request_timeout": Kind(408, "Request too slow", "Send the request again, over a faster connection."),
    "busy": Kind(409, "Busy", "Something else is writing the same data. Send the request again in a second."),
    "conflict": Kind(409, "Not possible in this state", "Read the object again: its state no longer allows this."),
    "key_in_use": Kind(409, "Request still running", "The first request with this key has not ended. Ask again soon."),
    "too_large": Kind(413, "Too large", "Send less at once. The answer says how much is allowed."),
    "content_type_unknown": Kind(415, "Content type not supported", "Send one of the content types that are named."),
    "json_invalid": Kind(400, "Not JSON", "Send valid JSON in UTF-8: no NaN, at most 64 levels deep."),
    "request_unreadable": Kind(400, "Not readable", "Send valid UTF-8 without NUL characters."),
    "parameters_invalid": Kind(422, "Values not valid", "Correct the fields that “errors” names."),
    "value_not_storable": Kind(422, "Value not storable", "A number is out of range, or a text has characters like NUL."),
    "cursor_invalid": Kind(422, "Cursor not valid", "Use the cursor of the last answer unchanged, with the same filters."),
    "file_gone": Kind(410, "File deleted", "Begin a new export: files are stored for some days, or until an erasure."),
    "cursor_expired": Kind(410, "Cursor expired", "Read everything again, and follow the changes from then on."),
    "contact_invalid": Kind(422, "Contact not valid", "Correct the fields that “errors” names."),
    "contact_skipped": Kind(422, "Contact skipped", "“errors” says why: it is deleted or erased, or the mode excludes it."),
    "rule_invalid": Kind(422, "Rule not valid", "Correct the rule as the sentence says; docs/rules.md lists conditions."),
    "definition_invalid": Kind(422, "Audience not valid", "Correct the lists and conditions as the sentence says."),
    "webhook_invalid": Kind(422, "Webhook not valid", "Correct the field that the sentence names."),
    "key_reused": Kind(422, "Key used for another request", "Use a new Idempotency-Key for each different request."),
    "key_invalid": Kind(422, "Key not valid", "An Idempotency-Key has 1 to 255 printable ASCII characters."),
    "setting_invalid": Kind(422, "Setting not valid", "Use one of the values that the sentence names."),
    "setting_not_permitted": Kind(403, "Setting not permitted", "Use a token with the scope imports.revive."),
    "mapping_invalid": Kind(422, "Mapping not valid", "Map the columns as the sentence says."),
    "format_ambiguous": Kind(422, "Values can be read in two ways", "Say with format.COLUMN how they are written."),
    "object_unknown": Kind(422, "No such file in the store", "Put it into the incoming folder of the workspace first."),
    "saved_mapping_unknown": Kind(422, "No such saved mapping", "List the saved mappings, and use a name of theirs."),
    "rate_limited": Kind(429, "Too many requests", "Wait for the seconds in the header Retry-After."),
    "server_error": Kind(500, "Error on our side", "Send the request again. Nothing of it was saved."),
    "store_unavailable": Kind(503, "File storage away", "Send the request again in a minute. Nothing of it was saved."),
    "storage_full": Kind(507, "No room", "The server has no room for the request. Try again in a few minutes."),
}  # fmt: skip


class Problem(Exception):
    """What is wrong with a request: raised anywhere below a route, answered as JSON. Nothing that the request wrote stays.

    `code` is one of KINDS or of the catalogue of imports; `facts` are further members of the answer, such as `errors`.
    """

    def __init__(
        self, status: int, code: str, detail: str = "", *, headers: dict[str, str] | None = None, **facts: Any
    ) -> None:
        super().__init__(code, detail)
        self.status, self.code, self.detail, self.facts = status, code, detail, facts
        self.headers = headers or {}

    def document(self) -> dict[str, Any]:
        """The members of the answer."""
        return document(self.status, self.code, self.detail, **self.facts)

    def response(self) -> HttpResponse:
        return HttpResponse(
            json.dumps(self.document(), ensure_ascii=False, default=str).encode("utf-8", "replace"),
            status=self.status,
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def document(status: int, code: str, detail: str = "", **facts: Any) -> dict[str, Any]:
    """The members of a problem: type, title, status, detail, code, and the facts."""
    detail = detail or (KINDS[code].remedy if code in KINDS else title(code))
    return problem_json.document(status, code, title(code), detail, **facts)


def title(code: str) -> str:
    """A few words about a code."""
    return KINDS[code].title if code in KINDS else catalogue.title(code)


F = TypeVar("F", bound=Callable[..., Any])


def answers(status: int, code: str) -> Callable[[F], F]:
    """Declare a problem that an operation can have beyond those that all of its kind have (api.document)."""

    def mark(view: F) -> F:
        view.problems = [*getattr(view, "problems", ()), (status, code)]  # type: ignore[attr-defined]
        return view

    return mark


def not_found() -> Problem:
    """The same for what is missing, foreign or not permitted."""
    return Problem(404, "not_found", "There is nothing at this address.")


def of(exception: Exception) -> Problem | None:
    """What an exception is as a problem; None for one that is a fault of our own."""
    if isinstance(exception, Problem):
        return exception
    if isinstance(exception.__cause__, Problem):  # a parser of ninja has wrapped it
        return exception.__cause__
    if isinstance(exception, ValidationError):
        return _invalid(exception)
    if isinstance(exception, configuration.REFUSALS):
        code, sentence = configuration.refusal(exception)
        facts = {key: value for key, value in getattr(exception, "facts", {}).items() if key not in _MEMBERS}
        return Problem(_STATUS.get(code, 422), code, sentence, **facts)
    for kinds, status, code in _PLAIN:
        if isinstance(exception, kinds):
            said = str(exception) if isinstance(exception, NotAllowed) else ""
            return not_found() if status == 404 else Problem(status, code, said)
    if isinstance(exception, OperationalError) and isinstance(exception.__cause__, errors.LockNotAvailable):
        return Problem(409, "busy", headers={"Retry-After": "1"})
    if is_about_a_value(exception):
        log.warning("a value of a request cannot be stored", exc_info=exception)
        return Problem(422, "value_not_storable")
    if isinstance(exception, HttpError):
        return Problem(exception.status_code, "json_invalid" if exception.status_code == 400 else "conflict")
    return None


# Of refusals, what is not 422.
_STATUS = {"too_large": 413, "setting_not_permitted": 403, "file_missing": 410}
_MEMBERS = ("status", "code", "detail", "headers", "title", "type")
_PLAIN: tuple[tuple[tuple[type[Exception], ...], int, str], ...] = (
    ((Http404, ObjectDoesNotExist, PermissionDenied), 404, "not_found"),
    ((StoreUnavailable,), 503, "store_unavailable"),
    ((NotAllowed,), 409, "conflict"),
    ((RequestDataTooBig,), 413, "too_large"),
    ((SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError), 400, "request_unreadable"),
)


def _invalid(exception: ValidationError) -> Problem:
    """Fields with what is wrong with them; the place as a path such as body.rows.0.email."""
    found = [
        {"field": ".".join(map(str, error["loc"])), "message": str(error["msg"]), "code": str(error["type"])}
        for error in exception.errors[:100]
    ]
    words = "; ".join(f"{error['field']}: {error['message']}" for error in found[:3])
    return Problem(422, "parameters_invalid", words, errors=found)
