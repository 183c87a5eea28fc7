"""Dashboards as people open them: three pages, their parts, files, and the first steps."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences.models import Audience, Lookalike
from insights.dashboards import contact_counts, overview, views
from insights.dashboards.chain import chain_svg
from insights.dashboards.parts import change_of
from segments.models import Segment
from sources.models import Source
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.tracking.helpers import contact, device, site_of, stored
from tests.tracking.test_tallies import order, page, signed_order
from tracking import tally_upkeep

MOST_STATEMENTS = 15
PARTS = [(name, part.key) for name, (_label, parts, _by_site) in views.PAGES.items() for part in parts]
FILES = [
    (name, key) for name, (_label, parts, _by_site) in views.PAGES.items() for part in parts for key in part.tables
]


@pytest.fixture
def filled(alice: Actor) -> Actor:
    """A workspace with some of everything."""
    tenant, moment = alice.workspace, timezone.now() - timedelta(hours=1)
    bring(tenant, "email,phone\nann@example.com,\nben@example.com,+441632960001\nno address,\n", user=alice.user)
    site, on = site_of(tenant), device()
    stored(site, page(on, utm_source="newsletter"), signed_order(on), at=moment.timestamp())
    stored(site, page(device()), order(device(), 5, "SEK"), at=moment.timestamp())
    tally_upkeep.catch_up(tenant.pk)
    contact_counts.count(tenant.pk, now=timezone.now())
    return alice


def statements(asked: CaptureQueriesContext) -> list[str]:
    """What was asked of the database, without what opens and ends transactions."""
    texts = [str(query["sql"]).strip() for query in asked.captured_queries]
    return [text for text in texts if text.split(" ")[0] not in {"BEGIN", "SET", "SAVEPOINT", "RELEASE", "COMMIT"}]


def address(alice: Actor, name: str, part: str = "") -> str:
    return alice.url(f"dashboard/{name}/{part}") if part or name != "audience" else alice.url("dashboard/")


@pytest.mark.parametrize("name", views.PAGES)
def test_a_page_is_there_at_once(filled: Actor, name: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        answer = filled.client.get(address(filled, name))
    assert answer.status_code == 200
    assert len(statements(asked)) < MOST_STATEMENTS
    for part in views.PAGES[name][1]:
        assert f"/dashboard/{name}/{part.key}/" in answer.content.decode()


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_a_part_as_a_fragment_and_as_a_page(filled: Actor, name: str, part: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        fragment = filled.client.get(address(filled, name, f"{part}/"), headers={"HX-Request": "true"})
    assert fragment.status_code == 200
    assert len(statements(asked)) < MOST_STATEMENTS
    assert "<html" not in fragment.content.decode()
    assert "<h1>" in filled.client.get(address(filled, name, f"{part}/")).content.decode()


@pytest.mark.parametrize(("name", "key"), FILES)
def test_files(filled: Actor, name: str, key: str) -> None:
    answer = filled.client.get(address(filled, name, f"{key}.csv"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer.content.decode().count("\n") >= 1


def test_money_of_currencies_is_not_added_up(filled: Actor) -> None:
    shown = filled.client.get(address(filled, "analytics", "revenue.csv")).content.decode().splitlines()
    assert [line.split(",")[:2] for line in shown[1:]] == [["EUR", "1"]]
    text = filled.client.get(address(filled, "analytics", "orders/")).content.decode()
    assert "1 more order" in text
    assert "12.50" in text


def test_the_first_page_is_the_dashboard(alice: Actor, member: Callable[[str], Actor]) -> None:
    assert alice.client.get(alice.url("")).headers["Location"] == alice.url("dashboard/")
    ops = member("ops")
    assert ops.client.get(ops.url("")).headers["Location"] == ops.url("imports/")
    assert ops.client.get(ops.url("dashboard/")).status_code == 404


def test_first_steps_tick_themselves_and_can_be_hidden(alice: Actor) -> None:
    assert "0 of 5" in alice.client.get(alice.url("dashboard/")).content.decode()
    contact(alice.workspace, email="ann@example.com")
    assert "1 of 5" in alice.client.get(alice.url("dashboard/")).content.decode()
    for _twice in range(2):
        alice.client.post(alice.url("dashboard/guide/"))
    hidden = alice.client.get(alice.url("dashboard/")).content.decode()
    assert "of 5" not in hidden
    assert "Show the first steps" in hidden
    alice.client.post(alice.url("dashboard/guide/"), {"show": "1"})
    assert "1 of 5" in alice.client.get(alice.url("dashboard/")).content.decode()


def test_who_is_here_now(alice: Actor) -> None:
    assert "No visitors on your sites" in alice.client.get(alice.url("dashboard/live/")).content.decode()
    stored(site_of(alice.workspace), page(device()), at=timezone.now().timestamp())
    assert "in the last 30 minutes" in alice.client.get(alice.url("dashboard/live/")).content.decode()


def test_a_file_holds_no_formula(alice: Actor) -> None:
    site = site_of(alice.workspace)
    stored(site, page(device(), utm_source="=1+1"), at=timezone.now().timestamp())
    tally_upkeep.catch_up(alice.workspace.pk)
    assert "'=1+1" in alice.client.get(address(alice, "analytics", "origins.csv")).content.decode()


@pytest.mark.parametrize(
    "asked", ["?days=7", "?days=-1", "?from=2026-01-01&to=2026-01-31", "?from=x&to=x", "?from=9999-99-99&to=1", "?site=x",
              "?from=2026-02-01&to=2026-01-01", "?from=0001-01-01&to=0001-01-02", "?site=99999999999999999"]
)  # fmt: skip
def test_addresses_that_make_sense_and_others(filled: Actor, asked: str) -> None:
    for name, part in PARTS:
        assert filled.client.get(address(filled, name, f"{part}/") + asked).status_code == 200


def test_nothing_of_another_workspace(filled: Actor, charlie: Actor) -> None:
    for key in ("figures", "revenue"):
        text = charlie.client.get(address(charlie, "analytics", f"{key}.csv")).content.decode()
        assert not [line for line in text.splitlines()[1:] if not line.endswith(",0,0")]


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [(0, 0, ("", "")), (5, 0, ("", "")), (5, 5, ("", "")), (11, 10, ("+10.0 %", "ok")), (9, 10, ("−10.0 %", "bad")),
     (1_000, 10, ("100×", "ok")), (0, 10, ("−100.0 %", "bad"))],
)  # fmt: skip
def test_how_a_change_is_told(now: int, before: int, told: tuple[str, str]) -> None:
    assert change_of(now, before) == told


def test_lines_lead_from_lists_to_what_is_made_of_them() -> None:
    picture = chain_svg([((0, 0), (2, 1)), ((1, 0), (1, 2)), ((3, 0), (0, 0))], columns=5, rows=5)
    assert picture.count("<path") == 3
    assert 'd="M16.80,10.00 C28.40,10.00 28.40,30.00 40.00,30.00"' in picture
    assert 'd="M60.00,10.00 C38.40,10.00 38.40,10.00 16.80,10.00"' in picture


def test_what_is_made_of_what(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        segment = Segment.objects.create(name="Club")
        source = Source.objects.create(name="Customers", type="customers", origin="segments", segments=[segment.pk])
        like = Lookalike.objects.create(name="Like them", seed_kind="source", seed_id=source.pk, size=3)
        own = {"use": "google", "definition": {"include": [["lookalike", like.pk]]}, "segment_id": 0}
        Audience.objects.create(name="Winter", **own)
        made = overview.newest()
        assert made["audience"][0].chain == "Club → Customers → Like them → Winter"
        assert overview.links(made) == [((0, 0), (2, 0)), ((1, 0), (0, 0)), ((2, 0), (3, 0))]
