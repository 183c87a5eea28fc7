"""The path of a visitor, and that nothing is left of one that was forgotten."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.tracking.helpers import NOW, contact, device, hit, site_of, stored, visitor, visitors
from tracking import visitor_paths
from tracking.models import ContactVisit, Event, Page, PageVisitor, Site, Visitor, VisitorIdentifier
from tracking.pixel.hits import Hit
from tracking.pixel.visitor_resolution import VISIT_GAP_SECONDS

ANNA = "anna@example.com"


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return site_of(tenant)


def at(on: str, url: str, kind: str = "page", **properties: Any) -> Hit:
    return replace(hit(on, kind), url=f"https://shop.example{url}", properties=properties)


def path_of(tenant: Tenant, on: str, **options: int) -> visitor_paths.Path:
    pk = visitor(tenant, on).pk
    with tenant_context(tenant.pk):
        return visitor_paths.path(pk, **options)


def test_visits_are_told_apart_and_the_latest_is_first(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, at(on, "/"))
    stored(site, at(on, "/boots"), at=NOW + 60)
    stored(site, at(on, "/cart"), at=NOW + 60 + VISIT_GAP_SECONDS + 1)
    path = path_of(tenant, on)
    urls = [[str(step.event.url).removeprefix("https://shop.example") for step in visit.steps] for visit in path.visits]
    assert (urls, path.cut) == ([["/cart"], ["/", "/boots"]], False)
    assert [visit.pages for visit in path.visits] == [1, 2]


def test_reported_time_is_put_to_its_page(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, at(on, "/"))
    stored(site, at(on, "/boots"), at=NOW + 5)
    stored(site, at(on, "/", "time", seconds=5), at=NOW + 6)
    stored(site, at(on, "/boots", "time", seconds=40), at=NOW + 10 * VISIT_GAP_SECONDS)  # left open for hours
    (visit,) = path_of(tenant, on).visits
    assert [(step.event.kind, step.seconds) for step in visit.steps] == [("page", 5), ("page", 40)]
    assert visit.seconds == 45


def test_only_the_latest_hits_are_shown(tenant: Tenant, site: Site) -> None:
    on = device()
    for n in range(4):
        stored(site, at(on, f"/{n}"), at=NOW + n)
    path = path_of(tenant, on, hits=2)
    assert path.cut
    assert [str(step.event.url)[-1] for step in path.visits[0].steps] == ["2", "3"]


def forget(tenant: Tenant, on: str, generation: int = 0) -> dict[str, int]:
    pk = visitor(tenant, on, generation).pk
    with tenant_context(tenant.pk):
        return visitor_paths.forget(pk, now=timezone.now())


def leftovers(tenant: Tenant, text: str) -> list[str]:
    """Tables of the workspace with a row in which the text is."""
    found = []
    with tenant_context(tenant.pk), connection.cursor() as cursor:
        for model in (Event, Visitor, VisitorIdentifier, Page, PageVisitor, ContactVisit):
            table = model._meta.db_table
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t.tenant_id = %s AND t::text LIKE %s",
                           [tenant.pk, f"%{text}%"])  # fmt: skip
            found += [table] if cursor.fetchone()[0] else []
    return found


def test_nothing_is_left(tenant: Tenant, site: Site) -> None:
    on, other = device(), device()
    contact(tenant, email=ANNA)
    stored(site, at(on, "/secret-room"), hit(on, "identify", email=ANNA), at(on, "/shared"), at(other, "/shared"))
    assert forget(tenant, on) == {"events": 3, "identifiers": 1}
    for text in (on, "secret-room", ANNA):
        assert leftovers(tenant, text) == [], text
    with tenant_context(tenant.pk):
        assert list(Page.objects.values_list("path", flat=True)) == ["/shared"]
        assert not ContactVisit.objects.exists()
        assert list(Event.objects.values_list("visitor_id", flat=True)) == [visitor(tenant, other).pk]
    assert [v.contact_id for v in visitors(tenant)] == [None], "the other one stays"


def test_the_browser_begins_anew_afterwards(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, at(on, "/"))
    before = visitor(tenant, on).pk
    forget(tenant, on)
    stored(site, at(on, "/"))
    assert visitor(tenant, on).pk != before
    assert visitor(tenant, on).views == 1


def test_what_a_second_person_does_afterwards_is_not_the_first_ones(tenant: Tenant, site: Site) -> None:
    """Anna and Bob share a browser, and Bob is forgotten: what follows on it is not Anna's doing."""
    anna, on = contact(tenant, email=ANNA), device()
    stored(site, hit(on, "identify", email=ANNA))
    stored(site, hit(on, "identify", email="bob@example.com"))
    forget(tenant, on, generation=1)
    stored(site, at(on, "/later"))
    first, second = visitors(tenant)
    assert (first.contact_id, first.views) == (anna, 0)
    assert (second.contact_id, second.generation, second.views, second.visits) == (None, 1, 1, 1)
    assert leftovers(tenant, "bob@example.com") == []


def test_the_first_person_is_forgotten_without_the_second(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, hit(on, "identify", email=ANNA))
    stored(site, hit(on, "identify", email="bob@example.com"))
    forget(tenant, on)
    assert [v.generation for v in visitors(tenant)] == [1]


def test_a_visitor_that_is_not_there(tenant: Tenant) -> None:
    with tenant_context(tenant.pk), pytest.raises(Visitor.DoesNotExist):
        visitor_paths.forget(1, now=timezone.now())
