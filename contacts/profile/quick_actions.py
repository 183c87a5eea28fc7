"""What a person does to one contact at the click of a button, with the way back.

Each act locks the contact, writes an entry to the audit log in the same transaction, and can be undone by that entry
(contacts.profile.undo) as long as nobody has changed the same thing since. Writing counts as an occasion on which contacts
changed (contacts.write_lock), so that a plan made before is made again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from contacts import change_log, write_lock
from contacts.consent import address_status, blacklist, suppression
from contacts.errors import NotAllowed
from contacts.models import BulkAction, Contact, EmailStatus, PhoneStatus, StatusReason
from tenants import audit
from tenants.models import AuditEntry

DELETED, RESTORED = "contact.deleted", "contact.restored"
UNDONE = "contact.undone"


@dataclass(frozen=True)
class QuickAction:
    """One button. `applies`: whether it is offered for a contact; `channel`, `status`: what it sets."""

    verb: str
    label: str
    icon: str
    done: str
    channel: str
    status: str
    applies: Callable[[Contact], bool]


def _reachable(contact: Contact) -> bool:
    return bool(contact.email) and contact.email_status in (EmailStatus.ACTIVE, EmailStatus.NOT_CONFIRMED)


QUICK_ACTIONS = {
    "unsubscribe": QuickAction(
        "contact.unsubscribed", "Unsubscribe e-mail", "mail-x", "is unsubscribed", "email", EmailStatus.UNSUBSCRIBED,
        _reachable,
    ),
    "clear-spam": QuickAction(
        "contact.spam_cleared", "Clear spam report", "flag", "no longer has a spam report", "email",
        EmailStatus.ACTIVE, lambda c: bool(c.email) and c.email_status == EmailStatus.SPAM,
    ),
    "blacklist-email": QuickAction(
        "contact.email_blacklisted", "Blacklist e-mail", "ban", "is on the blacklist", "email", EmailStatus.BLACKLISTED,
        _reachable,
    ),
    "blacklist-phone": QuickAction(
        "contact.phone_blacklisted", "Blacklist phone", "phone-off", "is on the blacklist", "phone",
        PhoneStatus.BLACKLISTED, lambda c: bool(c.phone) and c.phone_status == PhoneStatus.ACTIVE,
    ),
}  # fmt: skip


def offered(contact: Contact) -> list[tuple[str, QuickAction]]:
    """The acts that make sense for a contact, in the order of their buttons."""
    return [(name, act) for name, act in QUICK_ACTIONS.items() if contact.deleted_at is None and act.applies(contact)]


def perform(contact_id: int, act: QuickAction, *, user_id: int) -> AuditEntry:
    """Set the status of a channel. Raises Contact.DoesNotExist, NotAllowed."""
    contact = locked(contact_id)
    if contact.deleted_at is not None:
        raise NotAllowed("This contact was deleted.")
    if not act.applies(contact):
        raise NotAllowed("This contact has changed, so this action no longer applies.")
    before = status_of(contact, act.channel)
    now = timezone.now()
    after = {"status": act.status, "at": now.isoformat(), "reason": StatusReason.MANUAL.value}
    set_status(contact, act.channel, after)
    write(contact, now, f"{act.channel}_status", f"{act.channel}_status_at", f"{act.channel}_status_reason")
    entered = 0
    if act.status == EmailStatus.BLACKLISTED:  # the value too, for whoever else has it, now or later
        value = getattr(contact, act.channel)
        entered = blacklist.add(act.channel, [value], reason="a contact was blacklisted", user_id=user_id)
    return note(act.verb, contact, user_id, channel=act.channel, before=before, after=after, entered=entered)


def delete(contact_id: int, *, reason: str, user_id: int) -> AuditEntry:
    """Take a contact out of all lists; it stays under Deleted. Raises Contact.DoesNotExist, NotAllowed."""
    contact = locked(contact_id)
    if contact.deleted_at is not None:
        raise NotAllowed("This contact is already deleted.")
    contact.deleted_at, contact.deleted_reason = timezone.now(), reason
    write(contact, contact.deleted_at, "deleted_at", "deleted_reason")
    return note(DELETED, contact, user_id, reason=reason, at=contact.deleted_at.isoformat())


def restore(contact_id: int, *, user_id: int, without_id: bool = False) -> AuditEntry:
    """Restore a deleted contact as it was, or `without_id` where another contact has its external ID now. Raises
    Contact.DoesNotExist, NotAllowed: another contact has the ID, or somebody with its address was erased for good."""
    contact = locked(contact_id)
    if contact.deleted_at is None:
        raise NotAllowed("This contact is not deleted.")
    if contact.merged_into is not None:
        raise NotAllowed(f"This contact was merged into contact {contact.merged_into}. Undo the merge on that profile.")
    if suppression.erased_among([contact.pk]):
        raise NotAllowed("This contact cannot be restored: a person with its address or ID was erased for good.")
    holder = taken_by(contact)
    before = {"at": contact.deleted_at.isoformat(), "reason": contact.deleted_reason}
    if holder is not None:
        if not without_id:
            raise NotAllowed(
                f"{holder.display_name} (contact {holder.pk}) now has the external ID {contact.external_id}."
            )
        before["external_id"], contact.external_id = contact.external_id, None
    contact.deleted_at = contact.deleted_reason = None
    now = timezone.now()
    write(contact, now, "deleted_at", "deleted_reason", "external_id")
    address_status.take(contact, now=now)
    return note(RESTORED, contact, user_id, before=before)


def deleted_by(contacts: Sequence[Contact]) -> dict[int, str]:
    """Contact ID → who has deleted it, where it was a person, alone or with many others (contacts.bulk.actions)."""
    gone = [c for c in contacts if c.deleted_at is not None]
    entries = AuditEntry.objects.filter(verb=DELETED, object__in=[f"contact {c.pk}" for c in gone])
    alone = {e.detail.get("at"): e.user for e in entries.select_related("user").order_by("pk")}
    actions = BulkAction.objects.filter(started_at__in=[c.deleted_at for c in gone]).select_related("created_by")
    together = {action.started_at: action.created_by for action in actions}
    names = {c.pk: alone.get(c.deleted_at.isoformat()) or together.get(c.deleted_at) for c in gone if c.deleted_at}
    return {pk: user.display_name for pk, user in names.items() if user is not None}


def taken_by(contact: Contact) -> Contact | None:
    """The living contact that has the external ID of a deleted one."""
    if contact.external_id is None:
        return None
    holder: Contact | None = Contact.objects.living().filter(external_id=contact.external_id).first()
    return holder


def locked(contact_id: int) -> Contact:
    """The contact, locked for this transaction, with the write lock. Raises Contact.DoesNotExist."""
    write_lock.lock()
    contact: Contact = Contact.objects.select_for_update().get(pk=contact_id)
    return contact


def status_of(contact: Contact, channel: str) -> dict[str, Any]:
    """Status of a channel with when and why, as an entry of the audit log keeps it."""
    at = getattr(contact, f"{channel}_status_at")
    return {
        "status": str(getattr(contact, f"{channel}_status")),
        "at": at.isoformat() if at else None,
        "reason": getattr(contact, f"{channel}_status_reason"),
    }


def set_status(contact: Contact, channel: str, values: dict[str, Any]) -> None:
    """Give a channel what `status_of` has said. Nothing is written to the database."""
    setattr(contact, f"{channel}_status", values["status"])
    setattr(contact, f"{channel}_status_at", datetime.fromisoformat(values["at"]) if values["at"] else None)
    setattr(contact, f"{channel}_status_reason", values["reason"])


def write(contact: Contact, now: datetime, *fields: str) -> None:
    """Write these columns, with the place in the order of changes; the caller has locked the contact."""
    contact.changed_at = now
    contact.save(update_fields=[*fields, "changed_at"])
    change_log.note([contact.pk], now=now)
    write_lock.bump_version()


def note(verb: str, contact: Contact, user_id: int, **detail: Any) -> AuditEntry:
    """An entry of the audit log about one contact."""
    return audit.record(verb, user_id=user_id, target=f"contact {contact.pk}", contact=contact.pk, **detail)
