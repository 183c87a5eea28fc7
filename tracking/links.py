"""Tracked links: an address of a site with `cid`, which says whose link it is. Whoever opens it is that contact.

`cid` is the number of a contact with a time, signed with a key that is the workspace's own: nobody can make one up, and one
of another workspace says nothing here. It is external proof like a sign-in, with two limits: a forwarded link must not take
a visitor away from its contact, and it expires. The pixel's addresses are stored without it.
"""

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner, b64_encode
from django.utils.crypto import salted_hmac

from core.parse import parse_id
from tenants.isolation.context import current_tenant

PARAMETER, KIND = "cid", "link"
DAYS = 90
# What may be one of ours. Other sites have a `cid` of their own, which is left alone.
_FORM = re.compile(r"\d{1,18}\.[0-9A-Za-z]{1,12}\.[0-9A-Za-z_-]{43}").fullmatch


class BadLink(ValueError):
    """A link that is not believed; the reason is counted as a drop."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def token(contact_id: int, *, tenant_id: int) -> str:
    """What `cid` has to be for a contact, from now on for DAYS."""
    return _signer(tenant_id).sign(str(contact_id))


def read(text: str, *, tenant_id: int) -> int:
    """The number of the contact. Raises BadLink: link_forged, link_expired."""
    try:
        contact_id = parse_id(_signer(tenant_id).unsign(text, max_age=DAYS * 86_400))
    except SignatureExpired:
        raise BadLink("link_expired") from None
    except BadSignature:
        raise BadLink("link_forged") from None
    if contact_id is None:
        raise BadLink("link_forged")
    return contact_id


def tag(url: str, contact_id: int, *, tenant_id: int) -> str:
    """An address of the web with the `cid` of a contact. Raises ValueError, as a sentence."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("Enter a full address, for example https://shop.example.com/sale.")
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != PARAMETER]
    query.append((PARAMETER, token(contact_id, tenant_id=tenant_id)))
    return urlunsplit(parts._replace(query=urlencode(query)))


def found_in(url: str) -> str | None:
    """What looks like one of our `cid` in an address."""
    try:
        pairs = parse_qsl(urlsplit(url).query)
    except ValueError:
        return None
    return next((v for k, v in pairs if is_ours(k, v)), None)


def is_ours(name: str, value: str) -> bool:
    """Whether a value of an address is, by its form, a `cid` of ours."""
    return name == PARAMETER and _FORM(value) is not None


def cells_of(contact_ids: Sequence[int]) -> dict[int, str]:
    """The column of the export: contact → what to put behind `?cid=` of links to your sites."""
    signer = _signer(current_tenant())
    # As `Signer` does it, which derives its key anew for each value.
    keyed, now = salted_hmac(f"{signer.salt!s}signer", b"", signer.key, algorithm=signer.algorithm), signer.timestamp()
    cells = {}
    for contact_id in contact_ids:
        signed, mac = f"{contact_id}.{now}", keyed.copy()
        mac.update(signed.encode())
        cells[contact_id] = f"{signed}.{b64_encode(mac.digest()).decode()}"
    return cells


def _signer(tenant_id: int) -> TimestampSigner:
    return TimestampSigner(salt=f"tracking.link.{tenant_id}", sep=".")
