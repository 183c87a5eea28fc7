"""What a connection to Google Ads is asked for."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from destinations.kinds import Field

ACCOUNT = (
    Field("customer_id", "Account ID", "Ten digits, at the top right of Google Ads, such as 123-456-7890."),
    Field(
        "login_customer_id", "Manager account ID", "Only where you sign in by a manager account. Ten digits.", required=False
    ),
    Field(
        "terms", "Customer Match terms", "Google takes lists only from accounts that have accepted its terms.",
        choices=(("accepted", "Accepted"),),
    ),
    Field("refresh_token", "Refresh token", "Comes by itself when you sign in with Google.", secret=True),
)  # fmt: skip
TARGET = (Field("list_id", "Audience segment ID", "Digits: open the customer list; its address has userListId=…"),)


def clean_account(account: MutableMapping[str, Any], _secret: MutableMapping[str, Any]) -> None:
    """Write IDs without hyphens. Raises ValueError with a sentence."""
    for key, label in (("customer_id", "account ID"), ("login_customer_id", "manager account ID")):
        digits = str(account.get(key, "")).replace("-", "").replace(" ", "")
        if digits and not (digits.isascii() and digits.isdigit() and len(digits) == 10):
            raise ValueError(f"The {label} has ten digits, such as 123-456-7890.")
        account[key] = digits


def clean_target(target: Mapping[str, Any]) -> None:
    """Raises ValueError with a sentence."""
    if not (str(target["list_id"]).isascii() and str(target["list_id"]).isdigit()):
        raise ValueError("The ID of an audience segment has digits only.")
