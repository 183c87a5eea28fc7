"""Tokens: made, looked up, rotated, revoked. The secret is shown once and stored as its SHA-256 alone.

The secret of a form's token is made of a mark in that form: a second click makes no second token.

A token reads cdp_<number of the workspace in base 36>_<43 letters and digits>. The number opens the workspace's context, in
which alone the digest can be found: there is no table of all tokens.
"""

import hashlib
import hmac
import secrets
import string
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.http import base36_to_int, int_to_base36

from api.models import ApiToken
from api.scopes import SCOPES
from tenants import audit
from tenants.closing import lifecycle
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Membership, Tenant, User

PREFIX = "cdp"
LETTERS = string.ascii_letters + string.digits
SECRET = 43  # 256 bits in 62 letters
# After a rotation the secret before is valid for so long, so that a program can be given the new one without a gap.
GRACE = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)
MOST = 100
MOST_DAYS = 3_650


class BadToken(ValueError):
    """A token that cannot be made so. The sentence is for people; `field` says which field it is about."""

    def __init__(self, sentence: str, field: str = "name") -> None:
        super().__init__(sentence)
        self.field = field


class WorkspaceClosed(Exception):
    """The token is good, but its workspace is closed: until `erase_at` an owner can reopen it, where `erasing` is False."""

    def __init__(self, *, erase_at: datetime | None, erasing: bool) -> None:
        super().__init__("the workspace is closed")
        self.erase_at, self.erasing = erase_at, erasing


class Known(NamedTuple):
    """Who asks: the token, its workspace, and the membership of the member who made it."""

    tenant: Tenant
    token: ApiToken
    membership: Membership


def new_mark() -> str:
    """A mark for a form, of which the secret of its token will be made."""
    return secrets.token_hex(16)


def create(
    name: str, *, scopes: Collection[str], user: User, expires_at: datetime | None = None, mark: str = ""
) -> tuple[ApiToken, str]:
    """Make a token; the text is nowhere else. The same `mark` again gives the same token. Raises BadToken."""
    text, digest = _secret(user, f"new {mark or new_mark()}")
    same = Q(digest=digest) | Q(previous_digest=digest)
    if known := ApiToken.objects.filter(same, created_by=user).first():
        if known.revoked_at is not None or known.digest != digest:
            raise BadToken("The token of this form was revoked or rotated. Open the form again for a new one.")
        return known, text
    name = " ".join(name.split())
    if not name or len(name) > 80:
        raise BadToken("Enter a name of up to 80 characters.")
    role = Membership.objects.filter(user=user).first()
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise BadToken(f"Choose scopes of: {', '.join(SCOPES)}.", "scopes")
    missing = [scope for scope in scopes if role is None or not role.may(scope)]
    if missing:
        raise BadToken(f"Your role does not allow: {', '.join(missing)}.", "scopes")
    if alive().count() >= MOST:
        raise BadToken(f"This workspace has {MOST} tokens, which is the limit. Revoke one that is not used.")
    ordered = [scope for scope in SCOPES if scope in scopes]
    token = ApiToken.objects.create(
        name=name, digest=digest, scopes=ordered, created_by=user, expires_at=expires_at
    )  # fmt: skip
    _record("created", token, user, scopes=ordered, expires=expires_at.isoformat() if expires_at else "never")
    return token, text


def state_of(token: ApiToken) -> str:
    """What is another text after each rotation; it says nothing of the secret."""
    return token.digest[:12]


def rotate(token: ApiToken, *, user: User, mark: str = "", seen: str | None = None) -> str:
    """Give a token a new secret, which is returned. The one before is valid for GRACE. The same `mark` again changes
    nothing.

    Raises BadToken where the token is no longer as its `state_of` was `seen`, if that is told: a form of long ago must not
    bring a secret of long ago back.
    """
    text, digest = _secret(user, f"rotation {token.pk} {mark or new_mark()}")
    if digest == token.digest:
        return text
    if seen is not None and seen != state_of(token):
        raise BadToken("This token was rotated in the meantime. Open the form again to rotate it once more.")
    token.previous_digest, token.previous_until = token.digest, timezone.now() + GRACE
    token.digest = digest
    token.rotated_at = timezone.now()
    token.save(update_fields=["digest", "previous_digest", "previous_until", "rotated_at"])
    _record("rotated", token, user)
    return text


def revoke(token: ApiToken, *, user: User) -> bool:
    """End a token at once. False when it has been revoked before."""
    done = bool(ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()))
    if done:
        _record("revoked", token, user)
    return done


def alive() -> "QuerySet[ApiToken]":
    """Tokens that were not revoked, the newest first; those that have expired are among them."""
    tokens: QuerySet[ApiToken] = ApiToken.objects.filter(revoked_at=None).select_related("created_by")
    return tokens.order_by("-pk")


def find(text: str) -> Known | None:
    """Who a token is, or None. Notes its use, at most once a minute.

    Raises WorkspaceClosed for a token that would be found if its workspace were open: no other learns that it is closed.
    """
    tenant_id = _tenant_of(text)
    if tenant_id is None:
        return None
    tenant = Tenant.open.filter(pk=tenant_id).first() or lifecycle.find_closed(tenant_id)
    if tenant is None:
        return None
    now = timezone.now()
    with tenant_context(tenant.pk):
        digest = _digest(text)
        of_secret = Q(digest=digest) | Q(previous_digest=digest, previous_until__gt=now)
        in_time = Q(expires_at=None) | Q(expires_at__gt=now)
        token = ApiToken.objects.select_related("created_by").filter(of_secret, in_time, revoked_at=None).first()
        if token is None or not token.created_by.is_active:
            return None
        membership = Membership.objects.filter(user_id=token.created_by_id).first()
        if membership is None:
            return None
        if tenant.closed_at is not None:
            raise WorkspaceClosed(erase_at=tenant.erase_at, erasing=tenant.erasing_since is not None)
        if token.last_used_at is None or token.last_used_at < now - SEEN_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return Known(tenant, token, membership)


def _secret(user: User, mark: str) -> tuple[str, str]:
    """A token of the workspace of the context, and its digest."""
    named = f"api token {current_tenant()} {user.pk} {mark}"
    number = int.from_bytes(hmac.digest(settings.SECRET_KEY.encode(), named.encode(), "sha256"))
    letters = []
    for _ in range(SECRET):
        number, at = divmod(number, len(LETTERS))
        letters.append(LETTERS[at])
    text = f"{PREFIX}_{int_to_base36(current_tenant())}_{''.join(letters)}"
    return text, _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _tenant_of(text: str) -> int | None:
    prefix, _sep, rest = text.partition("_")
    number, _sep, secret = rest.partition("_")
    plain = number.isascii() and number.isalnum() and len(number) <= 12
    if prefix != PREFIX or not plain or len(secret) != SECRET or not (secret.isascii() and secret.isalnum()):
        return None
    return base36_to_int(number)


def _record(verb: str, token: ApiToken, user: User, **detail: object) -> None:
    audit.record(f"token.{verb}", user_id=user.pk, target=f"API token {token.pk}", name=token.name, **detail)
