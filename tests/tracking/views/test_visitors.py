"""The pages of visitors: who is here, one visitor, and that forgetting is asked, permitted and recorded."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.tracking.helpers import device, hit, site_of, stored, visitor
from tracking.models import Site, Visitor


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def site(alice: Actor) -> Site:
    return site_of(alice.workspace)


def now() -> float:
    return timezone.now().timestamp()


def test_it_says_what_to_do_first(alice: Actor) -> None:
    page = alice.get("visitors/").text
    assert "No visitors yet" in page
    assert "every 5s" not in page


def test_nobody_is_here(alice: Actor, site: Site) -> None:
    stored(site, hit(device()))
    assert "No one is here right now" in alice.get("visitors/").text


def test_who_is_here(alice: Actor, site: Site) -> None:
    with tenant_context(alice.workspace.pk):
        Contact.objects.create(origin="manual", first_name="Anna", email="anna@example.com")
    on = device()
    stored(site, hit(on), hit(device()), hit(on, "identify", email="anna@example.com"), at=now())
    page = flat(alice.get("visitors/").text)
    assert f'href="{alice.url(f"visitors/{visitor(alice.workspace, on).pk}/")}"> Anna</a>' in page
    assert "matched by e-mail" in page
    assert "Anna" not in alice.get("visitors/?kind=anonymous").text
    assert "Anna" not in alice.get(f"visitors/?site={site.pk + 1}").text
    assert "Anna" in alice.get("visitors/?kind=nonsense&site=nonsense").text


def test_the_fragment_renews_itself_with_its_filters(alice: Actor, site: Site) -> None:
    stored(site, hit(device()), at=now())
    answer = alice.get(
        f"visitors/?site={site.pk}&kind=anonymous", headers={"HX-Request": "true", "HX-Target": "visitors-live"}
    )
    assert "<h1>" not in answer.text
    assert f"visitors/?site={site.pk}&amp;kind=anonymous" in answer.text
    assert 'hx-trigger="every 5s"' in answer.text


def test_one_visitor_with_who_it_is_and_why(alice: Actor, site: Site) -> None:
    with tenant_context(alice.workspace.pk):
        Contact.objects.create(origin="manual", first_name="Anna", email="anna@example.com")
    on = device()
    stored(site, hit(on), hit(on, "identify", email="anna@example.com"), at=now())
    stored(site, hit(on, "identify", email="bob@example.com"), at=now())
    page = flat(alice.get(f"visitors/{visitor(alice.workspace, on).pk}/").text)
    assert "This is <a" in page
    assert "Matched by e-mail <b>anna@example.com</b>" in page
    assert "Entered on <code>shop.example/</code>" in page
    other = visitor(alice.workspace, on, 1).pk
    assert f"Visitor {other}," in page
    assert "None of the identifiers below belongs to exactly one contact" in flat(alice.get(f"visitors/{other}/").text)


def test_forgetting_is_asked_then_done_and_recorded(alice: Actor, site: Site) -> None:
    on = device()
    stored(site, hit(on), hit(on, "identify", email="bob@example.com"))
    pk = visitor(alice.workspace, on).pk
    asked = flat(alice.get(f"visitors/{pk}/forget/").text)
    assert "This cannot be undone." in asked
    assert "events removed</span><b>2</b>" in asked
    with tenant_context(alice.workspace.pk):
        assert Visitor.objects.filter(pk=pk).exists(), "asking does nothing"
    assert alice.post(f"visitors/{pk}/forget/").status_code == 302
    assert "2 events were removed for good" in alice.get("visitors/").text
    assert alice.get(f"visitors/{pk}/").status_code == 404
    assert alice.post(f"visitors/{pk}/forget/").status_code == 404
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="visitor.forgotten")
    assert (entry.object, entry.detail) == (f"visitor {pk}", {"events": 2, "identifiers": 1})


def test_only_those_who_may_erase_can_forget(alice: Actor, site: Site, member: Callable[[str], Actor]) -> None:
    on = device()
    stored(site, hit(on))
    pk, marketer = visitor(alice.workspace, on).pk, member("marketer")
    assert "Forget this visitor" in alice.get(f"visitors/{pk}/").text
    assert "Forget this visitor" not in marketer.get(f"visitors/{pk}/").text
    assert marketer.get(f"visitors/{pk}/forget/").status_code == 404
    assert marketer.post(f"visitors/{pk}/forget/").status_code == 404
