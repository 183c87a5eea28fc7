"""No more contacts than a workspace may have: by hand and by programs; forms are let through."""

from typing import Any

import pytest
from django.core.cache import cache
from redis import RedisError

from contacts import contact_limit
from contacts.contact_limit import ContactsFull
from contacts.models import Contact
from contacts.profile import edit
from imports import direct_upsert
from imports.options import Options
from tenants import limits
from tenants.isolation.context import tenant_context
from tests.cast import Actor


def fill(who: Actor, count: int, *, most: int | None) -> None:
    limits.set_limits(who.workspace, contacts=most)
    with tenant_context(who.workspace.pk):
        Contact.objects.bulk_create([Contact(external_id=f"F-{n}", origin="import") for n in range(count)])
        cache.delete(f"contacts:{who.workspace.pk}:living")
        cache.delete(f"contacts:{who.workspace.pk}:living:exact")


def make(who: Actor, name: str) -> Contact:
    with tenant_context(who.workspace.pk):
        return edit.create({"external_id": name}, user_id=who.user.pk)


def count(who: Actor) -> int:
    with tenant_context(who.workspace.pk):
        return contact_limit.living()


def test_the_last_one_fits_and_no_other(alice: Actor) -> None:
    before = count(alice)
    fill(alice, 2, most=before + 3)
    make(alice, "third")
    with pytest.raises(ContactsFull, match=f"limit of {before + 3:,} contacts"):
        make(alice, "fourth")
    assert count(alice) == before + 3
    limits.set_limits(alice.workspace, contacts=None)
    make(alice, "fourth")


def test_a_limit_is_counted_exactly_before_anybody_is_refused(alice: Actor) -> None:
    before = count(alice)
    fill(alice, 3, most=before + 3)
    with tenant_context(alice.workspace.pk):
        cache.set(f"contacts:{alice.workspace.pk}:living", before + 3, 60)
        Contact.objects.filter(external_id="F-0").delete()
    make(alice, "in its place")
    assert count(alice) == before + 3


def test_without_a_cache_it_is_counted_each_time(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: Any, **_options: Any) -> Any:
        raise RedisError("away")

    before = count(alice)
    fill(alice, 1, most=before + 1)
    monkeypatch.setattr(cache, "get", away)
    with pytest.raises(ContactsFull):
        make(alice, "second")
    limits.set_limits(alice.workspace, contacts=before + 2)
    make(alice, "second")


def test_the_page_says_it_beside_no_field(alice: Actor) -> None:
    fill(alice, 1, most=count(alice) + 1)
    form = {"email": "new@example.com", "country": "United Kingdom", "consent": "on"}
    answer = alice.post("contacts/new/", form)
    assert answer.status_code == 422
    assert "reached its limit" in answer.content.decode()


def test_of_items_only_the_new_ones_are_refused(alice: Actor) -> None:
    before = count(alice)
    fill(alice, 2, most=before + 2)
    items = [{"external_id": "F-0", "city": "Oslo"}, {"external_id": "new", "city": "Riga"}]
    with tenant_context(alice.workspace.pk):
        answers = direct_upsert.upsert(items, Options.parse({})).answers
    assert [(a.outcome, [n.code for n in a.problems]) for a in answers] == [
        ("updated", []), ("error", ["contact_limit"]),
    ]  # fmt: skip
    assert count(alice) == before + 2
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get(external_id="F-0").attributes["city"] == "Oslo"
