"""The way to a provider and back: allauth's OpenID Connect, with the app of the workspace and requests that are checked."""

import logging
import secrets
from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest, HttpResponse

from core import encryption
from core.encryption import Unreadable
from core.outside_addresses import BadAddress
from core.outside_session import OutsideSession
from tenants.models import IdentityProvider
from tenants.single_sign_on import discovery, id_tokens
from tenants.single_sign_on.discovery import BadProvider, Canceled, NotFinished
from tenants.single_sign_on.id_tokens import Claims
from tenants.web import workspace_urls

log = logging.getLogger(__name__)
PURPOSE = "single sign-on"


class Providers(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """What allauth asks for: connections are checked ones, and what fails is raised, not shown on a page of its own."""

    def get_requests_session(self) -> OutsideSession:
        return OutsideSession()

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        raise ImmediateHttpResponse(_Failed(error, exception))


class _Failed(HttpResponse):
    """Never sent: carries what went wrong past allauth."""

    def __init__(self, error: Any, exception: Exception | None) -> None:
        super().__init__(status=401)
        self.error, self.exception = error, exception


class _Done(HttpResponse):
    """Never sent: carries what the provider has said past allauth, which would look accounts up by itself."""

    def __init__(self, claims: Claims) -> None:
        super().__init__()
        self.claims = claims


class _Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """The addresses of the provider, and the check of what it says: allauth would leave out the signature and the nonce."""

    def __init__(self, request: HttpRequest, app: SocialApp, state: dict[str, Any] | None = None) -> None:
        self.app, self.state = app, state or {}
        super().__init__(request, app.provider_id)

    def get_provider(self) -> "_Provider":
        return _Provider(self.request, app=self.app)

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_openid_config"):
            self._openid_config = discovery.read(self.app.settings["issuer"])
        return self._openid_config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return callback_url(int(app.provider_id))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **how: Any) -> Any:
        nonce = str(self.state.get("nonce") or "")
        answer = how["response"]
        claims = id_tokens.read(answer.get("id_token"), self.openid_config, client_id=app.client_id, nonce=nonce)
        raise ImmediateHttpResponse(_Done(claims))


class _Provider(OpenIDConnectProvider):  # type: ignore[misc]
    """The provider of one workspace."""

    def get_oauth2_adapter(self, request: HttpRequest) -> _Adapter:
        return _Adapter(request, self.app)


class _Callback(OAuth2CallbackView):  # type: ignore[misc]
    """The state is remembered: it has the nonce, and where the person wanted to go."""

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        self.adapter.state = state or {}
        return state, response


def callback_url(tenant_id: int) -> str:
    """Where the provider of a workspace sends people back to: another address for each workspace."""
    return workspace_urls.absolute(workspace_urls.outside("company_back", tenant_id))


def begin(
    request: HttpRequest, tenant_id: int, provider: IdentityProvider, *, email: str, account: int, to: str
) -> str:
    """The address of the provider's page, for one sign-in of this browser. `account`: whose it is, 0 for a stranger's.
    Raises BadProvider."""
    nonce = secrets.token_urlsafe(24)
    asked = {"nonce": nonce} | ({"login_hint": email} if email else {})
    try:
        answer = _Provider(request, app=_app(tenant_id, provider)).redirect(
            request, AuthProcess.LOGIN, next_url=to, auth_params=asked, nonce=nonce, account=account
        )
    except ImmediateHttpResponse as failed:
        raise _reason(failed.response, was_begun_here=True) from None
    return str(answer.headers["Location"])


def begun_for(request: HttpRequest, tenant_id: int) -> int:
    """Whose sign-in comes back: the account that this browser began it for, 0 where that is a stranger's or unknown.

    Of an answer that fits to none it is the one that this browser began last with the provider. Ask before `finish`.
    """
    states = statekit.get_states(request)
    number = str(request.GET.get("state", ""))
    if list(states.get(number, ()))[2:] != [str(tenant_id)]:
        number = statekit.get_oldest_state(states, rev=True, provider_id=str(tenant_id)) or ""
    return int(states[number][0].get("account") or 0) if number else 0


def finish(request: HttpRequest, tenant_id: int, provider: IdentityProvider) -> tuple[Claims, str]:
    """Who is back from the provider, and where they wanted to go. Raises BadProvider."""
    adapter = _Adapter(request, _app(tenant_id, provider))
    try:
        answer = _Callback.adapter_view(adapter)(request)
    except BadAddress as problem:
        raise BadProvider(str(problem)) from None
    except (AttributeError, KeyError, TypeError, ValueError):
        log.warning("the answer of a provider cannot be read", exc_info=True)
        raise BadProvider("The answer of the provider cannot be read.") from None
    if not isinstance(answer, _Done):
        raise _reason(answer, was_begun_here=bool(adapter.state))
    return answer.claims, str(adapter.state.get("next") or "")


def _app(tenant_id: int, provider: IdentityProvider) -> SocialApp:
    try:
        secret = encryption.decrypt(provider.secret, purpose=PURPOSE)
    except Unreadable as problem:
        raise BadProvider(str(problem)) from None
    return SocialApp(
        provider=OpenIDConnectProvider.id,
        provider_id=str(tenant_id),
        name=provider.issuer,
        client_id=provider.client_id,
        secret=secret,
        settings={"issuer": provider.issuer, "server_url": provider.issuer.rstrip("/"), "oauth_pkce_enabled": True},
    )


def _reason(answer: Any, *, was_begun_here: bool) -> BadProvider:
    error, exception = getattr(answer, "error", None), getattr(answer, "exception", None)
    if error == AuthError.CANCELLED:
        return Canceled("You canceled the sign-in at your company.")
    if isinstance(exception, OAuth2Error):
        return BadProvider("The provider refuses what we ask it for. Its client ID and secret may be wrong here.")
    if isinstance(exception, requests.RequestException):
        return BadProvider("The provider does not answer.")
    if was_begun_here:
        return BadProvider("The provider answers with an error instead of a sign-in.")
    return NotFinished("This sign-in is too old, was used before, or began in another browser. Start again.")
