"""Making all tallies of a workspace anew, in slices of one transaction each: first the old ones go, then the days of
visitors are worked out by their numbers, then orders are counted month by month.

The state of the tallies says how far it is, in the transaction of each slice. Whoever writes tallies meanwhile counts what
is within that, and leaves the rest to the slices to come: so each event is counted once, wherever a slice is killed or hits
arrive. A slice has the state's row for itself, as writers hold it until they commit; between two slices they go on. Pages
say that the figures are not whole until the last slice (`progress`).
"""

import time
from datetime import UTC, datetime, timedelta

from tenants.isolation import statements
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch, fill, run
from tenants.models import Tenant
from tracking import tallies
from tracking.tally_models import OrderTally, StepTally, TallyState, VisitorDay, VisitTally

VISITORS_AT_ONCE, ROWS_AT_ONCE = 10_000, 50_000
NONE_YET = datetime(1, 1, 2, tzinfo=UTC)

ALONE = "SELECT s.zone FROM tally_state s WHERE s.tenant_id = %(tenant)s FOR UPDATE"
NEXT = """
SELECT v.id FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.id > %(after)s ORDER BY v.id LIMIT %(most)s"""
LAST_VISITOR = "SELECT coalesce(max(v.id), 0) FROM visitor v WHERE v.tenant_id = %(tenant)s"
# The tallies of some visitors whose days were worked out; of all slices, rows that are alike become one at once.
ADD_VISITS = fill(
    """
INSERT INTO visit_tally AS s (tenant_id, settled, day, site_id, source, medium, campaign, visitors, views, orders)
SELECT %(tenant)s, true, f.* FROM ({visits}) f ORDER BY 3, 4, 5, 6, 7
ON CONFLICT (tenant_id, day, site_id, source, medium, campaign) WHERE settled DO UPDATE SET
  visitors = s.visitors + excluded.visitors, views = s.views + excluded.views, orders = s.orders + excluded.orders""",
    visits=fill(tallies.VISITS, whose=tallies.THEIRS),
)
ADD_STEPS = fill(
    """
INSERT INTO step_tally AS s (tenant_id, settled, day, site_id, step, before, visitors)
SELECT %(tenant)s, true, f.* FROM ({steps}) f ORDER BY 3, 4, 5, 6
ON CONFLICT (tenant_id, day, site_id, step, before) WHERE settled DO UPDATE SET visitors = s.visitors + excluded.visitors""",
    steps=fill(tallies.STEPS, whose=tallies.THEIRS),
)
# The first order from a moment on.
NEXT_ORDER = """
SELECT e.at FROM event e WHERE e.tenant_id = %(tenant)s AND e.kind = 'order' AND e.at >= %(since)s ORDER BY e.at LIMIT 1"""
ADD_ORDERS = fill(
    tallies.ORDERS, sign="", events="event",
    which=f"{tallies.OF_TENANT} AND e.at >= %(since)s AND e.at < %(until)s",
)  # fmt: skip
ADD_LAST_ORDERS = fill(tallies.ORDERS, sign="", events="event", which=f"{tallies.OF_TENANT} AND e.at >= %(since)s")


def rebuild(tenant_id: int, *, now: datetime) -> None:
    """Make all tallies of a workspace anew; one that was broken off is finished. Safe to stop anywhere, and side by side."""
    _begin(tenant_id, now=now)
    while step(tenant_id, now=now):
        pass


def go_on(tenant_id: int, *, now: datetime, seconds: float) -> bool:
    """Work for a while where the tallies have to be made anew: they never were, the workspace is in another time zone now,
    or somebody has begun. Whether that was so."""
    if is_stale(tenant_id):
        _begin(tenant_id, now=now)
    elif not is_rebuilding(tenant_id):
        return False
    until = time.monotonic() + seconds
    while step(tenant_id, now=now) and time.monotonic() < until:
        pass
    return True


def is_stale(tenant_id: int) -> bool:
    """Whether the tallies have to be made anew, or from the beginning once more."""
    own = Tenant.objects.values_list("time_zone", flat=True).get(pk=tenant_id)
    with tenant_context(tenant_id):
        state = TallyState.objects.first()
    return state is not None and (state.stale or state.zone != own)


def is_rebuilding(tenant_id: int) -> bool:
    """Whether a rebuilding has begun and not ended."""
    with tenant_context(tenant_id):
        return bool(TallyState.objects.exclude(rebuilding_since=None).exists())


def progress() -> float | None:
    """How much of the tallies of the current workspace is made, from 0 to 1; None when they are whole."""
    state = TallyState.objects.exclude(rebuilding_since=None).first()
    if state is None:
        return None
    last = int(fetch(LAST_VISITOR)[0][0])
    return 1.0 if state.visitors_to is None or not last else min(state.visitors_to / last, 1.0)


def _begin(tenant_id: int, *, now: datetime) -> None:
    """From now on nothing is counted but by slices; one that is under way goes on where days are still the same."""
    own = Tenant.objects.values_list("time_zone", flat=True).get(pk=tenant_id)
    with tenant_context(tenant_id):
        tallies.zone()
    with tenant_context(tenant_id):
        fetch(ALONE)
        state = TallyState.objects.get()
        if state.rebuilding_since is not None and state.zone == own and not state.stale:
            return
        TallyState.objects.update(
            zone=own, stale=False, rebuilding_since=now, clearing=True, visitors_to=0, orders_before=NONE_YET
        )


def step(tenant_id: int, *, now: datetime) -> bool:
    """Do the next slice; whether there is more to do."""
    with tenant_context(tenant_id):
        fetch(ALONE)
        state = TallyState.objects.first()
        if state is None or state.rebuilding_since is None:
            return False
        if state.clearing:
            if not _clear_some():
                TallyState.objects.update(clearing=False)
        elif state.visitors_to is not None:
            _count_visitors(state.zone, after=state.visitors_to)
        elif not _count_orders(state.zone, since=state.orders_before or NONE_YET, now=now):
            TallyState.objects.update(rebuilding_since=None, settled_at=now)
            return False
    return True


def _clear_some() -> bool:
    """Remove rows of the former tallies; whether there may be more."""
    left = ROWS_AT_ONCE
    key_of = statements.keys()
    for model in (VisitTally, StepTally, OrderTally, VisitorDay):
        table = model._meta.db_table
        left -= statements.remove_some(table, key_of[table], count=left)
        if left <= 0:
            return True
    return False


def _count_visitors(zone: str, *, after: int) -> None:
    """Work out all days of the next visitors, and add what they come to."""
    ids = [row[0] for row in fetch(NEXT, after=after, most=VISITORS_AT_ONCE)]
    if not ids:
        TallyState.objects.update(visitors_to=None)
        return
    TallyState.objects.update(visitors_to=ids[-1])
    run(tallies.ALL_DAYS, visitors=ids, zone=zone, **tallies.names())
    run(ADD_VISITS, visitors=ids)
    run(ADD_STEPS, visitors=ids)


def _count_orders(zone: str, *, since: datetime, now: datetime) -> bool:
    """Count the orders of the next month that has some; from the current one on all of them. Whether there is more to do."""
    first = fetch(NEXT_ORDER, since=since)
    if first and (until := _month_after(first[0][0])) < now:
        TallyState.objects.update(orders_before=until)
        run(ADD_ORDERS, since=since, until=until, zone=zone)
        return True
    TallyState.objects.update(orders_before=None)
    run(ADD_LAST_ORDERS, since=since, zone=zone)
    return False


def _month_after(moment: datetime) -> datetime:
    """The beginning of the next month."""
    first = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
