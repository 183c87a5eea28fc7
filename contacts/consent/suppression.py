"""People who must not come back (rule 6): deleted, or erased for good, under everything they were known by.

Keyed digests of the identifiers of erased people are stored, so that nothing adds these people again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings

from contacts.consent.digest import suppression_digest
from contacts.errors import NotAllowed
from contacts.models import Alias, Contact, Suppression
from contacts.values.columns import IDENTIFIERS
from tenants.isolation.statements import fetch


def holds(kind: str, value: str) -> bool:
    """Whether the identifier belonged to somebody who was erased."""
    digest = suppression_digest(kind, value, key=settings.SECRET_KEY)
    return bool(Suppression.objects.filter(kind=kind, digest=digest).exists())


def add(identifiers: Iterable[tuple[str, str]]) -> int:
    """Remember identifiers (kind, normal form); returns how many."""
    rows = [
        Suppression(kind=kind, digest=suppression_digest(kind, value, key=settings.SECRET_KEY))
        for kind, value in identifiers
    ]
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def remove(kind: str, value: str) -> None:
    """The person has come back by themselves, and has proved that the address is theirs."""
    Suppression.objects.filter(kind=kind, digest=suppression_digest(kind, value, key=settings.SECRET_KEY)).delete()


def refuse(values: Mapping[str, Any]) -> None:
    """Raise NotAllowed when a new contact with these values by key would be somebody who was deleted or erased.

    As in imports, a living contact with an identifier is preferred, and a phone counts where nothing else is said.
    """
    refuse_erased(values)
    given = {kind: values.get(kind) for kind in IDENTIFIERS if values.get(kind)}
    if len(given) > 1:
        given.pop("phone", None)
    for kind, value in given.items():
        gone = deleted_with(kind, str(value))
        if gone is not None:
            raise NotAllowed(
                f"{gone.display_name} (contact {gone.pk}) had this {_NAMES[kind]} and was deleted. "
                "Restore that contact instead."
            )


def refuse_erased(values: Mapping[str, Any]) -> None:
    """Raise NotAllowed when one of the values by key belonged to somebody who was erased for good."""
    for kind in IDENTIFIERS:
        if values.get(kind) and holds(kind, str(values[kind])):
            raise NotAllowed(
                f"This {_NAMES[kind]} belonged to a person who was erased for good. They can only return by "
                "subscribing with a form."
            )


_NAMES = {"external_id": "external ID", "email": "e-mail address", "phone": "phone number"}


def deleted_with(kind: str, value: str) -> Contact | None:
    """A deleted contact that has the identifier or had it before, where no living contact has it."""
    own: dict[str, Any] = {kind: value}
    if Contact.objects.living().filter(**own).exists():
        return None
    known = Alias.objects.filter(kind=kind, value=value).values_list("contact_id", flat=True)
    gone = Contact.objects.filter(deleted_at__isnull=False)
    contact: Contact | None = gone.filter(**own).order_by("pk").first() or gone.filter(pk__in=list(known)).first()
    while contact is not None and contact.merged_into is not None:
        contact = Contact.objects.filter(pk=contact.merged_into).first()
    return contact if contact is not None and contact.deleted_at is not None else None


# Contacts with an identifier of somebody who was erased; checked before deleted ones are restored.
ERASED = """
SELECT c.id FROM contact c CROSS JOIN LATERAL (
  VALUES ('email', c.email), ('phone', c.phone), ('external_id', c.external_id)) k(kind, value)
JOIN suppression x ON x.tenant_id = %(tenant)s AND x.kind = k.kind
  AND x.digest = encode(sha256(convert_to(%(key)s || k.kind || k.value, 'UTF8')), 'hex')
WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s)"""


def erased_among(contact_ids: Sequence[int]) -> set[int]:
    """Those of the contacts that have an identifier of somebody who was erased for good."""
    rows = fetch(ERASED, ids=list(contact_ids), key=settings.SECRET_KEY)
    return {row[0] for row in rows}
