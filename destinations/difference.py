"""What is different between a list and what its destination was told: IDs only, in pages, compared by the database.

`desired` is whoever is in the list and may be sent. Members are what was told, or may have been (destinations.told).
"""

from typing import NamedTuple

from audiences import contact_lists
from audiences.contact_lists import ContactList
from destinations import eligibility
from destinations.models import Destination, Sync, SyncState
from tenants.isolation.statements import fetch, fill, hash_joins

PAGE = 200_000

_DESIRED = """
SELECT c.id, c.changed_at FROM ({members}) l(id)
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = l.id WHERE {permitted}"""
_NOBODY = "SELECT c.id, c.changed_at FROM contact c WHERE c.tenant_id = %(tenant)s AND false"
# Whoever may be sent, whatever the list says: for what has to be taken back at once.
_ANYBODY = "SELECT c.id, c.changed_at FROM contact c WHERE c.tenant_id = %(tenant)s AND {permitted}"
# Of a page: those before it have been compared.
_BEYOND = "{desired} AND c.id > %(after)s"

# Pages by ID; each runs once for so many people. Reads the list, the contacts and the members once each.
LEAVING = """
WITH desired AS MATERIALIZED ({desired})
SELECT m.contact_id FROM sync_member m LEFT JOIN desired d ON d.id = m.contact_id
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.gives IS DISTINCT FROM m.told
  AND m.contact_id > %(after)s AND d.id IS NULL
ORDER BY m.contact_id LIMIT %(most)s"""
CHANGED = """
WITH desired AS MATERIALIZED ({desired})
SELECT m.contact_id FROM sync_member m JOIN desired d ON d.id = m.contact_id
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.gives IS DISTINCT FROM m.told AND m.contact_id > %(after)s
  AND m.changed_at IS DISTINCT FROM d.changed_at AND m.told <> '{}'
ORDER BY m.contact_id LIMIT %(most)s"""
COMING = """
WITH desired AS MATERIALIZED ({desired})
SELECT d.id FROM desired d LEFT JOIN sync_member m
  ON m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.contact_id = d.id
WHERE d.id > %(after)s AND (m.contact_id IS NULL
  OR m.changed_at IS DISTINCT FROM d.changed_at OR m.told_at < %(full)s::timestamptz)
ORDER BY d.id LIMIT %(most)s"""
# Everybody of the list, by why he or she is left out; '' for those who were sent. Adds up to the size of the list.
ACCOUNT = """
WITH desired AS MATERIALIZED ({desired})
SELECT x.reason, count(*) FROM (
  SELECT CASE WHEN d.id IS NULL THEN {why} WHEN m.told = '{}' THEN 'no_identifier'
    WHEN m.contact_id IS NULL OR m.gives = m.told THEN 'waiting' ELSE '' END AS reason
  FROM ({members}) l(id)
  LEFT JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = l.id
  LEFT JOIN desired d ON d.id = l.id
  LEFT JOIN sync_member m ON m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.contact_id = l.id) x
GROUP BY x.reason"""
TOLD = """
SELECT count(*) FROM sync_member m WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.told <> '{}'"""


class Difference(NamedTuple):
    """The statements of one sync."""

    sync: Sync
    kind: str

    @staticmethod
    def of(sync: Sync, destination: Destination) -> "Difference":
        return Difference(sync, destination.kind)

    def desired(self) -> str:
        """(id, changed_at) of whoever should be at the destination."""
        if self.sync.state == SyncState.REMOVING:
            return _NOBODY
        return fill(_DESIRED, members=self._members(), permitted=eligibility.permitted(self.kind, "c"))

    def permitted(self) -> str:
        """(id, changed_at) of whoever may be there."""
        if self.sync.state == SyncState.REMOVING:
            return _NOBODY
        return fill(_ANYBODY, permitted=eligibility.permitted(self.kind, "c"))

    def leaving(self, after: int, *, only_forbidden: bool = False) -> list[int]:
        """The next of those who were told and should not be there, or may not."""
        desired = self.permitted() if only_forbidden else self.desired()
        return self._page(fill(LEAVING, desired=_beyond(desired)), after)

    def changed(self, after: int) -> list[int]:
        """The next of those who were told and may have other identifiers now."""
        return self._page(fill(CHANGED, desired=_beyond(self.desired())), after)

    def coming(self, after: int) -> list[int]:
        """The next of those who are to be told: for the first time, or again."""
        return self._page(fill(COMING, desired=_beyond(self.desired())), after, full=self.sync.full_since)

    def account(self) -> dict[str, int]:
        """How many of the list are left out for each reason; under '' those who were sent."""
        statement = fill(
            ACCOUNT, desired=self.desired(), members=self._members(), why=eligibility.why_not(self.kind, "c")
        )
        with hash_joins():
            return {str(reason): int(count) for reason, count in fetch(statement, sync=self.sync.pk)}

    def _members(self) -> str:
        return contact_lists.members(ContactList(self.sync.list_kind, self.sync.list_id))

    def _page(self, statement: str, after: int, **values: object) -> list[int]:
        with hash_joins():
            return [row[0] for row in fetch(statement, sync=self.sync.pk, after=after, most=PAGE, **values)]


def _beyond(desired: str) -> str:
    return fill(_BEYOND, desired=desired)


def told(sync_id: int) -> int:
    """How many contacts a destination has been told of."""
    return int(fetch(TOLD, sync=sync_id)[0][0])
