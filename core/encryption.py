"""Secrets of others that the product has to know again, such as the password of a customer's server: encrypted at rest.

AES-256-GCM under a key that is derived from SECRET_KEY, which is not in the database, and from the purpose: a text that was
encrypted for one thing cannot be read as another. What only has to be compared is hashed instead, never encrypted.
"""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

VERSION = "1:"
_NONCE = 12


class Unreadable(ValueError):
    """What cannot be decrypted: it was changed, is for another purpose, or SECRET_KEY is another one. For people."""


def encrypt(text: str, *, purpose: str) -> str:
    """A text as it may be stored. The same text gives another result each time."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(_key(purpose)).encrypt(nonce, text.encode(), purpose.encode())
    return VERSION + base64.b64encode(nonce + sealed).decode()


def decrypt(stored: str, *, purpose: str) -> str:
    """The text again. Raises Unreadable."""
    try:
        if not stored.startswith(VERSION):
            raise ValueError
        raw = base64.b64decode(stored.removeprefix(VERSION), validate=True)
        return AESGCM(_key(purpose)).decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
    except (ValueError, InvalidTag):
        raise Unreadable(
            "The stored secret cannot be read, because the key of this platform was changed. Enter it again."
        ) from None


def _key(purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"cdp {purpose}".encode()).derive(str(settings.SECRET_KEY).encode())
