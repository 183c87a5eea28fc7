"""Who came into a lookalike and who left it, by refresh: read in keyset pages, and a kind of data with a rule."""

from datetime import datetime

from audiences.models import LookalikeChange
from core import keyset
from tenants.isolation.statements import fill, run
from tenants.retention.kinds import Found, Kind, counted

# Of each refresh so many are listed at most, by ID; all are counted.
MOST = 10_000
KEPT_DAYS = 400
PAGE = 50

FIND = "SELECT c.at FROM lookalike_change c WHERE c.tenant_id = %(tenant)s {older}"
# Entries of one lookalike after the other, by their key; chosen once (MATERIALIZED), as in segments.retention.
REMOVE = """
WITH old AS MATERIALIZED (
  SELECT o.lookalike_id, o.at, o.contact_id FROM lookalike_change o
  WHERE o.tenant_id = %(tenant)s AND o.at < %(before)s
  ORDER BY o.lookalike_id, o.at, o.contact_id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM lookalike_change c USING old
WHERE c.tenant_id = %(tenant)s AND c.lookalike_id = old.lookalike_id AND c.at = old.at AND c.contact_id = old.contact_id"""


def page(
    lookalike_id: int, *, entered: bool | None = None, behind: tuple[datetime, int] | None = None
) -> tuple[list[LookalikeChange], bool]:
    """(the next PAGE changes, the latest first, whether there are more). `behind`: time and contact of the last one."""
    rows = LookalikeChange.objects.filter(lookalike_id=lookalike_id)
    if entered is not None:
        rows = rows.filter(entered=entered)
    if behind is not None:
        rows = rows.filter(keyset.beyond("at", *behind, key="contact_id"))
    found = list(rows.order_by("-at", "-contact_id")[: PAGE + 1])
    return found[:PAGE], len(found) > PAGE


class Changes(Kind):
    """The rule of the history of lookalikes."""

    key, label, icon = "lookalikes", "History of lookalikes", "users"
    words = "Who entered and left lookalikes at each refresh. Their contacts stay."
    since, effect = "the contact entered or left", "Removed from the history of lookalikes"
    default, least, can_be_endless = KEPT_DAYS, 30, False

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = "AND c.at < %(before)s" if before else ""
        return counted(fill(FIND, older=older), most=most, in_order=False, before=before)

    def remove(self, *, before: datetime, most: int) -> int:
        return run(REMOVE, before=before, most=most)
