"""What all apps store about contacts: asked for a merge and its undo, and for an erasure (contacts.extensions).

A test holds the tables that they name against the catalogue of the database, so that a new table with personal data
cannot be forgotten.
"""

from collections.abc import Sequence

from contacts.extensions import Identifiers, TransferRecord, contact_data


def held(contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """(how many, of what) contacts have in all apps; without what they have none of."""
    return [(n, what) for provider in contact_data().values() for n, what in provider.held(contact_ids) if n]


def move(contact_ids: Sequence[int], *, to: int) -> dict[str, TransferRecord]:
    """Give everything that the contacts have to another one; returns what was moved, by the name of the app."""
    return {app: provider.move(contact_ids, to=to) for app, provider in contact_data().items()}


def restore(moved: dict[str, TransferRecord], *, of: int) -> None:
    """Return what `move` has given to contact `of`."""
    for app, provider in contact_data().items():
        if app in moved:
            provider.restore(moved[app], of=of)


def known(contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """What the contacts were known by before, identifiers and names, from all apps."""
    return [pair for provider in contact_data().values() for pair in provider.known(contact_ids)]


def erase(contact_ids: Sequence[int], identifiers: Identifiers) -> None:
    """Remove everything about contacts for good: the highest app first, the contacts themselves last. Raises NotAllowed."""
    for provider in reversed(contact_data().values()):
        provider.erase(contact_ids, identifiers)
