"""What a connection to an address of one's own is asked for."""

import base64
import binascii
import secrets
from collections.abc import Mapping, MutableMapping
from typing import Any

from core import outside_post
from core.standard_webhooks import PREFIX
from destinations.kinds import Field

ACCOUNT = (
    Field("url", "Address", "Takes POST requests, such as https://example.com/people."),
    Field(
        "signing_secret", "Signing secret", "Begins with whsec_. Leave it empty, and one is made.", secret=True,
        required=False,
    ),
)  # fmt: skip
TARGET = (Field("list", "Name of the list", "Said in each request."),)


def clean_account(account: MutableMapping[str, Any], secret: MutableMapping[str, Any]) -> None:
    """Make a secret where there is none. Raises ValueError with a sentence."""
    outside_post.check(str(account["url"]))
    given = str(secret.get("signing_secret") or PREFIX + base64.b64encode(secrets.token_bytes(32)).decode())
    try:
        key = base64.b64decode(given.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not given.startswith(PREFIX) or len(key) < 24:
        raise ValueError("A signing secret is whsec_ and at least 24 bytes in base 64.")
    secret["signing_secret"] = given


def clean_target(_target: Mapping[str, Any]) -> None:
    """Every name will do."""
