"""Taking back what a person has done to one contact, by the entry in the audit log that the act has left."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from contacts.consent import blacklist
from contacts.errors import NotAllowed
from contacts.models import Contact
from contacts.profile import edit
from contacts.profile.quick_actions import (
    DELETED,
    QUICK_ACTIONS,
    RESTORED,
    UNDONE,
    locked,
    note,
    restore,
    set_status,
    status_of,
    write,
)
from tenants.models import AuditEntry


def undo(entry_id: int, *, user_id: int) -> Contact:
    """Undo an action by its entry in the audit log; a second undo changes nothing more.

    Raises AuditEntry.DoesNotExist, NotAllowed: somebody has changed the same thing since, or it is no act that can be
    undone.
    """
    entry = AuditEntry.objects.get(pk=entry_id)
    detail: dict[str, Any] = entry.detail
    if "contact" not in detail or entry.verb not in {
        DELETED,
        RESTORED,
        edit.EDITED,
        *(act.verb for act in QUICK_ACTIONS.values()),
    }:
        raise NotAllowed("This cannot be undone.")
    contact = locked(detail["contact"])
    if entry.verb == DELETED:
        if contact.deleted_at is None or contact.deleted_at.isoformat() != detail["at"]:
            raise NotAllowed("This contact is no longer deleted.")
        restore(contact.pk, user_id=user_id)
    elif entry.verb == edit.EDITED:
        if contact.deleted_at is not None:
            raise NotAllowed("This contact has since been deleted.")
        edit.undo(contact, detail, user_id=user_id)
    elif entry.verb == RESTORED:
        _delete_again(contact, detail["before"], user_id=user_id)
    else:
        _undo_status(contact, detail, user_id=user_id)
    return contact


def _delete_again(contact: Contact, before: dict[str, Any], *, user_id: int) -> None:
    if contact.deleted_at is not None:
        raise NotAllowed("This contact is already deleted.")
    contact.deleted_at, contact.deleted_reason = datetime.fromisoformat(before["at"]), before["reason"]
    contact.external_id = before.get("external_id", contact.external_id)
    write(contact, timezone.now(), "deleted_at", "deleted_reason", "external_id")
    note(UNDONE, contact, user_id, act=RESTORED)


def _undo_status(contact: Contact, detail: dict[str, Any], *, user_id: int) -> None:
    channel = detail["channel"]
    if status_of(contact, channel) != detail["after"]:
        raise NotAllowed("Nothing was undone: the status has changed since then.")
    if detail.get("entered"):
        blacklist.forget(channel, getattr(contact, channel) or "", user_id=user_id)
    set_status(contact, channel, detail["before"])
    write(contact, timezone.now(), f"{channel}_status", f"{channel}_status_at", f"{channel}_status_reason")
    note(UNDONE, contact, user_id, channel=channel, before=detail["after"], after=detail["before"])
