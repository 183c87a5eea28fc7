"""Pages of one's own account, below /account/. Those of the second factor are allauth's, with templates of ours."""

from allauth.account import views as account
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.urls import path
from django.views.generic import RedirectView

from tenants.roles import public, signed_in
from tenants.views import account as own
from tenants.views import second_factor

urlpatterns = [
    path("", own.profile, name="account"),
    path("email/", own.email, name="account_email"),
    path("email/confirm/<str:token>/", own.confirm_email, name="account_email_confirm"),
    path("email/reverse/<str:token>/", own.reverse_email, name="account_email_reverse"),
    path("password/", signed_in(account.password_change), name="account_change_password"),
    # Who has no password chooses one by mail.
    path(
        "password/set/",
        signed_in(RedirectView.as_view(pattern_name="account_reset_password")),
        name="account_set_password",
    ),
    path("sessions/", own.sessions_page, name="account_sessions"),
    path("sessions/end/", own.end_sessions, name="account_end_sessions"),
    path("confirm/", signed_in(account.reauthenticate), name="account_reauthenticate"),
    path("confirm/code/", signed_in(factor.reauthenticate), name="mfa_reauthenticate"),
    path("confirm/passkey/", signed_in(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("second-factor/", signed_in(second_factor.overview), name="mfa_index"),
    # The second step of signing in: nobody is signed in yet.
    path("second-factor/sign-in/", public(factor.authenticate), name="mfa_authenticate"),
    path("second-factor/app/", signed_in(second_factor.add_app), name="mfa_activate_totp"),
    path("second-factor/app/remove/", signed_in(app.deactivate_totp), name="mfa_deactivate_totp"),
    path("second-factor/codes/", signed_in(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", signed_in(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("second-factor/passkeys/", signed_in(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path("second-factor/passkeys/add/", signed_in(second_factor.add_passkey), name="mfa_add_webauthn"),
    path("second-factor/passkeys/<int:pk>/edit/", signed_in(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path("second-factor/passkeys/<int:pk>/remove/", signed_in(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("passkey/", public(second_factor.sign_in_by_passkey), name="mfa_login_webauthn"),
]
