"""Connections to destinations: made, checked, renewed and cut. Secrets are encrypted, and never shown again.

Pages call `connect`, `reconnect`, `check`, `rename`, `disconnect`, `remove`; workers call `opened`.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core import encryption
from destinations import kinds
from destinations.kinds import Problem
from destinations.models import Destination, DestinationState, Sync, SyncState
from tenants import audit
from tenants.models import User

PURPOSE = "destination"
MOST = 30
# So long before a connection expires its admins are told.
WARN_BEFORE = timedelta(days=7)


class BadConnection(ValueError):
    """Settings that cannot be: a sentence for people, and which field it is about ('' for none)."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def connect(
    kind: str, *, name: str, account: Mapping[str, Any], secret: Mapping[str, Any], user: User,
    expires_at: datetime | None = None, token: str | None = None,
) -> Destination:  # fmt: skip
    """Make a connection. Raises BadConnection; KeyError for a kind that does not exist."""
    if token and (made := Destination.objects.filter(token=token).first()):
        return made  # type: ignore[no-any-return]
    if kind not in kinds.names():
        raise KeyError(kind)
    if Destination.objects.filter(archived_at=None).count() >= MOST:
        raise BadConnection(f"This workspace has {MOST} destinations, which is the limit. Remove one that is not used.")
    destination = Destination(kind=kind, created_by=user, token=token, expires_at=expires_at)
    _name(destination, name)
    destination.settings, destination.secret = _clean(kind, account, secret)
    destination.save()
    _record("connected", destination, user)
    return destination


def made_here(destination: Destination, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, value) of secrets that a form had left empty and that were made instead, for the page to show once."""
    if not destination.secret:
        return []
    stored = json.loads(encryption.decrypt(destination.secret, purpose=PURPOSE))
    fields = [field for field in kinds.form(destination.kind).ACCOUNT if field.secret and not given.get(field.key)]
    return [(field.label, str(stored[field.key])) for field in fields if stored.get(field.key)]


def reconnect(
    destination: Destination, *, account: Mapping[str, Any], secret: Mapping[str, Any], user: User,
    expires_at: datetime | None = None,
) -> None:  # fmt: skip
    """Give a connection another secret; its failed syncs can be repaired then. Raises BadConnection."""
    destination.settings, destination.secret = _clean(destination.kind, account, secret)
    destination.state, destination.error = DestinationState.CONNECTED, ""
    destination.expires_at, destination.warned_at = expires_at, None
    destination.save(update_fields=["settings", "secret", "state", "error", "expires_at", "warned_at"])
    Sync.objects.filter(destination_id=destination.pk).update(retry_at=None, attempts=0)
    _record("reconnected", destination, user)


def rename(destination: Destination, name: str, *, user: User) -> None:
    """Raises BadConnection."""
    _name(destination, name)
    destination.save(update_fields=["name"])
    _record("renamed", destination, user)


def disconnect(destination: Destination, *, user: User) -> None:
    """Forget the secret. Nothing is sent or taken out any more; what was told is kept, so that it can be taken out once
    somebody connects again."""
    destination.secret, destination.state = "", DestinationState.EXPIRED
    destination.error, destination.expires_at = "Disconnected by a member.", None
    destination.save(update_fields=["secret", "state", "error", "expires_at"])
    _record("disconnected", destination, user)


def remove(destination: Destination, *, user: User) -> None:
    """Remove a destination that no sync uses. Raises BadConnection."""
    if Sync.objects.filter(destination_id=destination.pk, archived_at=None).exists():
        raise BadConnection("A data sync uses this destination. Stop and remove it first.")
    destination.secret, destination.archived_at = "", timezone.now()
    destination.save(update_fields=["secret", "archived_at"])
    _record("removed", destination, user)


def opened(destination: Destination, sync: Sync | None = None) -> AbstractContextManager[Any]:
    """A connection to a destination, and to the list there of a sync, to be entered. Raises Problem, Unreadable."""
    secret = json.loads(encryption.decrypt(destination.secret, purpose=PURPOSE)) if destination.secret else {}
    return kinds.connector(destination.kind)(destination.settings, secret, sync.settings if sync else {})


def check(destination: Destination, sync: Sync | None = None) -> tuple[bool, str]:
    """(whether it works, a sentence). Talks to the destination: not inside of a transaction."""
    try:
        with opened(destination, sync) as client:
            return True, client.check()
    except (Problem, encryption.Unreadable) as problem:
        return False, str(problem)


def expiring(now: datetime) -> Any:
    """Connections that expire soon, or have, about which nobody was told yet."""
    return Destination.objects.filter(
        archived_at=None, warned_at=None, expires_at__lt=now + WARN_BEFORE, state=DestinationState.CONNECTED
    )


def usage(destination: Destination) -> list[Sync]:
    """The syncs that use a destination, by name."""
    return list(Sync.objects.filter(destination_id=destination.pk, archived_at=None).order_by("name"))


def _name(destination: Destination, name: str) -> None:
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise BadConnection("Enter a name of up to 120 characters.", "name")
    others = Destination.objects.filter(name=name, archived_at=None).exclude(pk=destination.pk)
    if others.exists():
        raise BadConnection("Another destination has this name. Choose another one.", "name")
    destination.name = name


def _clean(kind: str, account: Mapping[str, Any], secret: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Settings, and the encrypted secret."""
    form = kinds.form(kind)
    given: dict[str, Any] = {}
    hidden: dict[str, Any] = {}
    for field in kinds.asked(kind, account):
        value = str((secret if field.secret else account).get(field.key) or "").strip()
        if field.required and not value:
            raise BadConnection(f"Fill in “{field.label}”.", field.key)
        (hidden if field.secret else given)[field.key] = value
    # Tokens that no form has, such as those of a sign-in elsewhere.
    hidden |= {key: value for key, value in secret.items() if key not in hidden}
    try:
        form.clean_account(given, hidden)
    except ValueError as problem:
        raise BadConnection(str(problem)) from None
    return given, encryption.encrypt(json.dumps(hidden), purpose=PURPOSE)


def _record(verb: str, destination: Destination, user: User) -> None:
    audit.record(
        f"destination.{verb}", user_id=user.pk, target=f"destination {destination.pk}", kind=destination.kind,
        name=destination.name,
    )  # fmt: skip


def is_used(destination_id: int) -> bool:
    """Whether a sync that runs uses it."""
    return bool(
        Sync.objects.filter(destination_id=destination_id, archived_at=None).exclude(state=SyncState.DRAFT).exists()
    )
