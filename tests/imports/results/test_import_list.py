"""The list of imports: what is found, in which order, what it adds up to, and its download."""

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from imports.models import Import, Phase, Status
from imports.results import import_list
from imports.results.import_list import ImportListQuery
from imports.views import listing
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring, flat, receive


def rows(good: int, bad: int = 0, start: int = 0) -> str:
    found = [f"p{start + i}@example.com" for i in range(good)] + [f"nobody {i}" for i in range(bad)]
    return "email\n" + "\n".join(found) + "\n"


def told(imp: Import, **fields: Any) -> None:
    Import.objects.filter(pk=imp.pk).update(**fields)


@pytest.fixture
def three(alice: Actor, bob: Actor) -> list[int]:
    """Imports with 2, 5 and 3 rows imported, and 3, 0 and 1 in error."""
    found = [
        bring(alice.workspace, rows(*n), user=u) for n, u in (((2, 3), alice.user), ((5,), bob.user), ((3, 1), None))
    ]
    with tenant_context(alice.workspace.pk):
        told(found[0], file_name="fair.csv", description="Leads of stand B12")
        told(found[1], file_name="tills.csv")
        told(found[2], file_name="shop.csv", origin="command")
    return [imp.pk for imp in found]


def listed(actor: Actor, query: str) -> list[int]:
    page = actor.get(f"imports/?{query}").content.decode()
    return [int(pk) for pk in re.findall(r'id="import-(\d+)"', page)]


def test_search_looks_at_name_and_description(alice: Actor, three: list[int]) -> None:
    assert listed(alice, "q=STAND") == [three[0]]
    assert listed(alice, "q=tills") == [three[1]]
    assert listed(alice, "q=nothing") == []
    assert "Leads of stand B12" in alice.get("imports/").content.decode()


def test_filters_by_person_and_origin(alice: Actor, bob: Actor, three: list[int]) -> None:
    assert listed(alice, f"person={bob.user.pk}") == [three[1]]
    assert listed(alice, "person=none") == [three[2]]
    assert listed(alice, "origin=command") == [three[2]]
    assert listed(alice, "person=x&origin=moon&order=size&after=a_b") == three[::-1]


def test_filters_by_date_of_the_workspace(alice: Actor, three: list[int]) -> None:
    """Days begin at midnight by the clock of the workspace: in Riga two hours before they do in London."""
    Tenant.objects.filter(pk=alice.workspace.pk).update(time_zone="Europe/Riga")
    with tenant_context(alice.workspace.pk):
        for pk, at in zip(three, ("2026-03-01T21:59:59", "2026-03-01T22:00:00", "2026-03-02T21:59:59"), strict=True):
            Import.objects.filter(pk=pk).update(created_at=datetime.fromisoformat(f"{at}+00:00"))
    assert listed(alice, "since=2026-03-02") == [three[2], three[1]]
    assert listed(alice, "until=2026-03-01") == [three[0]]
    assert listed(alice, "since=2026-03-02&until=2026-03-02") == [three[2], three[1]]
    assert listed(alice, "since=2026-03-03") == []
    assert listed(alice, "since=2026-02-30&until=never") == three[::-1]
    assert listed(alice, "until=9999-12-31") == three[::-1]
    page = alice.get("imports/?since=2026-03-02").content.decode()
    assert "list.csv?since=2026-03-02" in page
    assert "<b>2</b> imports match" in flat(page)
    assert len(alice.get("imports/list.csv?since=2026-03-02").getvalue().splitlines()) == 3


def test_a_running_import_can_be_canceled_from_the_list(
    alice: Actor, member: Callable[[str], Actor], three: list[int]
) -> None:
    with tenant_context(alice.workspace.pk):
        told(Import.objects.get(pk=three[1]), status=Status.IMPORTING, phase=Phase.APPLY, started=True)
    ask = f"/imports/{three[1]}/cancel/ask/"
    assert ask in alice.get("imports/").content.decode()
    assert ask not in member("viewer").get("imports/").content.decode()
    assert "Contacts already written" in alice.get(f"imports/{three[1]}/cancel/ask/").content.decode()
    alice.post(f"imports/{three[1]}/cancel/")
    assert ask not in alice.get("imports/").content.decode()


@pytest.mark.parametrize(
    ("order", "places"),
    [("-date", (2, 1, 0)), ("date", (0, 1, 2)), ("-errors", (0, 2, 1)), ("errors", (1, 2, 0)),
     ("-imported", (1, 2, 0)), ("imported", (0, 2, 1))],
)  # fmt: skip
def test_orders_and_their_pages(
    alice: Actor, three: list[int], order: str, places: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [three[i] for i in places]
    assert listed(alice, f"order={order}") == wanted
    monkeypatch.setattr(listing, "PAGE", 1)
    seen, query = [], f"order={order}"
    while query:
        page = alice.get(f"imports/?{query}").content.decode()
        seen += [int(pk) for pk in re.findall(r'id="import-(\d+)"', page)]
        older = re.search(r'href="\?([^"]+)" rel="next"', page)
        query = older[1].replace("&amp;", "&") if older else ""
    assert seen == wanted


def test_rows_of_equal_value_stand_on_one_page_each(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [bring(alice.workspace, rows(1, start=i)).pk for i in range(3)]
    monkeypatch.setattr(listing, "PAGE", 1)
    with tenant_context(alice.workspace.pk):
        asked, seen = ImportListQuery(order="-errors"), []
        for _ in range(3):
            imp = import_list.page(asked, rows=1)[0]
            seen.append(imp.pk)
            asked = ImportListQuery(order="-errors", after=import_list.key(asked, imp))
    assert seen == found[::-1]


def test_sums_are_of_all_that_match(alice: Actor, three: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 1)
    with tenant_context(alice.workspace.pk):
        assert import_list.sums(ImportListQuery()) == {"imports": 3, "rows": 14, "imported": 10, "in_error": 4}
        assert import_list.sums(ImportListQuery(q="fair"))["rows"] == 5
        told(Import.objects.get(pk=three[1]), status=Status.FAILED, created=400)
        # A failed import counts what it wrote, not what it had planned.
        assert import_list.sums(ImportListQuery())["imported"] == 10
    assert "<b>14</b> rows" in alice.get("imports/").content.decode()


def test_the_list_as_a_file(alice: Actor, three: list[int]) -> None:
    with tenant_context(alice.workspace.pk):
        told(Import.objects.get(pk=three[0]), description="=1+1")
    answer = alice.get("imports/list.csv?order=-errors")
    found = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [int(row["import"]) for row in found] == [three[0], three[2], three[1]]
    assert found[0]["description"] == "'=1+1"
    assert (found[0]["rows"], found[0]["imported"], found[0]["in error"], found[0]["person"]) == (
        "5",
        "2",
        "3",
        "Alice",
    )
    only = alice.get("imports/list.csv?q=tills").getvalue().decode()
    assert len(only.splitlines()) == 2


def test_undone_has_its_tab_and_undoing_is_running(alice: Actor, three: list[int]) -> None:
    with tenant_context(alice.workspace.pk):
        told(Import.objects.get(pk=three[0]), status=Status.UNDONE)
        told(Import.objects.get(pk=three[1]), status=Status.UNDOING, phase=Phase.UNDO, undo_direction="undo")
    assert listed(alice, "show=undone") == [three[0]]
    page = alice.get("imports/?show=running").content.decode()
    assert listed(alice, "show=running") == [three[1]]
    assert "Undoing" in page
    assert "Parts done" in page


def test_the_number_of_queries_does_not_grow(alice: Actor, three: list[int]) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            alice.get("imports/")
        return len(seen)

    count()  # what is asked once a minute for the navigation is in the cache then
    before = count()
    for i in range(4):
        receive(alice.workspace, rows(1, start=50 + i), user=alice.user)
        bring(alice.workspace, rows(1, 1, start=80 + i))
    assert count() == before
