"""Records that a person agreed to be written to: what was shown, when, and who has said so."""

from datetime import datetime

from contacts.models import ConsentRecord
from tenants import audit


def add(contact_id: int, *, wording: str, at: datetime, user_id: int | None) -> ConsentRecord:
    """Keep a consent. It changes no status: whoever has unsubscribed stays so."""
    record: ConsentRecord = ConsentRecord.objects.create(
        contact_id=contact_id, said_by_id=user_id, wording=wording, at=at
    )
    audit.record("contact.consented", user_id=user_id, target=f"contact {contact_id}", contact=contact_id)
    return record
