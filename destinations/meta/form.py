"""What a connection to Meta is asked for."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from destinations.kinds import Field

ACCOUNT = (
    Field(
        "access_token", "Access token",
        "Comes by itself when you sign in with Meta, and ends after 60 days. The token of a system user, made in the "
        "business settings, does not end.", secret=True,
    ),
)  # fmt: skip
TARGET = (Field("audience_id", "Audience ID", "Digits: open the custom audience in the Audience Manager."),)


def clean_account(_account: MutableMapping[str, Any], secret: MutableMapping[str, Any]) -> None:
    """Raises ValueError with a sentence."""
    token = str(secret.get("access_token", ""))
    if len(token) < 10 or not token.isascii() or any(c.isspace() for c in token):
        raise ValueError("This is not an access token: it is one long word.")


def clean_target(target: Mapping[str, Any]) -> None:
    """Raises ValueError with a sentence."""
    if not (str(target["audience_id"]).isascii() and str(target["audience_id"]).isdigit()):
        raise ValueError("The ID of an audience has digits only.")
