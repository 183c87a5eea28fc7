"""What each app holds of a contact: one module an app, named in settings.HOLDINGS.

Contacts stand at the bottom of the line of apps, so they cannot call those above; what must happen to everything that
belongs to a contact (a merge, an erasure) goes through these modules instead. A test holds the tables that they name against
the catalogue of the database, so that a new table with personal data cannot be forgotten.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

from django.conf import settings

# Of a person: (kind, normal form) of everything that he or she was known by.
Identifiers = Sequence[tuple[str, str]]
# What has been moved, in JSON: only the module that wrote it reads it.
TransferRecord = dict[str, Any]


class ContactDataProvider(Protocol):
    """A module that answers for the tables of one app. All functions work in the caller's transaction."""

    __name__: str
    # Every table of the app with data about contacts.
    TABLES: tuple[str, ...]

    def held(self, contact_ids: Sequence[int]) -> list[tuple[int, str]]:
        """(how many, of what) these contacts have, in words for people: (7, "segments")."""

    def move(self, contact_ids: Sequence[int], *, to: int) -> TransferRecord:
        """Give all that the contacts have to another one; returns what it takes to give it back."""

    def give_back(self, moved: TransferRecord, *, of: int) -> None:
        """Return what `move` has given to contact `of`, where it is still there."""

    def known(self, contact_ids: Sequence[int]) -> list[tuple[str, str]]:
        """What the contacts were known by before, as far as the app alone knows it: identifiers in their normal forms, and
        names, by their kinds."""

    def erase(self, contact_ids: Sequence[int], identifiers: Identifiers) -> None:
        """Remove everything about the contacts for good. May raise contacts.profile.NotAllowed, with nothing
        written."""


def every() -> list[ContactDataProvider]:
    """The modules, the lowest app first."""
    return [import_module(name) for name in settings.HOLDINGS]


def held(contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """(how many, of what) contacts have in all apps; without what they have none of."""
    return [(n, what) for holding in every() for n, what in holding.held(contact_ids) if n]


def move(contact_ids: Sequence[int], *, to: int) -> dict[str, TransferRecord]:
    """Give everything that the contacts have to another one; returns what was moved, by the name of the module."""
    return {holding.__name__: holding.move(contact_ids, to=to) for holding in every()}


def restore(moved: dict[str, TransferRecord], *, of: int) -> None:
    """Return what `move` has given to contact `of`."""
    for holding in every():
        if holding.__name__ in moved:
            holding.give_back(moved[holding.__name__], of=of)


def known(contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """What the contacts were known by before, identifiers and names, from all apps."""
    return [pair for holding in every() for pair in holding.known(contact_ids)]


def erase(contact_ids: Sequence[int], identifiers: Identifiers) -> None:
    """Remove everything about contacts for good: the highest app first, the contacts themselves last. Raises NotAllowed."""
    for holding in reversed(every()):
        holding.erase(contact_ids, identifiers)
