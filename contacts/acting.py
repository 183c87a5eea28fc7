"""What a person does to one contact at the click of a button, with the way back.

Each act locks the contact, writes an entry to the audit log in the same transaction, and can be taken back by that entry as
long as nobody has changed the same thing since. Writing counts as an occasion on which contacts changed (contacts.turns), so
that a plan made before is worked out anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from contacts import turns
from contacts.models import Change, Contact, EmailStatus, PhoneStatus
from tenants import audit
from tenants.context import current_tenant
from tenants.models import AuditEntry

DELETED, RESTORED = "contact.deleted", "contact.restored"
UNDONE = "contact.undone"
# Why a person may take a contact out; the first is what is chosen unless somebody says otherwise.
REASONS = ("Asked to be deleted", "Duplicate", "Wrong or invalid data", "Not a customer any more", "Other")


class Refused(Exception):
    """The act makes no sense for the contact as it is now. The argument is a sentence for the person."""


@dataclass(frozen=True)
class Act:
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


ACTS = {
    "unsubscribe": Act(
        "contact.unsubscribed", "Unsubscribe e-mail", "mail-x", "is unsubscribed", "email", EmailStatus.UNSUBSCRIBED,
        _reachable,
    ),
    "clear-spam": Act(
        "contact.spam_cleared", "Clear spam complaint", "flag", "has no spam complaint any more", "email",
        EmailStatus.ACTIVE, lambda c: bool(c.email) and c.email_status == EmailStatus.SPAM,
    ),
    "blacklist-email": Act(
        "contact.email_blacklisted", "Blacklist e-mail", "ban", "is on the blacklist", "email", EmailStatus.BLACKLISTED,
        _reachable,
    ),
    "blacklist-phone": Act(
        "contact.phone_blacklisted", "Blacklist phone", "phone-off", "is on the blacklist", "phone",
        PhoneStatus.BLACKLISTED, lambda c: bool(c.phone) and c.phone_status == PhoneStatus.ACTIVE,
    ),
}  # fmt: skip


def offered(contact: Contact) -> list[tuple[str, Act]]:
    """The acts that make sense for a contact, in the order of their buttons."""
    return [(name, act) for name, act in ACTS.items() if contact.deleted_at is None and act.applies(contact)]


def perform(contact_id: int, act: Act, *, user_id: int) -> AuditEntry:
    """Set the status of a channel. Raises Contact.DoesNotExist, Refused."""
    contact = _locked(contact_id)
    if contact.deleted_at is not None:
        raise Refused("The contact has been deleted.")
    if not act.applies(contact):
        raise Refused(f"{act.label} makes no sense any more: the contact has changed meanwhile.")
    before = _status(contact, act.channel)
    now = timezone.now()
    after = {"status": act.status, "at": now.isoformat(), "reason": "set by hand"}
    _set_status(contact, act.channel, after)
    _write(contact, now, f"{act.channel}_status", f"{act.channel}_status_at", f"{act.channel}_status_reason")
    return _note(act.verb, contact, user_id, channel=act.channel, before=before, after=after)


def delete(contact_id: int, *, reason: str, user_id: int) -> AuditEntry:
    """Take a contact out of all lists; it stays under Deleted. Raises Contact.DoesNotExist, Refused."""
    contact = _locked(contact_id)
    if contact.deleted_at is not None:
        raise Refused("The contact was deleted before.")
    contact.deleted_at, contact.deleted_reason = timezone.now(), reason
    _write(contact, contact.deleted_at, "deleted_at", "deleted_reason")
    return _note(DELETED, contact, user_id, reason=reason, at=contact.deleted_at.isoformat())


def restore(contact_id: int, *, user_id: int) -> AuditEntry:
    """Bring a deleted contact back as it was. Raises Contact.DoesNotExist, Refused: another contact has its ID now."""
    contact = _locked(contact_id)
    if contact.deleted_at is None:
        raise Refused("The contact is not deleted.")
    if contact.merged_into is not None:
        raise Refused(f"The contact was merged into contact {contact.merged_into}. Undo the merge on that profile.")
    holder = taken_by(contact)
    if holder is not None:
        raise Refused(
            f"{holder.display_name} (contact {holder.pk}) has the external ID {contact.external_id} now. "
            "Change it there first."
        )
    before = {"at": contact.deleted_at.isoformat(), "reason": contact.deleted_reason}
    contact.deleted_at = contact.deleted_reason = None
    _write(contact, timezone.now(), "deleted_at", "deleted_reason")
    return _note(RESTORED, contact, user_id, before=before)


def taken_by(contact: Contact) -> Contact | None:
    """The living contact that has the external ID of a deleted one."""
    if contact.external_id is None:
        return None
    found: Contact | None = Contact.objects.living().filter(external_id=contact.external_id).first()
    return found


def undo(entry_id: int, *, user_id: int) -> Contact:
    """Take back an act by its entry in the audit log; doing so twice changes nothing more.

    Raises AuditEntry.DoesNotExist, Refused: somebody has changed the same thing since, or it is no act that can be undone.
    """
    entry = AuditEntry.objects.get(pk=entry_id)
    detail: dict[str, Any] = entry.detail
    if "contact" not in detail or entry.verb not in {DELETED, RESTORED, *(act.verb for act in ACTS.values())}:
        raise Refused("This cannot be undone.")
    contact = _locked(detail["contact"])
    if entry.verb == DELETED:
        if contact.deleted_at is None or contact.deleted_at.isoformat() != detail["at"]:
            raise Refused("The contact is not deleted any more.")
        restore(contact.pk, user_id=user_id)
    elif entry.verb == RESTORED:
        _delete_again(contact, detail["before"], user_id=user_id)
    else:
        _take_back_status(contact, detail, user_id=user_id)
    return contact


def _delete_again(contact: Contact, before: dict[str, Any], *, user_id: int) -> None:
    if contact.deleted_at is not None:
        raise Refused("The contact is deleted already.")
    contact.deleted_at, contact.deleted_reason = datetime.fromisoformat(before["at"]), before["reason"]
    _write(contact, timezone.now(), "deleted_at", "deleted_reason")
    _note(UNDONE, contact, user_id, act=RESTORED)


def _take_back_status(contact: Contact, detail: dict[str, Any], *, user_id: int) -> None:
    channel = detail["channel"]
    if _status(contact, channel) != detail["after"]:
        raise Refused("The status has changed since; it was left as it is.")
    _set_status(contact, channel, detail["before"])
    _write(contact, timezone.now(), f"{channel}_status", f"{channel}_status_at", f"{channel}_status_reason")
    _note(UNDONE, contact, user_id, channel=channel, before=detail["after"], after=detail["before"])


def _locked(contact_id: int) -> Contact:
    turns.lock()
    found: Contact = Contact.objects.select_for_update().get(pk=contact_id)
    return found


def _status(contact: Contact, channel: str) -> dict[str, Any]:
    at = getattr(contact, f"{channel}_status_at")
    return {
        "status": str(getattr(contact, f"{channel}_status")),
        "at": at.isoformat() if at else None,
        "reason": getattr(contact, f"{channel}_status_reason"),
    }


def _set_status(contact: Contact, channel: str, values: dict[str, Any]) -> None:
    setattr(contact, f"{channel}_status", values["status"])
    setattr(contact, f"{channel}_status_at", datetime.fromisoformat(values["at"]) if values["at"] else None)
    setattr(contact, f"{channel}_status_reason", values["reason"])


def _write(contact: Contact, now: datetime, *fields: str) -> None:
    contact.changed_at = now
    contact.save(update_fields=[*fields, "changed_at"])
    Change.objects.create(tenant_id=current_tenant(), at=now, contact_id=contact.pk)
    turns.written()


def _note(verb: str, contact: Contact, user_id: int, **detail: Any) -> AuditEntry:
    return audit.record(verb, user_id=user_id, target=f"contact {contact.pk}", contact=contact.pk, **detail)
