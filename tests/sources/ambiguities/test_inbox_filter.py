"""The list of what is to decide, searched by who it may be and by where it came from."""

import pytest

from contacts.models import Contact
from imports.models import Import
from sources.ambiguities import inbox_filter, sweep
from sources.ambiguities.inbox_filter import InboxFilter
from sources.models import Ambiguity, AmbiguityState
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.tracking.helpers import contact, device, hit, site_of, stored
from tracking.models import Site

ANNA, PHONE, CARA, OTHER = "anna@example.com", "+442079460958", "cara@example.com", "+442079460000"


@pytest.fixture
def sites(alice: Actor) -> list[Site]:
    """Two sites; on each a visitor who may be two contacts. A row of an import may be two, as well."""
    tenant = alice.workspace
    for values in ({"email": ANNA, "first_key": "anna"}, {"phone": PHONE}, {"email": CARA}, {"phone": OTHER}):
        contact(tenant, **values)
    shop = site_of(tenant)
    with tenant_context(tenant.pk):
        blog = Site.objects.create(name="blog", key=f"{tenant.pk:x}-blog")
        Contact.objects.filter(email=ANNA).update(first_name="Anna")
    stored(shop, hit(device(), "identify", email=ANNA, phone=PHONE))
    stored(blog, hit(device(), "identify", email=CARA, phone=OTHER))
    bring(tenant, f"email,phone\n{ANNA},{OTHER}\n", identify_by="all")
    sweep.run(tenant.pk)
    return [shop, blog]


def listed(who: Actor, query: str = "") -> list[str]:
    response = who.get(f"resolved/to-decide/{query}")
    assert response.status_code == 200
    return [what for _title, items in response.context["groups"] for _item, _who, what, _url in items]


@pytest.mark.parametrize(
    ("q", "count"),
    [("", 3), (ANNA, 2), ("Anna", 2), ("ANNA@Example.com", 2), ("020 7946 0958", 1), (CARA, 1), ("nobody", 0),
     ("x" * 500, 0), ("'; --", 0), ("99999999999999999999", 0)],
)  # fmt: skip
def test_by_who_it_may_be(alice: Actor, sites: list[Site], q: str, count: int) -> None:
    from urllib.parse import quote

    assert len(listed(alice, f"?q={quote(q)}")) == count


def test_by_the_number_of_a_visitor(alice: Actor, sites: list[Site]) -> None:
    with tenant_context(alice.workspace.pk):
        one = Ambiguity.objects.exclude(visitor_id=None).order_by("pk")[0]
    assert f"Visitor {one.visitor_id}" in listed(alice, f"?q={one.visitor_id}")


def test_by_where_it_came_from(alice: Actor, sites: list[Site]) -> None:
    with tenant_context(alice.workspace.pk):
        imp = Import.objects.get()
        offered = inbox_filter.origins(AmbiguityState.OPEN)
        assert {key for key, _label in offered} == {f"site:{s.pk}" for s in sites} | {f"import:{imp.pk}"}
    for key, _label in offered:
        assert len(listed(alice, f"?from={key}")) == 1
    assert listed(alice, f"?from=site:{sites[0].pk}&q={CARA}") == []
    for damaged in ("site:", "site:x", "nothing:1", "import:-1", "site:1:2"):
        assert len(listed(alice, f"?from={damaged}")) == 3


def test_after_a_decision_the_search_is_kept(alice: Actor, sites: list[Site]) -> None:
    with tenant_context(alice.workspace.pk):
        one = Ambiguity.objects.exclude(visitor_id=None).order_by("pk")[0]
    key = f"site:{sites[0].pk}"
    shown = alice.get(f"resolved/to-decide/?from={key}").text
    assert f'name="from" value="{key}"' in shown
    done = alice.post(f"resolved/to-decide/{one.pk}/decide/", {"choice": "leave", "from": key, "q": "Anna"})
    assert done.status_code == 302
    assert done["Location"].endswith(f"?q=Anna&from=site%3A{sites[0].pk}")


def test_what_cannot_be_read_is_left_out() -> None:
    assert InboxFilter.of({"q": "  a \x00 b ", "from": "site:x"}) == InboxFilter("a b", "")
    assert InboxFilter.of({}).address == {}
