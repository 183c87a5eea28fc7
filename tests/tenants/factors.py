"""Second factors for tests: an app whose codes are worked out here, and signing in with them."""

import re
import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from tenants.models import User
from tests.cast import PASSWORD

SESSION_COOKIE = "session"
_KEY = re.compile(r'<code class="mono break">([A-Z2-7]+)</code>')


def code(secret: str) -> str:
    """The code that an app shows now. It may be used again: what was used is forgotten."""
    cache.clear()
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def confirm(client: Client, password: str = PASSWORD) -> Any:
    """Say the password again, as before each change."""
    return client.post("/account/confirm/", {"password": password})


def set_up(client: Client) -> str:
    """Set an app up by the pages; returns its secret. The person is signed in and has no factor."""
    confirm(client)
    found = _KEY.search(client.get("/account/second-factor/app/").content.decode())
    assert found
    answer = client.post("/account/second-factor/app/", {"code": code(found[1])})
    assert answer.status_code == 302, answer.content.decode()
    return found[1]


def sign_in(user: User, secret: str = "", *, client: Client | None = None, **how: Any) -> Client:
    """A browser that has signed in, with the second step where there is a secret."""
    client = client or Client()
    if SESSION_COOKIE in client.cookies:
        client.post("/logout/")  # unlike logout() of the client, it leaves the other cookies
    answer = client.post("/login/", {"login": user.email, "password": PASSWORD}, **how)
    assert answer.status_code == 302
    if secret:
        assert answer.headers["Location"] == "/account/second-factor/sign-in/"
        assert client.post("/account/second-factor/sign-in/", {"code": code(secret)}).status_code == 302
    return client
