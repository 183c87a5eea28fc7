"""The document in which a provider says where its pages and keys are, and what is wrong with it, in words."""

from typing import Any

import requests

from core.outside_addresses import BadAddress
from core.outside_session import OutsideSession, check
from tenants.models import FailedSignIn

PATH = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class BadProvider(Exception):
    """A provider that cannot be used, or an answer of it that is not accepted. The sentence is for people."""

    reason = FailedSignIn.Reason.PROVIDER


class NotFinished(BadProvider):
    """A sign-in that is too old, or that this browser did not begin: nothing is wrong with the provider."""

    reason = FailedSignIn.Reason.STATE


class Canceled(NotFinished):
    """A sign-in that the person, or the provider, has ended."""

    reason = FailedSignIn.Reason.CANCELED


def read(issuer: str) -> dict[str, Any]:
    """The document of a provider. Raises BadProvider. Opens connections: never inside of a transaction."""
    url = issuer.rstrip("/") + PATH
    try:
        with OutsideSession() as session:
            answer = session.get(url)
    except BadAddress as problem:
        raise BadProvider(str(problem)) from None
    except requests.exceptions.SSLError:
        raise BadProvider("The provider has no valid certificate for its address.") from None
    except requests.RequestException:
        raise BadProvider(f"{url} does not answer, or leads elsewhere. Check the issuer.") from None
    if answer.status_code != 200:
        raise BadProvider(f"{url} answers with status {answer.status_code}. Check the issuer.")
    return _checked(_json(answer, url), issuer)


def _json(answer: requests.Response, url: str) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadProvider(f"{url} is not a document of OpenID Connect. Check the issuer.")
    return found


def _checked(found: dict[str, Any], issuer: str) -> dict[str, Any]:
    if found.get("issuer") != issuer:
        told = str(found.get("issuer"))[:100]
        raise BadProvider(
            f"The provider calls itself {told}, not {issuer}. Enter the issuer as the provider writes it."
        )
    for name in ENDPOINTS:
        address = found.get(name)
        if not isinstance(address, str):
            raise BadProvider(f"The provider does not say its {name}.")
        try:
            check(address)
        except BadAddress as problem:
            raise BadProvider(f"The {name} of the provider cannot be used. {problem}") from None
    if "code" not in found.get("response_types_supported", ["code"]):
        raise BadProvider("The provider does not support signing in by a code.")
    return found
