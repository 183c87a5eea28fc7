"""The list of files of a connector as a kind of data with a rule. The files themselves go with those of imports."""

from datetime import datetime

from tenants.isolation.statements import fill, run
from tenants.retention.kinds import Found, Kind, counted

# Files that are through: what waits or is being imported stays, however old it is.
FIND = """
SELECT f.archived_at FROM connector_file f
WHERE f.tenant_id = %(tenant)s AND f.archived_at IS NOT NULL {older} ORDER BY f.archived_at"""
REMOVE = """
WITH old AS MATERIALIZED (
  SELECT o.id FROM connector_file o WHERE o.tenant_id = %(tenant)s AND o.archived_at < %(before)s
  ORDER BY o.id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM connector_file f USING old WHERE f.tenant_id = %(tenant)s AND f.id = old.id"""


class Lists(Kind):
    """The rule of the lists."""

    key, label, icon = "connectors", "Lists of connector files", "plug"
    words = "Which files connectors have received, when, and what happened to them. The files go with imported files."
    since, effect = (
        "the file was archived",
        "Removed from the lists of connectors. A file of the same content is imported again",
    )
    nouns = ("file", "files")
    default, least, can_be_endless = 400, 30, False

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = "AND f.archived_at < %(before)s" if before else ""
        return counted(fill(FIND, older=older), most=most, before=before)

    def remove(self, *, before: datetime, most: int) -> int:
        return run(REMOVE, before=before, most=most)
