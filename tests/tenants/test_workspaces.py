"""Creating workspaces by the page, and renaming them."""

from typing import Any

import pytest
from django.test import Client

from tenants import workspaces
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Membership, Tenant
from tests.cast import Actor, person
from tests.tenants.simultaneous import together

FORM = {"name": "Fjord & Sons", "country": "NO", "time_zone": "Europe/Oslo"}


def test_who_is_signed_in_creates_one_and_owns_it(alice: Actor) -> None:
    answer = alice.client.post("/workspaces/new/", FORM)
    made = Tenant.objects.get(created_by=alice.user)
    assert answer["Location"] == f"/w/{made.slug}/"
    assert (made.name, made.country, made.time_zone) == ("Fjord & Sons", "NO", "Europe/Oslo")
    assert made.slug.startswith("fjord-sons")
    with tenant_context(made.pk):
        assert list(Membership.objects.values_list("user_id", "role")) == [(alice.user.pk, "owner")]
        assert list(AuditEntry.objects.values_list("verb", "user_id")) == [("workspace.created", alice.user.pk)]
    page = alice.client.get(answer["Location"], follow=True).content.decode()
    assert "Fjord &amp; Sons" in page


def test_a_second_click_finds_the_first_workspace(alice: Actor) -> None:
    acts = [lambda: workspaces.found(alice.user, name="Twice", country="", time_zone="UTC").pk] * 2
    first, second = together(acts)
    assert first == second


def test_each_person_may_create_so_many(alice: Actor, settings: Any) -> None:
    settings.WORKSPACES_PER_PERSON = 2
    for name in ("One", "Two"):
        assert alice.client.post("/workspaces/new/", {**FORM, "name": name}).status_code == 302
    answer = alice.client.post("/workspaces/new/", {**FORM, "name": "Three"})
    assert answer.status_code == 422
    assert "You have created 2 workspaces" in answer.content.decode()
    assert Tenant.objects.filter(created_by=alice.user).count() == 2
    assert "Create workspace" not in alice.client.get("/?all").content.decode()
    settings.WORKSPACES_PER_PERSON = 0
    assert "those who run this platform" in alice.client.get("/workspaces/new/").content.decode()


def test_many_at_once_do_not_pass_the_limit(alice: Actor, settings: Any) -> None:
    settings.WORKSPACES_PER_PERSON = 1

    def act(name: str) -> bool:
        try:
            workspaces.found(alice.user, name=name, country="", time_zone="UTC")
        except workspaces.TooManyWorkspaces:
            return False
        return True

    assert sorted(together([lambda: act("One"), lambda: act("Two"), lambda: act("Three")])) == [False, False, True]


@pytest.mark.parametrize("name", ["Ålesund", "Ксения", "!!!", "a" * 120, "-_-", "W"])
def test_any_name_has_an_address(name: str) -> None:
    made = workspaces.found(person("Nora"), name=name, country="", time_zone="UTC")
    again = workspaces.found(person("Nils"), name=name, country="", time_zone="UTC")
    assert made.slug != again.slug
    assert made.slug.strip("-abcdefghijklmnopqrstuvwxyz0123456789") == ""
    assert made.slug


def test_strangers_are_asked_to_sign_in() -> None:
    answer = Client().post("/workspaces/new/", FORM)
    assert answer["Location"].startswith("/login/")


def test_owners_rename(alice: Actor) -> None:
    slug = alice.workspace.slug
    assert alice.post("settings/workspace/rename/", {"name": "  New   name "}).status_code == 302
    tenant = Tenant.objects.get(pk=alice.workspace.pk)
    assert (tenant.name, tenant.slug) == ("New name", slug)
    with tenant_context(tenant.pk):
        entry = AuditEntry.objects.get(verb="workspace.renamed")
    assert entry.detail == {"before": "Nordvik Outdoor", "after": "New name"}
    assert alice.post("settings/workspace/rename/", {"name": " "}).status_code == 422
    alice.post("settings/workspace/rename/", {"name": "New name"})
    with tenant_context(tenant.pk):
        assert AuditEntry.objects.filter(verb="workspace.renamed").count() == 1
