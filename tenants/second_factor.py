"""The second factor of accounts: how its secrets are stored, who has one, and whether a session has shown it."""

from typing import Any, Protocol

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from core import encryption
from tenants import provider_sessions

PURPOSE = "second factor"
# Recovery codes alone are none: they replace a factor that was lost.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class Secrets(DefaultMFAAdapter):  # type: ignore[misc]
    """What allauth stores of a factor is encrypted; passkeys hold public keys alone."""

    error_messages = {  # noqa: RUF012  as the class above has it
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "Wrong code. Enter the code that your app shows now, or a recovery code that is not used yet.",
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text, purpose=PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises core.encryption.Unreadable."""
        return encryption.decrypt(encrypted_text, purpose=PURPOSE)


def exists(user_id: int) -> bool:
    """Whether the account has a factor that is asked for when it signs in."""
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=FACTORS).exists())


def is_shown(request: HttpRequest) -> bool:
    """Whether this session has shown a second factor since it began."""
    user: Any = request.user
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, user))


class Asking(Protocol):
    """A workspace, as far as it asks for a second factor."""

    @property
    def id(self) -> int: ...
    @property
    def needs_second_factor(self) -> bool: ...
    @property
    def trusts_provider_factor(self) -> bool: ...


def is_missing(request: HttpRequest, workspace: Asking) -> bool:
    """Whether the workspace asks for a second factor that this session has not shown, or that the account has not got."""
    if not workspace.needs_second_factor:
        return False
    if workspace.trusts_provider_factor and provider_sessions.has_factor(request, workspace.id):
        return False
    return not (is_shown(request) and exists(request.user.pk or 0))


def note_shown(request: HttpRequest, authenticator_type: str) -> None:
    """A factor was set up in this session, with a code or a key that was just checked: that is showing it."""
    user: Any = request.user
    record_authentication(request, user, "mfa", type=authenticator_type)


def holders(user_ids: list[int]) -> set[int]:
    """Those of the accounts that have one."""
    found = Authenticator.objects.filter(user_id__in=user_ids, type__in=FACTORS)
    return set(found.values_list("user_id", flat=True))
