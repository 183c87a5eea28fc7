"""The keyed digest under which an identifier of an erased person is stored: it can be compared and not read. Pure."""

import hashlib


def suppression_digest(kind: str, value: str, *, key: str) -> str:
    """The digest of one identifier; contacts.identity.exclusions.SUPPRESSED works out the same in SQL."""
    return hashlib.sha256(f"{key}{kind}{value}".encode()).hexdigest()
