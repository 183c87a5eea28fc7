"""One contact made or changed by a person: values as the form has read them, with the way back.

The same normal forms as imports; the caller has read the values (contacts.profile.form). Writing counts as an occasion on
which contacts changed, so that plans made before are made again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from contacts import contact_limit, value_state, write_lock
from contacts.consent import address_status, blacklist, suppression
from contacts.errors import NotAllowed
from contacts.identity import aliases
from contacts.models import ConsentRecord, Contact, Origin
from contacts.values import channel_status, value_changes
from contacts.values.identifiers import name_key
from contacts.values.types import CORE
from tenants import audit
from tenants.models import AuditEntry

CREATED, EDITED = "contact.created", "contact.edited"
WORDING = "The contact's information has been obtained with the owner's consent."


def create(values: Mapping[str, Any], *, user_id: int, wording: str = WORDING, origin: str = Origin.MANUAL) -> Contact:
    """Make a contact of values by key, and keep who has said that the person agreed. Raises NotAllowed: the ID is taken,
    the person was deleted or erased, or the workspace has as many contacts as it may have (ContactsFull)."""
    write_lock.lock()
    _refuse_taken(values.get("external_id"), None)
    contact_limit.refuse(1)
    now = timezone.now()
    given = {key: _state(key, value) for key, value in values.items() if value is not None}
    suppression.refuse({key: state[0] for key, state in given.items()})
    contact = Contact(origin=origin, created_at=now)
    value_state.write_states(contact, given, now)
    address_status.take(contact, now=now)
    blacklist.suppress_contacts([contact.pk])
    ConsentRecord.objects.create(contact_id=contact.pk, said_by_id=user_id, wording=wording, at=now)
    write_lock.bump_version()
    record_creation(contact, sorted(values), user_id=user_id)
    return contact


def record_creation(contact: Contact, fields: Sequence[str], *, user_id: int) -> None:
    """Keep in the audit log that a person or a program has made a contact, with which fields."""
    audit.record(CREATED, user_id=user_id, target=f"contact {contact.pk}", contact=contact.pk, fields=list(fields))


def change(contact_id: int, values: Mapping[str, Any], *, seen: datetime, user_id: int) -> AuditEntry | None:
    """Give a contact the values; None when nothing is different. `seen` is when it had last changed as the person saw it.

    A replaced identifier stays an alias; a new address has the status that is known for it. Raises Contact.DoesNotExist,
    NotAllowed: the contact was deleted or changed meanwhile, the ID is taken, or a value is that of somebody erased.
    """
    write_lock.lock()
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    if contact.deleted_at is not None:
        raise NotAllowed("This contact was deleted while you were editing it.")
    before = {key: value_state.state_of(contact, key) for key in values}
    after = {key: _state(key, value) for key, value in values.items()}
    different = {key: [before[key], after[key]] for key in values if before[key][0] != after[key][0]}
    if not different:
        return None
    if contact.changed_at != seen:
        raise NotAllowed(
            "A member or an import changed this contact while you were editing it. Check the new values and save again."
        )
    _refuse_taken(values.get("external_id"), contact_id)
    suppression.refuse_erased({key: pair[1][0] for key, pair in different.items()})
    now = timezone.now()
    was = {key: value_state.state_of(contact, key) for key in (*different, "email_status", "phone_status")}
    value_state.write_states(contact, {key: pair[1] for key, pair in different.items()}, now)
    aliases.note(contact, was, now=now)
    if not different.keys().isdisjoint(channel_status.ORDERS):
        different |= address_status.take(contact, now=now)
    blacklist.suppress_contacts([contact.pk])
    write_lock.bump_version()
    target = f"contact {contact.pk}"
    return audit.record(EDITED, user_id=user_id, target=target, contact=contact.pk, values=different)


def record(contact: Contact, changed: Mapping[str, Sequence[Any]], *, user_id: int) -> AuditEntry | None:
    """Keep what a program has changed in a contact by the road of imports (contacts.values.value_changes), as an edit that
    can be undone. None where the contact was restored by it, which is more than an edit."""
    if not changed or value_changes.DELETED in changed:
        return None
    values = {
        key: [value_changes.state_before(key, entry), value_state.state_of(contact, key)]
        for key, entry in changed.items()
    }
    target = f"contact {contact.pk}"
    return audit.record(EDITED, user_id=user_id, target=target, contact=contact.pk, values=values)


def changed_since(key: str, *, since: datetime, of: Sequence[int] | None) -> Any:
    """The IDs of the contacts whose value a person has changed since then (contacts.extensions.value_changes)."""
    edits = AuditEntry.objects.filter(verb=EDITED, at__gte=since, detail__values__has_key=key)
    if of is not None:
        edits = edits.filter(object__in=[f"contact {contact_id}" for contact_id in of])
    return edits.values(contact=Cast(KeyTextTransform("contact", "detail"), BigIntegerField()))


def undo(contact: Contact, detail: Mapping[str, Any], *, user_id: int) -> None:
    """Give back what an edit has changed; the caller has locked the contact. Raises NotAllowed: it was changed since."""
    pairs: dict[str, list[list[Any]]] = detail["values"]
    if any(value_state.state_of(contact, key) != after for key, (_before, after) in pairs.items()):
        raise NotAllowed("Nothing was undone: one of the values has changed since then.")
    if "external_id" in pairs:
        _refuse_taken(pairs["external_id"][0][0], contact.pk)
    value_state.write_states(contact, {key: before for key, (before, _after) in pairs.items()}, timezone.now())
    write_lock.bump_version()
    audit.record("contact.undone", user_id=user_id, target=f"contact {contact.pk}", contact=contact.pk, act=EDITED)


def holder(external_id: str | None, but: int | None) -> Contact | None:
    """The living contact that has an external ID."""
    if external_id is None:
        return None
    contact: Contact | None = Contact.objects.living().filter(external_id=external_id).exclude(pk=but).first()
    return contact


def _refuse_taken(external_id: str | None, but: int | None) -> None:
    taken = holder(external_id, but)
    if taken is not None:
        raise NotAllowed(f"{taken.display_name} (contact {taken.pk}) already has the external ID {external_id}.")


def _state(key: str, value: Any) -> list[Any]:
    """The state of a value as the form gives it: for channels a pair (normal form, as written)."""
    if key in ("email", "phone"):
        normal, written = value or (None, None)
        return [normal, None if written == normal else written]
    if key in ("first_name", "last_name"):
        return [value, name_key(value) if value else None]
    return [value] if key in CORE else [value if value not in ("", []) else None]
