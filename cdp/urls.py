"""Pages outside of any workspace: the door, the styleguide, health. What lies in a workspace: cdp.workspace_urls."""

from allauth.account import views as account
from django.urls import include, path, register_converter

from cdp import views
from contacts.views import platform_blacklist, signup
from destinations.views import sign_in
from tenants.members.auth_adapter import AccountNumber
from tenants.roles import public, signed_in
from tenants.views import entry
from tracking.views import email_webhooks

register_converter(AccountNumber, "account")

urlpatterns = [
    path("", entry.home, name="home"),
    path("workspaces/new/", entry.new_workspace, name="new_workspace"),
    path("login/", public(account.login), name="account_login"),
    path("login/company/", include("tenants.single_sign_on_urls")),
    path("logout/", public(account.logout), name="account_logout"),
    path("signup/", public(account.signup), name="account_signup"),
    path("inactive/", public(account.account_inactive), name="account_inactive"),
    path("password/forgotten/", public(account.password_reset), name="account_reset_password"),
    path("password/sent/", public(account.password_reset_done), name="account_reset_password_done"),
    path(
        "password/new/<account:uidb36>-<str:key>/",
        public(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/changed/",
        public(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    path("invitation/<str:token>/", entry.invitation, name="invitation"),
    path("account/", include("tenants.account_urls")),
    path("styleguide/", signed_in(views.styleguide), name="styleguide"),
    path("s/<str:key>/", signup.subscribe, name="subscribe"),
    path("confirm/<str:token>/", signup.confirm, name="confirm"),
    path("unsubscribe/<str:token>/", signup.unsubscribe, name="unsubscribe"),
    path("hooks/<str:key>/", email_webhooks.receive, name="mail_hook"),
    path("platform/blacklist/", platform_blacklist.blacklist, name="platform_blacklist"),
    path("destinations/signed-in/", sign_in.back, name="destination_signed_in"),
    path("", include("insights.operations.platform_urls")),
    path("api/", include("api.urls")),
    path("favicon.ico", views.favicon, name="favicon"),
    path("healthz", views.health, name="health"),
]
handler404 = "core.http.not_found"
handler500 = "cdp.views.failure"
