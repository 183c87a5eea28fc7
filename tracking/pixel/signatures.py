"""Signatures of a site's server: of a body that it sends itself, and of identifiers that it gives to a page.

Both are HMAC-SHA256 in hexadecimal digits, by the site's secret (tracking.pixel.secrets). Pure.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from contacts.values.columns import IDENTIFIERS

# So far a signed body may be away from our clock: what was caught on the way is of no use later, and its hits have IDs.
TOLERANCE_SECONDS = 300
_HEADER = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})").fullmatch


def sign_body(body: bytes, *, secret: bytes, at: int) -> str:
    """The header of a signed body: "t=1780000000,v1=…"."""
    return f"t={at},v1={_digest(secret, b'%d.' % at + body)}"


def is_body(header: str, body: bytes, *, secrets: Sequence[bytes], now: float) -> bool:
    """Whether one of the secrets has signed the body within the last minutes."""
    form = _HEADER(header)
    if form is None or abs(now - int(form[1])) > TOLERANCE_SECONDS:
        return False
    return _fits(form[2], form[1].encode() + b"." + body, secrets)


def sign_identity(identifiers: Mapping[str, str], *, secret: bytes) -> str:
    """What `cdp.identify` takes as its second argument. Raises ValueError for a value with a line break."""
    text = _lines(identifiers)
    if text is None:
        raise ValueError("An identifier cannot contain a line break.")
    return _digest(secret, text)


def is_identity(signature: str, identifiers: Mapping[str, str], *, secrets: Sequence[bytes]) -> bool:
    """Whether one of the secrets has signed exactly these identifiers."""
    text = _lines(identifiers)
    return text is not None and bool(identifiers) and _fits(signature, text, secrets)


def _lines(identifiers: Mapping[str, str]) -> bytes | None:
    """The identifiers in the one form that is signed; None where a value would look like a second line."""
    if any(set(value) & {"\n", "\r"} for value in identifiers.values()):
        return None
    lines = [f"{kind}={identifiers[kind]}" for kind in IDENTIFIERS if kind in identifiers]
    return "\n".join(["identify", *lines]).encode(errors="replace")


def _fits(signature: str, text: bytes, secrets: Sequence[bytes]) -> bool:
    given = signature.encode(errors="replace")
    return any(hmac.compare_digest(given, _digest(secret, text).encode()) for secret in secrets)


def _digest(secret: bytes, text: bytes) -> str:
    return hmac.new(secret, text, hashlib.sha256).hexdigest()
