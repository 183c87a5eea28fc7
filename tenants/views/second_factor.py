"""Setting up a second factor: the pages of allauth, which here also note that the factor was shown."""

from typing import Any

from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from allauth.mfa.webauthn.views import AddWebAuthnView, LoginWebAuthnView
from django.http import HttpResponse

from tenants import second_factor
from tenants.models import Tenant
from tenants.workspaces import workspaces_of


class Overview(IndexView):  # type: ignore[misc]
    """What the account has. Who was led here from a workspace is told which one asks for it."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user_id = self.request.user.pk
        slugs = [place.slug for place in workspaces_of(user_id)]
        asking = Tenant.objects.filter(slug__in=slugs, needs_second_factor=True).order_by("name")
        has_one = second_factor.exists(user_id)
        return {**context, "has_one": has_one, "asking": [tenant.name for tenant in asking]}


class AddApp(ActivateTOTPView):  # type: ignore[misc]
    """An authenticator app: a code of it is proof that it has the secret."""

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        second_factor.note_shown(self.request, Authenticator.Type.TOTP)
        return answer


class AddPasskey(AddWebAuthnView):  # type: ignore[misc]
    """A passkey: the browser signs a challenge with it."""

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        second_factor.note_shown(self.request, Authenticator.Type.WEBAUTHN)
        return answer


class SignInByPasskey(LoginWebAuthnView):  # type: ignore[misc]
    """Signing in with a passkey alone, on to the page that was asked for."""

    def form_valid(self, form: Any) -> HttpResponse:
        authenticator = form.cleaned_data["credential"]
        login = Login(user=authenticator.user, redirect_url=get_next_redirect_url(self.request))
        answer: HttpResponse = perform_passwordless_login(self.request, authenticator, login)
        return answer


overview = Overview.as_view()
add_app = AddApp.as_view()
add_passkey = AddPasskey.as_view()
sign_in_by_passkey = SignInByPasskey.as_view()
