"""Whether a contact may be used for ads, as SQL for what sends contacts to advertising networks.

Consent belongs to the address, as in contacts.consent.address_status: who refused ads, has unsubscribed, has reported spam
or is blacklisted takes everybody with the same e-mail address or phone number out, also after being deleted. Who was merged
counts as the contact that it was merged into, which has taken the stricter answer.
"""

from contacts.values import ads_consent
from tenants.isolation.statements import fill

_REFUSED = """(coalesce({x}.attributes ->> '{key}', '') = '{denied}'
  OR ({x}.email IS NOT NULL AND {x}.email_status IN ('blacklisted', 'unsubscribed', 'spam'))
  OR ({x}.phone IS NOT NULL AND {x}.phone_status = 'blacklisted'))"""
_PERMITTED = """({x}.deleted_at IS NULL AND {x}.attributes ->> '{key}' = '{granted}' AND NOT {own}
  AND NOT EXISTS (SELECT 1 FROM contact other WHERE other.tenant_id = %(tenant)s AND other.merged_into IS NULL
    AND other.email = {x}.email AND {others})
  AND NOT EXISTS (SELECT 1 FROM contact other WHERE other.tenant_id = %(tenant)s AND other.merged_into IS NULL
    AND other.phone = {x}.phone AND {others}))"""


def refused(contact: str) -> str:
    """The condition that a contact has refused ads, or messages of any channel that it has; `contact` is its alias."""
    return fill(_REFUSED, x=contact, key=ads_consent.KEY, denied=ads_consent.DENIED)


def permitted(contact: str) -> str:
    """The condition that a contact may be used for ads: it agreed, and no contact with one of its addresses refused.
    `contact` is its alias, %(tenant)s the workspace; the other contacts are looked up by address."""
    return fill(
        _PERMITTED, x=contact, key=ads_consent.KEY, granted=ads_consent.GRANTED, own=refused(contact),
        others=refused("other"),
    )  # fmt: skip
