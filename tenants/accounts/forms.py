"""Forms of an account. Those of the second factor are allauth's, with words of ours and an answer where it cannot count."""

import logging
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
)
from allauth.mfa.webauthn.internal import auth as passkeys
from django import forms
from redis.exceptions import RedisError

from core.encryption import Unreadable
from tenants.accounts import failed_sign_ins
from tenants.models import FailedSignIn, User, normal_login

log = logging.getLogger(__name__)
MAX_CODE = 40
# Why a code was refused, where that is a failed sign-in.
_REASONS = {"incorrect_code": FailedSignIn.Reason.CODE, "too_many_login_attempts": FailedSignIn.Reason.LOCKED}
MAX_NAME = 60


def _code_field(label: str, hint: str = "") -> forms.CharField:
    widget = forms.TextInput(
        attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autocapitalize": "off", "spellcheck": "false"}
    )
    return forms.CharField(label=label, max_length=MAX_CODE, widget=widget, help_text=hint)


class _Counted:
    """A code is only looked at where wrong ones can be counted, and where the secret can be read."""

    def clean_code(self) -> str:
        try:
            return str(super().clean_code())  # type: ignore[misc]
        except RedisError as problem:
            log.exception("codes cannot be counted")
            raise get_adapter().validation_error("away") from problem
        except Unreadable as problem:
            log.exception("the secret of a second factor cannot be read")
            raise forms.ValidationError(
                "The stored secret cannot be read. Ask those who run this platform."
            ) from problem


class CodeForm(_Counted, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""

    code = _code_field("Code", "6 digits from your authenticator app, or one of your recovery codes.")

    def clean_code(self) -> str:
        try:
            return super().clean_code()
        except forms.ValidationError as problem:
            if reason := _REASONS.get(str(problem.code)):
                failed_sign_ins.note(context.request, self.user.pk, reason)
            raise


class _NotedPasskey:
    """A passkey of an account that is refused is a failed sign-in of it."""

    def clean_credential(self) -> Any:
        sent = self.cleaned_data["credential"]  # type: ignore[attr-defined]
        try:
            return super().clean_credential()  # type: ignore[misc]
        except RedisError as problem:
            log.exception("passkeys cannot be counted")
            raise get_adapter().validation_error("away") from problem
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            # What no browser sends, and the library takes apart without looking.
            raise get_mfa_adapter().validation_error("incorrect_code") from problem
        except forms.ValidationError as problem:
            is_locked = problem.code == "too_many_login_attempts"
            reason = FailedSignIn.Reason.LOCKED if is_locked else FailedSignIn.Reason.PASSKEY
            if holder := self._holder(sent):
                failed_sign_ins.note(context.request, holder, reason)
            raise

    def _holder(self, sent: Any) -> int | None:
        raise NotImplementedError


class PasskeyBesideForm(_NotedPasskey, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The second step of signing in, by a passkey."""

    def _holder(self, sent: Any) -> int | None:
        return int(self.user.pk)


class PasskeyAloneForm(_NotedPasskey, LoginWebAuthnForm):  # type: ignore[misc]
    """Signing in with a passkey alone."""

    def _holder(self, sent: Any) -> int | None:
        """The account that has the passkey. Numbers of accounts can be guessed, those of passkeys cannot."""
        try:
            key = passkeys.parse_authentication_response(sent).raw_id
            user = passkeys.extract_user_from_response(sent)
        except forms.ValidationError:
            return None
        return int(user.pk) if passkeys.get_authenticator_by_credential_id(user, key) else None


class CodeAgainForm(_Counted, ReauthenticateForm):  # type: ignore[misc]
    """The same, before something is changed."""

    code = _code_field("Code", "6 digits from your authenticator app, or one of your recovery codes.")


class AppForm(_Counted, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app: proof that it has the secret."""

    code = _code_field("Code from the app", "6 digits. A new code comes every 30 seconds.")


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey: its name, and whether it signs in alone."""

    name = forms.CharField(
        label="Name", max_length=MAX_NAME, required=False, help_text="Such as “Laptop” or “Blue key”."
    )
    passwordless = forms.BooleanField(
        label="Sign in with this passkey alone, without password",
        required=False,
        initial=True,
        help_text="The passkey then asks for your fingerprint, your face or a PIN.",
    )


class PasskeyNameForm(EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a passkey."""

    name = forms.CharField(label="Name", max_length=MAX_NAME)


class ProfileForm(forms.Form):
    """How a person is called."""

    name = forms.CharField(label="Your name", max_length=120, help_text="Members of your workspaces see it.")


class EmailForm(forms.Form):
    """A new address to sign in with."""

    email = forms.EmailField(label="New e-mail address", max_length=254)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email = normal_login(str(self.cleaned_data["email"]))
        if email == self.user.email:
            raise forms.ValidationError("This is your address already.")
        return email
