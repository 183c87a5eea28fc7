"""Sign-in with Meta: a person of the workspace lets the platform write to custom audiences (OAuth 2.0, code flow).

The token of a sign-in lasts for hours; it is turned into one of about 60 days, whose end the pages show and mails tell
before. The token of a system user, pasted by hand, has no end and needs none of this.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings
from django.utils import timezone
from facebook_business.api import FacebookAdsApi

from destinations.kinds import Problem
from destinations.sign_in import SignedIn

SECONDS = 20.0
SCOPE = "ads_management"
# Where Meta does not say how long a token lasts.
USUAL = timedelta(days=60)


def is_configured() -> bool:
    """Whether the platform has an app at Meta."""
    return bool(settings.META_APP_ID and settings.META_APP_SECRET)


def address(*, redirect_uri: str, state: str) -> str:
    """Where the person goes."""
    query = {"client_id": settings.META_APP_ID, "redirect_uri": redirect_uri, "state": state, "scope": SCOPE}
    return f"{settings.META_SIGN_IN_URL}/{FacebookAdsApi.API_VERSION}/dialog/oauth?{urlencode(query)}"


def secret_of(code: str, *, redirect_uri: str) -> SignedIn:
    """What the code is worth. Talks to Meta: not inside of a transaction. Raises Problem."""
    own = {"client_id": settings.META_APP_ID, "client_secret": settings.META_APP_SECRET}
    short = _token({**own, "code": code, "redirect_uri": redirect_uri})
    long = _token({**own, "grant_type": "fb_exchange_token", "fb_exchange_token": str(short["access_token"])})
    seconds = int(long.get("expires_in") or 0)
    ends = timezone.now() + (timedelta(seconds=seconds) if seconds else USUAL)
    return SignedIn({"access_token": str(long["access_token"])}, ends)


def _token(query: dict[str, str]) -> dict[str, Any]:
    url = f"{settings.META_GRAPH_URL}/{FacebookAdsApi.API_VERSION}/oauth/access_token"
    try:
        answer = requests.post(url, data=query, timeout=SECONDS, allow_redirects=False)
        said: Any = answer.json()
    except (requests.RequestException, ValueError):
        raise Problem("Meta's sign-in does not answer. Try again.") from None
    if not isinstance(said, dict) or not said.get("access_token"):
        raise Problem("Meta has not agreed to the sign-in. Try again, and allow everything that is asked for.")
    return said
