"""Records that a person agreed to be written to, or to ads: what was shown, when, and who has said so."""

from datetime import datetime

from django.utils import timezone

from contacts import value_state, write_lock
from contacts.models import ConsentPurpose, ConsentRecord, Contact
from contacts.values import ads_consent
from tenants import audit


def add(
    contact_id: int, *, wording: str, at: datetime, user_id: int | None, purpose: str = ConsentPurpose.EMAIL
) -> ConsentRecord:
    """Keep a consent. One to e-mails changes no status: whoever has unsubscribed stays so. One to ads is the answer of the
    contact from now on."""
    record: ConsentRecord = ConsentRecord.objects.create(
        contact_id=contact_id, said_by_id=user_id, wording=wording, at=at, purpose=purpose
    )
    if purpose == ConsentPurpose.ADS:
        write_lock.lock()
        contact = Contact.objects.select_for_update().get(pk=contact_id)
        value_state.write_states(contact, {ads_consent.KEY: [ads_consent.GRANTED]}, timezone.now())
        write_lock.bump_version()
    audit.record(
        "contact.consented", user_id=user_id, target=f"contact {contact_id}", contact=contact_id, purpose=purpose
    )
    return record
