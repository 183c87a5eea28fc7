"""Sign-in with Google: a person of the workspace lets the platform write to customer lists (OAuth 2.0, code flow).

The page sends the person to `address`, and keeps `state` in the session. Google sends them back with a code; `secret_of`
turns it into what a connection needs. The refresh token has no end of its own, so nothing has to be shown before it
happens.
"""

from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings

from destinations.google.kind import SCOPE
from destinations.kinds import Problem
from destinations.sign_in import SignedIn

SECONDS = 20.0


def is_configured() -> bool:
    """Whether the platform has an OAuth client at Google."""
    return bool(settings.GOOGLE_CLIENT_ID and settings.GOOGLE_CLIENT_SECRET)


def address(*, redirect_uri: str, state: str) -> str:
    """Where the person goes. A refresh token comes only with consent that is asked for again."""
    query = {
        "client_id": settings.GOOGLE_CLIENT_ID, "redirect_uri": redirect_uri, "response_type": "code", "scope": SCOPE,
        "access_type": "offline", "prompt": "consent", "state": state,
    }  # fmt: skip
    return f"{settings.GOOGLE_SIGN_IN_URL}?{urlencode(query)}"


def secret_of(code: str, *, redirect_uri: str) -> SignedIn:
    """What the code is worth. Talks to Google: not inside of a transaction. Raises Problem."""
    form = {
        "client_id": settings.GOOGLE_CLIENT_ID, "client_secret": settings.GOOGLE_CLIENT_SECRET, "code": code,
        "grant_type": "authorization_code", "redirect_uri": redirect_uri,
    }  # fmt: skip
    try:
        answer = requests.post(settings.GOOGLE_TOKEN_URL, data=form, timeout=SECONDS, allow_redirects=False)
        said: Any = answer.json()
    except (requests.RequestException, ValueError):
        raise Problem("Google's sign-in does not answer. Try again.") from None
    if not isinstance(said, dict) or not said.get("refresh_token"):
        raise Problem("Google has not agreed to the sign-in. Try again, and allow everything that is asked for.")
    return SignedIn({"refresh_token": str(said["refresh_token"])}, None)
