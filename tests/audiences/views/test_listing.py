"""The list of audiences."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audiences import audience_list, lifecycle
from audiences.audience_list import AudienceListQuery
from tenants.isolation.context import tenant_context
from tests.audiences import scene
from tests.cast import Actor
from tests.imports.helpers import flat


@pytest.fixture
def three(alice: Actor) -> Actor:
    with tenant_context(alice.workspace.pk):
        ids = [scene.contact(f"c{i}@example.com") for i in range(3)]
        a, b = scene.segment("A", ids), scene.segment("B", ids[:1])
        scene.audience("Winter", include=[a], use="google")
        scene.audience("Autumn", include=[b], use="email", conditions=["email"])
        lifecycle.delete(scene.audience("Gone", include=[b]), user_id=alice.user.pk)
    scene.run_all(alice.workspace)
    return alice


def names(**asked: str) -> list[str]:
    found = audience_list.rows(AudienceListQuery.of(asked), now=timezone.now() + timedelta(minutes=1))
    return [row.audience.name for row in found]


def test_what_is_listed_and_in_which_order(three: Actor) -> None:
    with tenant_context(three.workspace.pk):
        assert names() == ["Autumn", "Winter"]
        assert names(order="-size") == ["Winter", "Autumn"]
        assert names(order="-changed") == ["Autumn", "Winter"]
        assert names(order="nope") == ["Autumn", "Winter"]
        assert names(use="google") == ["Winter"]
        assert names(q="autu") == ["Autumn"]
        assert names(status="ready") == ["Autumn", "Winter"]
        assert names(status="failed") == []
        assert names(show="deleted") == ["Gone"]


@pytest.mark.parametrize("role", ["owner", "admin", "marketer", "viewer"])
def test_the_page(three: Actor, member: object, role: str) -> None:
    who = three if role == "owner" else member(role)  # type: ignore[operator]
    page = flat(who.get("audiences/").content.decode())
    assert "Winter" in page
    assert "Ready" in page
    assert ("New audience" in page) == (role != "viewer")


@pytest.mark.parametrize(
    ("path", "said"),
    [("", "No audiences yet"), ("?q=zzz", "No audiences match"), ("?show=deleted", "No deleted audiences")],
)
def test_empty_lists_say_what_to_do(alice: Actor, path: str, said: str) -> None:
    assert said in flat(alice.get(f"audiences/{path}").content.decode())


def test_nothing_of_another_workspace(three: Actor, charlie: Actor) -> None:
    assert "Winter" not in charlie.get("audiences/").content.decode()
    assert "Winter" in three.get("audiences/?show=&order=-size").content.decode()
