"""Another address to sign in with: confirmed by a link at the new one, told to the old one, which can reverse it for a week.

Links are signed and say which address was changed to which, so that each works once: afterwards the account has another one.
"""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import IntegrityError, transaction

from tenants.accounts import sessions
from tenants.models import User
from tenants.web import workspace_urls

CONFIRM, REVERSE = "email change", "email change reversed"
CONFIRM_HOURS, REVERSE_DAYS = 24, 7


class Over(Exception):
    """The link is too old, was used, is for another account, or is not one of ours."""


class Taken(Exception):
    """Another account has the address since."""


@dataclass(frozen=True)
class Wanted:
    """A change as a link says it."""

    user: User
    old: str
    new: str


def link_to_confirm(user: User, new: str) -> str:
    """The address for the mail to the new address."""
    return _link("account_email_confirm", CONFIRM, user.pk, user.email, new)


def link_to_reverse(user_id: int, *, old: str, new: str) -> str:
    """The address for the mail to the old address."""
    return _link("account_email_reverse", REVERSE, user_id, old, new)


def read_confirm(token: str, *, user: User) -> Wanted:
    """What the link at the new address asks for, opened by whom it is for. Raises Over."""
    wanted = _read(token, CONFIRM, CONFIRM_HOURS * 3600)
    if wanted.user.pk != user.pk or wanted.user.email != wanted.old:
        raise Over
    return wanted


def read_reverse(token: str) -> Wanted:
    """What the link at the old address asks for, whoever opens it. Raises Over."""
    wanted = _read(token, REVERSE, REVERSE_DAYS * 86_400)
    if wanted.user.email != wanted.new:
        raise Over
    return wanted


def change(wanted: Wanted) -> None:
    """The account has the new address from now on. Raises Over and Taken."""
    _set(wanted.user.pk, before=wanted.old, after=wanted.new)


def reverse(wanted: Wanted) -> None:
    """The account has its old address again and no password, and is signed in nowhere. Raises Over and Taken."""
    _set(wanted.user.pk, before=wanted.new, after=wanted.old, locked=True)
    sessions.end(wanted.user)


def _set(user_id: int, *, before: str, after: str, locked: bool = False) -> None:
    try:
        with transaction.atomic():
            user = User.objects.select_for_update().get(pk=user_id)
            if user.email != before:
                raise Over
            user.email = after
            if locked:
                user.set_unusable_password()
            user.save(update_fields=["email", "password"])
            # What the log-in library has noted of the account would be looked up first.
            EmailAddress.objects.filter(user_id=user_id).delete()
    except IntegrityError as problem:
        raise Taken from problem


def _link(route: str, salt: str, user_id: int, old: str, new: str) -> str:
    token = signing.dumps([user_id, old, new], salt=salt)
    return workspace_urls.absolute(workspace_urls.outside(route, token))


def _read(token: str, salt: str, max_age: int) -> Wanted:
    try:
        user_id, old, new = signing.loads(token, salt=salt, max_age=max_age)
    except (signing.BadSignature, ValueError, TypeError) as problem:
        raise Over from problem
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise Over
    return Wanted(user, old, new)
