"""What a provider says about who signed in: its signature, and for whom, when and in which sign-in it was said."""

from dataclasses import dataclass
from typing import Any

import jwt
import requests

from core.outside_addresses import BadAddress
from core.outside_session import OutsideSession
from tenants.single_sign_on.discovery import BadProvider

# By keys of the provider only: neither "none" nor a signature by our own secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# Clocks of two machines differ by so many seconds.
LEEWAY = 60
# What providers say where they asked for a second factor.
_FACTOR_ACR = ("phr", "phrh", "http://schemas.openid.net/pape/policies/2007/06/multi-factor")
MAX_SUBJECT = 255


@dataclass(frozen=True)
class Claims:
    """Who signed in, as the provider of a workspace says."""

    issuer: str
    subject: str
    email: str
    name: str
    has_factor: bool


def read(token: Any, config: dict[str, Any], *, client_id: str, nonce: str) -> Claims:
    """What a token says. Raises BadProvider, with the reason in words, for one that is not accepted."""
    if not isinstance(token, str):
        raise BadProvider("The provider did not say who signed in: its answer has no ID token.")
    found = _decoded(token, config, client_id)
    if not nonce or found.get("nonce") != nonce:
        raise BadProvider("The ID token was made for another sign-in.")
    audience = found["aud"]
    if found.get("azp", client_id) != client_id or (isinstance(audience, list) and len(audience) > 1):
        raise BadProvider("The ID token is also meant for other programs.")
    return _claims(found)


def _decoded(token: str, config: dict[str, Any], client_id: str) -> dict[str, Any]:
    try:
        decoded: dict[str, Any] = jwt.decode(
            token,
            key=_key(token, config["jwks_uri"]),
            algorithms=list(ALGORITHMS),
            issuer=config["issuer"],
            audience=client_id,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError:
        raise BadProvider("The ID token is too old.") from None
    except jwt.InvalidIssuerError:
        raise BadProvider("The ID token is from another issuer.") from None
    except jwt.InvalidAudienceError:
        raise BadProvider("The ID token is meant for another program.") from None
    except (jwt.InvalidSignatureError, jwt.InvalidKeyError, jwt.InvalidAlgorithmError):
        raise BadProvider("The signature of the ID token is wrong.") from None
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise BadProvider("The ID token cannot be read.") from None
    return decoded


def _key(token: str, jwks_uri: str) -> Any:
    """The key of the provider that the token names; the only one where it names none."""
    try:
        with OutsideSession() as session:
            answer = session.get(jwks_uri)
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
    except (BadAddress, requests.RequestException):
        raise BadProvider("The keys of the provider cannot be read.") from None
    wanted = jwt.get_unverified_header(token).get("kid")
    fitting = [key for key in keys if key.public_key_use in (None, "sig") and (wanted is None or key.key_id == wanted)]
    if len(fitting) != 1:
        raise jwt.InvalidKeyError
    return fitting[0].key


def _claims(found: dict[str, Any]) -> Claims:
    email, subject = found.get("email"), found["sub"]
    if not isinstance(email, str) or not email:
        raise BadProvider("The provider does not say the e-mail address. Let it put “email” into the ID token.")
    if found.get("email_verified") not in (True, "true"):
        raise BadProvider("The provider does not say that the e-mail address is verified (“email_verified”).")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or "\0" in subject + email:
        raise BadProvider("The ID token cannot be read.")
    methods = found.get("amr")
    has_factor = (isinstance(methods, list) and "mfa" in methods) or found.get("acr") in _FACTOR_ACR
    name = found.get("name")
    return Claims(
        issuer=found["iss"],
        subject=subject,
        email=email,
        name="".join(c for c in name if c.isprintable())[:120] if isinstance(name, str) else "",
        has_factor=has_factor,
    )
