"""Who of a list may be sent, and why the others are left out (docs/decisions/0024-data-syncs.md).

An advertising network gets whoever has agreed to ads and has not said no otherwise (contacts.consent.ads_consent): no
refusal, no unsubscribe, no complaint and no blacklist on any channel, neither of the contact nor of another one with its
address. An address of one's own, a bucket or a server gets every contact of the list that was not deleted: it is the
workspace's own place, and what may be done with the contacts there is decided by the list.
"""

from contacts.consent import ads_consent
from contacts.values.ads_consent import DENIED, GRANTED, KEY
from destinations import kinds
from tenants.isolation.statements import fill

# Why a contact of a list is not sent, in the order in which it is asked.
REASONS = {
    "deleted": "Deleted",
    "refused": "Refused ads",
    "unsubscribed": "Unsubscribed",
    "never_asked": "No ads consent",
    "address": "Address refused",
    "no_identifier": "No identifier",
    "waiting": "Not sent yet",
}
NOTES = {
    "unsubscribed": "spam reports and the blacklist included",
    "never_asked": "never asked",
    "address": "by another contact with this address",
    "no_identifier": "neither e-mail nor phone",
}
_PRESENT = "{c}.deleted_at IS NULL"
_AGREED = "{c}.deleted_at IS NULL AND {c}.attributes ->> '{key}' = '{granted}' AND NOT {refused}"
_WHY = """CASE WHEN {c}.id IS NULL OR {c}.deleted_at IS NOT NULL THEN 'deleted'
  WHEN {c}.attributes ->> '{key}' = '{denied}' THEN 'refused'
  WHEN {refused} THEN 'unsubscribed'
  WHEN {c}.attributes ->> '{key}' IS DISTINCT FROM '{granted}' THEN 'never_asked' ELSE 'address' END"""


def permitted(kind: str, contact: str) -> str:
    """The condition that a contact may be sent to a destination of this kind; `contact` is its alias."""
    return ads_consent.permitted(contact) if kinds.of(kind).advertises else fill(_PRESENT, c=contact)


def permitted_by_itself(kind: str, contact: str) -> str:
    """The part of `permitted` that asks for nobody else."""
    if not kinds.of(kind).advertises:
        return fill(_PRESENT, c=contact)
    return fill(_AGREED, c=contact, key=KEY, granted=GRANTED, refused=ads_consent.refused(contact))


def why_not(kind: str, contact: str) -> str:
    """The reason why a contact that is not permitted is left out, a key of REASONS."""
    if not kinds.of(kind).advertises:
        return "'deleted'"
    refused = ads_consent.refused(contact)
    return fill(_WHY, c=contact, key=KEY, denied=DENIED, granted=GRANTED, refused=refused)
