"""A request that names itself by an Idempotency-Key is worked on once in a day; the first answer is given again.

The key's row is written first, in the transaction of the work: whoever comes with the same key in the meantime waits for it,
briefly, and finds the answer or nothing. What fails leaves no row, so it may be tried again with the same key.
"""

from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from psycopg import errors

from api import bodies
from api.models import StoredAnswer
from api.problems import Problem
from api.rendering import dumps
from tenants.isolation.statements import fetch

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)

CLAIM = """
INSERT INTO api_answer AS a (tenant_id, token_id, key, digest, status, content_type, content, created_at)
VALUES (%(tenant)s, %(token)s, %(key)s, '', 0, '', '', %(now)s)
ON CONFLICT (tenant_id, token_id, key) DO UPDATE
SET digest = '', status = 0, content_type = '', content = '', created_at = excluded.created_at
WHERE a.tenant_id = %(tenant)s AND a.created_at < %(before)s RETURNING a.id"""


def key_of(request: HttpRequest) -> str | None:
    """The key of a request, None without one. Raises Problem 422."""
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return None
    if not 0 < len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise Problem(422, "key_invalid")
    return key


def claim(request: HttpRequest, token_id: int, key: str, *, now: datetime) -> HttpResponse | None:
    """Begin the work of a key in the transaction that is open: None; or the answer that was given before. Raises Problem
    where the key was used for something else, or its first request has not ended."""
    try:
        with transaction.atomic():
            made = fetch(CLAIM, token=token_id, key=key, now=now, before=now - KEPT)
    except OperationalError as problem:
        if isinstance(problem.__cause__, errors.LockNotAvailable):
            raise Problem(409, "key_in_use", headers={"Retry-After": "2"}) from None
        raise
    if made:
        return None
    first = StoredAnswer.objects.get(token_id=token_id, key=key)
    if first.digest != bodies.digest(request):
        raise Problem(422, "key_reused")
    answer = HttpResponse(bytes(first.content), status=first.status, content_type=first.content_type)
    answer.headers[REPLAYED] = "true"
    return answer


def keep(request: HttpRequest, token_id: int, key: str, answer: HttpResponse) -> None:
    """Store the answer of the work, in its transaction. What is shown once (`request.shown_once`) is null in it."""
    once: str = getattr(request, "shown_once", "")
    content = answer.content.replace(dumps(once), b"null") if once else answer.content
    StoredAnswer.objects.filter(token_id=token_id, key=key).update(
        digest=bodies.digest(request),
        status=answer.status_code,
        content_type=answer.headers["Content-Type"],
        content=content,
    )


def forget(*, now: datetime) -> int:
    """Delete the answers that are older than a day, of the workspace of the context; returns how many."""
    deleted, _by_model = StoredAnswer.objects.filter(created_at__lt=now - KEPT).delete()
    return deleted
