"""The builder: rows, conditions, counts, saving, and what it refuses."""

from typing import Any

import pytest

from audiences import lifecycle
from audiences.models import Audience
from tenants.isolation.context import tenant_context
from tests.audiences import scene
from tests.cast import Actor
from tests.imports.helpers import flat


@pytest.fixture
def lists(alice: Actor) -> dict[str, str]:
    """Two sources and a segment: name → value of the form."""
    with tenant_context(alice.workspace.pk):
        ids = [scene.contact(f"c{i}@example.com", "granted" if i < 6 else None) for i in range(10)]
        club, staff = scene.source("Club members", ids[:8]), scene.segment("Staff", ids[:2])
        boots = scene.segment("Viewed boots", ids[5:])
    return {
        "club": f"source:{club.pk}", "staff": f"segment:{staff.pk}", "boots": f"segment:{boots.pk}",
    }  # fmt: skip


def sent(**values: Any) -> dict[str, Any]:
    return {"name": "Winter", "use": "google", "proposed_for": "google", "condition": ["ads"], "do": "save"} | values


def test_a_new_audience_is_proposed_counted_and_saved(alice: Actor, lists: dict[str, str]) -> None:
    page = flat(alice.get("audiences/new/").content.decode())
    assert "Not suppressed" in page
    assert "Club members" in page
    data = sent(include=[lists["club"], lists["boots"]], exclude=[lists["staff"]], do="")
    page = flat(alice.post("audiences/new/", data).content.decode())
    # Of ten contacts in the two lists two are staff, and four were never asked.
    assert '<p class="headline-figure">4</p>' in page
    assert "never asked 4" in page
    assert "in more than one list 3" in page
    response = alice.post("audiences/new/", data | {"do": "save", "token": "a" * 32})
    assert response.status_code == 302
    scene.run_all(alice.workspace)
    with tenant_context(alice.workspace.pk):
        made = Audience.objects.get()
        assert lifecycle.segment_of(made).size == 4
    detail = flat(alice.get(f"audiences/{made.pk}/").content.decode())
    assert "agreed to ads" in detail
    assert "4" in detail
    for part in ("state", "remain", "shared", "reach", "history", "edit", "delete"):
        assert alice.get(f"audiences/{made.pk}/{part}/").status_code == 200, part
    assert "Winter" in alice.get("audiences/").content.decode()


def test_a_second_click_finds_the_first_audience(alice: Actor, lists: dict[str, str]) -> None:
    data = sent(include=[lists["club"]], token="b" * 32)
    first, second = alice.post("audiences/new/", data), alice.post("audiences/new/", data)
    assert first["Location"] == second["Location"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Enter a name"),
        ({"include": ["source:"]}, "Add at least one list to include."),
        ({"include": ["source:999"]}, "no longer exists"),
        ({"include": []}, "Add at least one list"),
        ({"name": "x" * 121}, "up to 120"),
    ],
)
def test_what_cannot_be_saved_is_said(alice: Actor, lists: dict[str, str], wrong: dict[str, Any], said: str) -> None:
    response = alice.post("audiences/new/", sent(include=[lists["club"]]) | wrong)
    assert response.status_code == 422
    assert said in flat(response.content.decode())
    with tenant_context(alice.workspace.pk):
        assert not Audience.objects.exists()
