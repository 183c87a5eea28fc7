"""How people sign in: allauth does it; this page says what it may not do, whom it counts, and where its links lead."""

import logging
import smtplib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from core.http import client_address, client_network, render_page
from tenants.accounts import failed_sign_ins, mails, sessions
from tenants.accounts.sessions import NO_ADDRESS
from tenants.models import FailedSignIn, User
from tenants.single_sign_on import people
from tenants.web import workspace_urls

log = logging.getLogger(__name__)
FACTOR_STAGE = "allauth.mfa.stages.AuthenticateStage"


class AccountNumber:
    """The number of an account in the address of a reset link: letters and digits only.

    The token after it holds hyphens, so the number ends at the first one.
    """

    regex = "[0-9A-Za-z]{1,12}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves: accounts come from an invitation or the command line."""

    error_messages = {  # noqa: RUF012  as the class above has it
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": (
            "Too many wrong passwords from your network. Wait 15 minutes, or reset your password."
        ),
        "away": "You cannot sign in right now. Try again in a moment.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """There are no user names."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or NO_ADDRESS

    def get_login_stages(self) -> list[str]:
        """Without the second factor of the account where the provider of a workspace is trusted with it: what such a session
        opens is that workspace alone."""
        stages: list[str] = super().get_login_stages()
        trusted = getattr(self.request, "has_trusted_factor", False)
        return [stage for stage in stages if not (trusted and stage == FACTOR_STAGE)]

    def login(self, request: HttpRequest, user: User) -> None:
        request.is_first_sign_in = user.last_login is None  # type: ignore[attr-defined]
        super().login(request, user)

    def post_login(self, request: HttpRequest, user: User, **how: Any) -> HttpResponse:
        """Signed in. A browser that the account does not know is told by mail, except for the first one of all."""
        response: HttpResponse = super().post_login(request, user, **how)
        people.signed_in(request, user, how.get("signal_kwargs"))
        if not sessions.is_known(request, user) and not getattr(request, "is_first_sign_in", False):
            mails.new_browser(request, user)
        sessions.remember(request, response, user)
        return response

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Who was shown to be the person, by a passkey or a provider, but whose account was switched off."""
        failed_sign_ins.note(request, user.pk, FailedSignIn.Reason.INACTIVE)
        answer: HttpResponse = super().respond_user_inactive(request, user)
        return answer

    def get_reset_password_from_key_url(self, key: str) -> str:
        number, _hyphen, token = key.partition("-")
        return workspace_urls.absolute(workspace_urls.outside("account_reset_password_from_key", number, token))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send one of the mails of an account. Their links have the host of SITE_URL, whatever host was asked."""
        mail = self.render_mail(
            template_prefix,
            email,
            {**context, "login_url": workspace_urls.absolute(workspace_urls.outside("account_login"))},
        )
        try:
            mail.send()
        except (smtplib.SMTPException, OSError) as problem:
            log.exception("the mail %s was not sent", template_prefix)
            raise ImmediateHttpResponse(render_page(self.request, "account/mail_away.html", status=503)) from problem

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell a person what happened to their account. It has happened: a mail server that is away changes nothing."""
        known = {"user": user, **mails.links(), **(context or {})}
        try:
            super().send_notification_mail(template_prefix, user, known, email or user.email)
        except ImmediateHttpResponse:
            log.warning("the notice %s was not sent", template_prefix)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        login = str(credentials.get("email", ""))
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            failed_sign_ins.note_login(request, login, FailedSignIn.Reason.LOCKED)
            raise
        except RedisError as problem:
            # Without the counts there is no limit for guessing: nobody comes in by password meanwhile.
            log.exception("log-ins cannot be counted")
            raise self.validation_error("away") from problem

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password, or no such account."""
        failed_sign_ins.note_login(request, str(credentials.get("email", "")), FailedSignIn.Reason.PASSWORD)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Whose wrong passwords are counted together: an account's from one connection.

        In capitals, as accounts are looked up: letters that differ in small (ſ, ı) must not make another count.
        """
        return f"{client_network(request)} {str(credentials.get('email', '')).strip().upper()}"
