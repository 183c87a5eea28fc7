"""What a person is told about their account by mail: through the adapter of the log-in library, from templates/account."""

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from tenants.accounts import email_change, sessions
from tenants.models import User
from tenants.web import workspace_urls


def new_browser(request: HttpRequest, user: User) -> None:
    """A browser signed in that the account does not know."""
    browser = sessions.words_of(request.headers.get("User-Agent", ""))
    get_adapter(request).send_notification_mail("account/email/new_browser", user, {"browser": browser})


def confirm_email(request: HttpRequest, user: User, *, new: str) -> None:
    """The link, to the new address; raises ImmediateHttpResponse where no mail can be sent. The old one is told at once."""
    link = email_change.link_to_confirm(user, new)
    context = {"user": user, "link": link, "new": new, "hours": email_change.CONFIRM_HOURS}
    get_adapter(request).send_mail("account/email/confirm_email", new, context)
    get_adapter(request).send_notification_mail("account/email/email_asked", user, {"new": new})


def email_taken(request: HttpRequest, user: User, *, new: str) -> None:
    """Somebody wanted the address of another account: only who reads its mail is told so, never who asked."""
    get_adapter(request).send_mail("account/email/email_taken", new, {"user": user, "new": new})


def email_changed(request: HttpRequest, wanted: email_change.Wanted) -> None:
    """The old address is told, with a way to reverse it."""
    link = email_change.link_to_reverse(wanted.user.pk, old=wanted.old, new=wanted.new)
    context = {"link": link, "old": wanted.old, "new": wanted.new, "days": email_change.REVERSE_DAYS}
    get_adapter(request).send_notification_mail("account/email/address_changed", wanted.user, context, email=wanted.old)


def linked(request: HttpRequest, user: User, *, workspace: str) -> None:
    """The account of a company signs in to this account from now on."""
    get_adapter(request).send_notification_mail("account/email/linked", user, {"workspace": workspace})


def links() -> dict[str, str]:
    """Where to go for who did not do it: in every mail of this kind."""
    return {
        "sessions_url": workspace_urls.absolute(workspace_urls.outside("account_sessions")),
        "password_url": workspace_urls.absolute(workspace_urls.outside("account_change_password")),
    }
