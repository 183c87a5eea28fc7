"""Passwords of connectors: made here, shown once, stored as a hash; and the keys of those who use none.

Hashing is slow on purpose. Programs sign in every minute, so a password that was right is known for a while, in memory only
and under a key of this process.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict

from django.contrib.auth.hashers import check_password, make_password

ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 28
KNOWN_SECONDS, MOST_KNOWN = 300.0, 1_000

_key = secrets.token_bytes(32)
_known: "OrderedDict[bytes, float]" = OrderedDict()
_lock = threading.Lock()


def new_secret() -> str:
    """A new password: letters and digits that cannot be taken for each other."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def hashed(secret: str) -> str:
    """A password as it is stored."""
    return make_password(secret)


def is_right(secret: str, stored: str) -> bool:
    """Whether a password is the stored one. Takes some tenths of a second of the processor: not for an event loop."""
    if not stored:
        make_password(secret[:200])  # an answer takes as long as for one that exists
        return False
    sign = hmac.new(_key, f"{stored}\0{secret}".encode(), hashlib.sha256).digest()
    now = time.monotonic()
    with _lock:
        if _known.get(sign, 0.0) > now:
            return True
    if not check_password(secret, stored):
        return False
    with _lock:
        _known[sign] = now + KNOWN_SECONDS
        while len(_known) > MOST_KNOWN:
            _known.popitem(last=False)
    return True
