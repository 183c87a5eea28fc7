"""Tallies say what a count of all events says, after whatever has happened to events."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.isolation.context import current_tenant, tenant_context
from tenants.isolation.statements import fetch
from tenants.models import PendingWork, Tenant
from tests.cast import person, workspace
from tests.servers import SUPERUSER
from tests.tracking import tally_oracle
from tests.tracking.helpers import contact, device, hit, site_of, stored, visitors
from tracking import contact_data, retention, tallies, tally_queue, tally_rebuild, tally_upkeep, visitor_paths
from tracking.models import Site
from tracking.pixel.hits import Hit
from tracking.tally_models import OrderTally, TallyState, VisitorDay

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
FIRST = date(2026, 8, 1)
ANNA = "anna@example.com"


def at(day: int, hour: int = 12, minute: int = 0) -> float:
    return datetime(2026, 8, day, hour, minute, tzinfo=UTC).timestamp()


def page(on: str, referrer: str | None = None, **properties: Any) -> Hit:
    return Hit(on, "page", None, "https://shop.example/", "Shop", referrer, properties, {})


def order(on: str, amount: Any, currency: str = "EUR", **properties: Any) -> Hit:
    return Hit(on, "order", None, "https://shop.example/", None, None,
               {"amount": amount, "currency": currency, **properties}, {})  # fmt: skip


def signed_order(on: str) -> Hit:
    """An order that the server of the site has signed."""
    return Hit(on, "order", None, "https://shop.example/", None, None,
               {"amount": Decimal("12.50"), "currency": "EUR", "$signed": True}, {})  # fmt: skip


def agree(tenant: Tenant) -> tally_oracle.Truth:
    """Once what is queued is counted, the tallies are what a count from scratch says; returns that count."""
    tally_upkeep.catch_up(tenant.pk)
    with tenant_context(tenant.pk):
        truth = tally_oracle.count(Tenant.objects.get(pk=tenant.pk))
        days = {
            (d.visitor_id, d.day): tally_oracle.Did(d.views, d.orders, d.stage, (d.source, d.medium, d.campaign))
            for d in VisitorDay.objects.all()
        }
        assert days == dict(truth.days)
        visits: dict[Any, list[int]] = {}
        for (visitor, day), did in truth.days.items():
            sums = visits.setdefault((day, truth.sites[visitor], *did.origin), [0, 0, 0])
            for place, value in enumerate((1, did.views, did.orders)):
                sums[place] += value
        told = fetch(
            "SELECT t.day, t.site_id, t.source, t.medium, t.campaign, sum(t.visitors), sum(t.views), sum(t.orders) "
            "FROM visit_tally t WHERE t.tenant_id = %(tenant)s GROUP BY 1, 2, 3, 4, 5"
        )
        assert {row[:5]: [int(n) for n in row[5:]] for row in told if any(row[5:])} == visits
        steps = fetch("SELECT t.day, t.step, t.before, t.visitors FROM step_tally t WHERE t.tenant_id = %(tenant)s")
        for first, last in ((1, 31), (3, 3), (5, 20), (10, 12), (20, 31)):
            a, b = date(2026, 8, first), date(2026, 8, last)
            for step in range(4):
                count = sum(
                    n for day, s, before, n in steps if s == step and a <= day <= b and (not before or before < a)
                )
                assert count == truth.visitors(a, b, step=step), (a, b, step)
        orders = fetch(
            "SELECT t.day, t.site_id, t.currency, t.claimed, sum(t.orders), sum(t.amount) FROM order_tally t "
            "WHERE t.tenant_id = %(tenant)s GROUP BY 1, 2, 3, 4"
        )
        assert {row[:4]: int(row[4]) for row in orders if row[4]} == dict(truth.orders)
        assert {row[:4]: row[5] for row in orders if row[4]} == {
            k: v for k, v in truth.amounts.items() if truth.orders[k]
        }
    return truth


def test_what_a_day_holds(tenant: Tenant) -> None:
    site, one, two = site_of(tenant), device(), device()
    stored(site, page(one, utm_source="News", utm_medium="Email", utm_campaign="Spring"), at=at(3))
    stored(site, page(one), hit(one, "track", name="AddToCart"), order(one, Decimal("12.50")), at=at(3, 13))
    stored(site, page(two, "https://www.google.com/"), at=at(4))
    stored(site, page(one, "https://www.partner.example/x"), at=at(9))
    truth = agree(tenant)
    assert truth.origins(FIRST, date(2026, 8, 31)) == {
        ("news", "email", "Spring"): 1, ("google", "search", ""): 1, ("partner.example", "referral", ""): 1,
    }  # fmt: skip
    assert [truth.visitors(FIRST, date(2026, 8, 31), step=s) for s in range(4)] == [2, 1, 1, 1]
    assert (truth.new(FIRST, date(2026, 8, 3)), truth.new(date(2026, 8, 9), date(2026, 8, 9))) == (1, 0)


def test_a_late_hit_changes_where_the_day_began(tenant: Tenant) -> None:
    site, on = site_of(tenant), device()
    stored(site, page(on, "https://late.example/"), at=at(5, 15))
    stored(site, page(on, "https://early.example/"), at=at(5, 9))
    assert agree(tenant).origins(FIRST, date(2026, 8, 31)) == {("early.example", "referral", ""): 1}


def test_a_day_between_two_days(tenant: Tenant) -> None:
    """What came before a day is another day afterwards."""
    site, on = site_of(tenant), device()
    for day in (2, 12, 7):
        stored(site, page(on), at=at(day))
    agree(tenant)


def test_the_day_is_that_of_the_workspace(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(time_zone="Asia/Tokyo")
    site, on = site_of(tenant), device()
    stored(site, page(on), at=at(3, 16))
    assert {day for _visitor, day in agree(tenant).days} == {date(2026, 8, 4)}


def test_another_time_zone_makes_all_anew(tenant: Tenant) -> None:
    site, on = site_of(tenant), device()
    stored(site, page(on), order(on, 3), at=at(3, 16))
    Tenant.objects.filter(pk=tenant.pk).update(time_zone="Asia/Tokyo")
    assert tally_rebuild.is_stale(tenant.pk)
    stored(site, page(device()), at=at(3, 17))  # in the days of before, until then
    tally_rebuild.rebuild(tenant.pk, now=NOW)
    assert not tally_rebuild.is_stale(tenant.pk)
    assert {day for _visitor, day in agree(tenant).days} == {date(2026, 8, 4)}


def test_erased_contacts_are_in_no_tally(tenant: Tenant) -> None:
    site, on = site_of(tenant), device()
    anna = contact(tenant, email=ANNA)
    stored(site, page(on), hit(on, "identify", email=ANNA), order(on, 9), at=at(3))
    stored(site, page(device()), at=at(3))
    with tenant_context(tenant.pk):
        contact_data.erase([anna], [("email", ANNA)])
    truth = agree(tenant)
    assert (len(truth.days), sum(truth.orders.values())) == (1, 0)


def test_a_forgotten_visitor_is_in_no_tally(tenant: Tenant) -> None:
    site, on = site_of(tenant), device()
    stored(site, page(on), order(on, 9), at=at(3))
    with tenant_context(tenant.pk):
        visitor_paths.forget(visitors_of(tenant)[0], now=NOW)
    assert not agree(tenant).days


def visitors_of(tenant: Tenant) -> list[int]:
    return [v.pk for v in visitors(tenant)]


def test_settled_rows_say_the_same(tenant: Tenant) -> None:
    site, on = site_of(tenant), device()
    for day in (2, 4, 6):
        stored(site, page(on), order(on, day), at=at(day))
        tally_upkeep.catch_up(tenant.pk)
        tally_upkeep.settle(tenant.pk, now=NOW)
        agree(tenant)
    with tenant_context(tenant.pk):
        assert OrderTally.objects.count() == 3
    assert tally_upkeep.settle(tenant.pk, now=NOW) == 0


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    """(what, which device or contact, day, something)."""
    acts = st.sampled_from(
        ["page", "page", "page", "campaign", "cart", "order", "order", "identify", "erase", "forget", "keep", "catch up",
         "catch up", "settle", "rebuild", "zone", "slice", "slice", "slice"]
    )  # fmt: skip
    act = st.tuples(acts, st.integers(0, 3), st.integers(1, 28), st.integers(0, 2))
    return draw(st.lists(act, min_size=1, max_size=14))


ZONES = ("Europe/Riga", "Asia/Tokyo", "America/New_York")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_whatever_happens(history: list[tuple[str, int, int, int]]) -> None:
    tenant = workspace(person("owner"))
    sites, devices = [site_of(tenant), site_of(tenant)], [device() for _ in range(4)]
    for step, (what, which, day, more) in enumerate(history):
        _do(tenant, sites[which % 2], devices[which], what, at(day, 20 + more, step), more)
    if tally_rebuild.is_rebuilding(tenant.pk):
        tally_rebuild.rebuild(tenant.pk, now=NOW)
    agree(tenant)
    tally_rebuild.rebuild(tenant.pk, now=NOW)
    agree(tenant)


def _do(tenant: Tenant, site: Site, on: str, what: str, moment: float, more: int) -> None:
    hits = {
        "page": page(on), "campaign": page(on, utm_source=f"s{more}"), "cart": hit(on, "track", name="Added to cart"),
        "order": order(on, Decimal("1.10") * more, ("EUR", "usd", "")[more]),
        "identify": hit(on, "identify", email=f"{more}@example.com"),
    }  # fmt: skip
    if what in hits:
        _know(tenant, f"{more}@example.com") if what == "identify" else None
        stored(site, hits[what], at=moment)
    elif what in {"erase", "forget"}:
        _remove(tenant, what)
    elif what == "keep":
        with tenant_context(tenant.pk):
            Site.objects.filter(pk=site.pk).update(retention_days=4)
        retention.tidy(tenant.pk, now=datetime.fromtimestamp(moment, UTC) + timedelta(days=more), batch=2)
        with tenant_context(tenant.pk):
            Site.objects.filter(pk=site.pk).update(retention_days=None)
    elif what == "catch up":
        tally_upkeep.catch_up(tenant.pk, most=1 + more)
    elif what == "settle":
        tally_upkeep.settle(tenant.pk, now=NOW)
    elif what == "slice":
        with mock.patch.multiple(tally_rebuild, VISITORS_AT_ONCE=1, ROWS_AT_ONCE=1 + more):
            if not tally_rebuild.step(tenant.pk, now=NOW):
                tally_rebuild._begin(tenant.pk, now=NOW)
    else:
        zone = ZONES[more] if what == "zone" else tenant.time_zone
        Tenant.objects.filter(pk=tenant.pk).update(time_zone=zone)
        tally_rebuild.rebuild(tenant.pk, now=NOW)


def _know(tenant: Tenant, email: str) -> None:
    with tenant_context(tenant.pk):
        known = fetch("SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND c.email = %(email)s", email=email)
    if not known:
        contact(tenant, email=email)


def _remove(tenant: Tenant, what: str) -> None:
    with tenant_context(tenant.pk):
        if what == "erase":
            ids = [r[0] for r in fetch("SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s ORDER BY 1 LIMIT 1")]
            contact_data.erase(ids, [])
        else:
            for pk in visitors_of(tenant)[:1]:
                visitor_paths.forget(pk, now=NOW)


def _broken_off(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        tallies.forget(visitors_of(tenant))
        raise RuntimeError


def test_a_broken_off_batch_changes_nothing(tenant: Tenant) -> None:
    """Killed anywhere: what is removed leaves the tallies in the transaction of the events."""
    site, on = site_of(tenant), device()
    stored(site, page(on), at=at(3))
    tally_upkeep.catch_up(tenant.pk)
    with pytest.raises(RuntimeError):
        _broken_off(tenant)
    assert len(agree(tenant).days) == 1


def test_the_state_is_made_once(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        assert tallies.zone() == tallies.zone() == tenant.time_zone
        assert TallyState.objects.count() == 1


# --- hits that are not counted yet -----------------------------------------------------------------------------------------


def waiting(tenant: Tenant) -> int:
    with tenant_context(tenant.pk):
        return tally_queue.length(1_000)


@given(
    moments=st.lists(
        st.tuples(
            st.integers(1, 3), st.datetimes(datetime(2026, 3, 28), datetime(2026, 3, 30), timezones=st.just(UTC))
        ),
        max_size=30,
    ),
    zone=st.sampled_from(
        ["Europe/Riga", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Kiritimati"]
    ),
)
def test_ends_of_hours_have_the_days_of_all(moments: list[tuple[int, datetime]], zone: str) -> None:
    ends = tally_queue.ends_of_hours(moments)
    assert tallies.days_of(ends, named=zone) == tallies.days_of(moments, named=zone)
    assert len(ends) <= len(set(moments))


def test_hits_wait_for_nobody_who_counts(tenant: Tenant) -> None:
    """A page of a visitor is stored while another transaction counts the one before, and is counted afterwards."""
    site, on = site_of(tenant), device()
    stored(site, page(on), at=at(3))
    with tenant_context(tenant.pk):
        tallies.zone()
    own = {"tenant": tenant.pk, "visitors": visitors_of(tenant)}
    with psycopg.connect(os.environ[SUPERUSER]) as other:
        zone = other.execute(tally_upkeep.COUNTING, own).fetchall()
        locked = other.execute(tallies.LOCK.format(strength="KEY SHARE"), own).fetchall()
        assert (len(zone), len(locked)) == (1, 1)
        stored(site, page(on), order(on, 5), at=at(3, 13))
        assert tally_upkeep.catch_up(tenant.pk) == 0  # the other one is at it
    assert waiting(tenant)
    assert agree(tenant).visitors(FIRST, date(2026, 8, 31), step=3) == 1
    assert not waiting(tenant)


def test_a_count_that_breaks_off_is_done_again(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of(tenant)
    for _ in range(3):
        stored(site, page(device()), at=at(3))

    def break_off(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(tallies, "_add_difference", break_off)
        with pytest.raises(RuntimeError):
            tally_upkeep.catch_up(tenant.pk, most=2)
    assert waiting(tenant) == 3
    assert len(agree(tenant).days) == 3


def test_counting_one_workspace_does_not_stop_the_others(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [workspace(person("owner")) for _ in range(3)]
    for other in others:
        stored(site_of(other), page(device()), at=at(3))
    real = tallies.recount

    def fail(*values: Any, **named: Any) -> None:
        if current_tenant() == others[0].pk:
            raise RuntimeError
        real(*values, **named)

    monkeypatch.setattr(tallies, "recount", fail)
    tally_upkeep.count_hits()
    assert [waiting(other) for other in others] == [1, 0, 0]


def test_hits_whose_mark_was_lost_are_found_by_the_sweep(tenant: Tenant) -> None:
    stored(site_of(tenant), page(device()), at=at(3))
    PendingWork.objects.filter(kind=tally_queue.WAKE).delete()
    tally_upkeep.count_hits()
    assert waiting(tenant) == 1
    tally_upkeep.sweep()
    assert waiting(tenant) == 0
    agree(tenant)


def test_a_workspace_that_needs_nothing_is_asked_once(tenant: Tenant) -> None:
    stored(site_of(tenant), page(device()), at=at(3))
    tally_upkeep.sweep()
    asked: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        tally_upkeep.sweep()
    assert sum(f"app.tenant_id = '{tenant.pk}'" in sql for sql in asked) == 1, "one transaction"
    assert tally_upkeep.Needs.of(tenant.pk, tenant.time_zone) == (False, False, False)
    assert tally_upkeep.Needs.of(tenant.pk, "Asia/Tokyo") == (True, False, False)
