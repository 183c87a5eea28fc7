"""Browsers in which a person is signed in: when each was last there, ending them, and telling of a new one.

Which place an address is in is not looked up: that would tell another service who signs in from where.
"""

import time
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.http import Handler, client_address
from tenants.models import User

# A browser that is used is noted again after so many seconds, by each process; who asks often is not written often.
EVERY = 300
REMEMBERED = 10_000
# Where none is known, as over a socket.
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing is bound to it
_seen: dict[str, float] = {}

# The cookie by which a browser is known: accounts that have signed in there before. It opens nothing.
COOKIE = "__Host-known" if settings.HTTPS else "known"
SALT = "known browser"
COOKIE_AGE = 400 * 24 * 3600
MAX_KNOWN = 20

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


class LastSeen:
    """Notes that a session is in use. Runs before the transaction of a workspace, which only reads where it can."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key, now = request.session.session_key, time.monotonic()
        if key and now - _seen.get(key, -EVERY) >= EVERY and request.user.is_authenticated:
            if len(_seen) >= REMEMBERED:
                _seen.clear()
            _seen[key] = now
            note(request)
        return self.get_response(request)


def note(request: HttpRequest) -> None:
    """This session is in use now, by this browser, from this address."""
    session = UserSession(
        user_id=request.user.pk,
        session_key=request.session.session_key,
        ip=client_address(request) or NO_ADDRESS,
        user_agent=request.headers.get("User-Agent", "")[:200],
        last_seen_at=timezone.now(),
    )
    UserSession.objects.bulk_create(
        [session],
        update_conflicts=True,
        unique_fields=["session_key"],
        update_fields=["last_seen_at", "ip", "user_agent"],
    )


def of(user: User) -> list[UserSession]:
    """Sessions that are open, the last used first. What has expired is removed on the way."""
    return sorted(UserSession.objects.purge_and_list(user), key=lambda found: found.last_seen_at, reverse=True)


def end(user: User, *, only: int | None = None, but: str | None = None) -> int:
    """End sessions of a person at once, one or all but one; returns how many."""
    sessions = UserSession.objects.filter(user_id=user.pk)
    sessions = sessions.filter(pk=only) if only is not None else sessions
    ended = list(sessions.exclude(session_key=but) if but else sessions)
    for session in ended:
        session.end()
    return len(ended)


def words_of(user_agent: str) -> str:
    """A browser in words, as "Firefox on Windows"."""
    browser = next((name for part, name in _BROWSERS if part in user_agent), "Unknown browser")
    system = next((name for part, name in _SYSTEMS if part in user_agent), "")
    return f"{browser} on {system}" if system else browser


def is_known(request: HttpRequest, user: User) -> bool:
    """Whether this browser has signed in to this account before."""
    return user.pk in _known(request)


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """From now on this browser is known to the account."""
    others = [pk for pk in _known(request) if pk != user.pk]
    response.set_cookie(
        COOKIE,
        signing.dumps([user.pk, *others][:MAX_KNOWN], salt=SALT),
        max_age=COOKIE_AGE,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _known(request: HttpRequest) -> list[int]:
    try:
        found: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_AGE)
    except signing.BadSignature:
        return []
    return found if isinstance(found, list) else []
