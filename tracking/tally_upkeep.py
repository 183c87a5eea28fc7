"""Care for the tallies (tracking.tallies): hits that were stored are counted, and rows that are alike become one."""

import logging
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch, fill, run
from tenants.models import Tenant
from tracking import tallies, tally_queue, tally_rebuild
from tracking.tally_models import TallyState

log = logging.getLogger(__name__)
# So long a sweep makes the tallies of one workspace anew, before it looks at the next one.
REBUILDING_SECONDS = 20.0
HOURS_AT_ONCE = 20_000

# table → what tells its rows apart, and what adds up. Each row goes from the one sum into the other in one statement.
_COLUMNS = {
    "visit_tally": (("day", "site_id", "source", "medium", "campaign"), ("visitors", "views", "orders")),
    "step_tally": (("day", "site_id", "step", "before"), ("visitors",)),
    "order_tally": (("day", "site_id", "currency", "claimed"), ("orders", "priced", "amount")),
}
SETTLE = """
WITH gone AS (DELETE FROM {table} t WHERE t.tenant_id = %(tenant)s AND NOT t.settled RETURNING t.*)
INSERT INTO {table} AS s (tenant_id, settled, {keys}, {figures})
SELECT %(tenant)s, true, {keys}, {sums} FROM gone GROUP BY {keys} ORDER BY {keys}
ON CONFLICT (tenant_id, {keys}) WHERE settled DO UPDATE SET {added}"""
EMPTY = "DELETE FROM {table} t WHERE t.tenant_id = %(tenant)s AND t.settled AND {nothing}"


def _settling(table: str) -> tuple[str, str]:
    keys, figures = _COLUMNS[table]
    settle = fill(
        SETTLE, table=table, keys=", ".join(keys), figures=", ".join(figures),
        sums=", ".join(f"sum({name})" for name in figures),
        added=", ".join(f"{name} = s.{name} + excluded.{name}" for name in figures),
    )  # fmt: skip
    return settle, fill(EMPTY, table=table, nothing=" AND ".join(f"t.{name} = 0" for name in figures))


UNSETTLED = "EXISTS (SELECT 1 FROM {table} t WHERE t.tenant_id = %(tenant)s AND NOT t.settled)"
NEEDS = fill(
    """
SELECT EXISTS (SELECT 1 FROM tally_state s WHERE s.tenant_id = %(tenant)s
    AND (s.stale OR s.zone <> %(zone)s OR s.rebuilding_since IS NOT NULL)),
  EXISTS (SELECT 1 FROM tally_queue q WHERE q.tenant_id = %(tenant)s),
  {unsettled}""",
    unsettled=" OR ".join(fill(UNSETTLED, table=table) for table in _COLUMNS),
)
_SETTLING = [_settling(table) for table in _COLUMNS]


def sweep() -> None:
    """Look after all workspaces; a failure of one does not stop the others. Most have nothing to do, and are asked once."""
    for tenant_id, zone in Tenant.open.order_by("?").values_list("pk", "time_zone"):
        try:
            _look_after(tenant_id, Needs.of(tenant_id, zone))
        except Exception:
            log.exception("tallies of workspace %s", tenant_id)


def _look_after(tenant_id: int, needs: "Needs") -> None:
    if needs.rebuilding and tally_rebuild.go_on(tenant_id, now=timezone.now(), seconds=REBUILDING_SECONDS):
        return
    if needs.counting:
        catch_up(tenant_id)
    if needs.counting or needs.settling:
        settle(tenant_id, now=timezone.now())


class Needs(NamedTuple):
    """What has to be done for the tallies of a workspace."""

    rebuilding: bool
    counting: bool
    settling: bool

    @staticmethod
    def of(tenant_id: int, zone: str) -> "Needs":
        """Of a workspace with this time zone; asks once."""
        with tenant_context(tenant_id):
            return Needs(*fetch(NEEDS, zone=zone)[0])


def count_hits() -> None:
    """Count what has been stored since, in the workspaces that have had hits lately; a failure of one does not stop the
    others. What was stored when nobody could say so is found by the next sweep."""
    now = timezone.now()
    for tenant_id in pending_work.waiting(tally_queue.WAKE):
        try:
            catch_up(tenant_id)
        except Exception:
            log.exception("counting the hits of workspace %s", tenant_id)
    pending_work.clear_old(tally_queue.WAKE, now=now)


# Who counts what is queued is alone; those who tell the tallies themselves (tallies.ZONE) do not wait for it.
COUNTING = "SELECT s.zone FROM tally_state s WHERE s.tenant_id = %(tenant)s FOR NO KEY UPDATE SKIP LOCKED"


def catch_up(tenant_id: int, *, most: int = HOURS_AT_ONCE) -> int:
    """Count the hits that are queued; returns how many hours of visitors. Safe to stop anywhere; whoever comes second
    leaves it to the first."""
    counted = 0
    while True:
        with tenant_context(tenant_id):
            if not tally_queue.length(1):
                return counted
            tallies.zone()
            moments = tally_queue.take(most) if fetch(COUNTING) else []
            tallies.recount(moments, alone=True)
        counted += len(moments)
        if not moments:
            return counted


def settle(tenant_id: int, *, now: datetime) -> int:
    """Make one of the rows that are alike; returns how many are written. Safe to stop anywhere, and side by side."""
    written = 0
    with tenant_context(tenant_id):
        for into, without in _SETTLING:
            if merged := run(into):
                run(without)
                written += merged
        if written:
            TallyState.objects.update(settled_at=now)
    return written
