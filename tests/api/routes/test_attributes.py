"""Fields by the API."""

from typing import Any

import pytest

from contacts.models import Attribute
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.cast import Actor


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


def keys(sync: Program, **query: Any) -> list[str]:
    return [field["key"] for field in sync.get("attributes", **query).json()["results"]]


def test_fields_are_listed_made_and_put_away(sync: Program) -> None:
    assert {"email", "city", "birthday"} <= set(keys(sync))
    body = {
        "label": "Shoe size (EU)",
        "type": "choice",
        "options": {"40": "Forty", "41": "Forty-one"},
        "required": True,
    }
    made = sync.post("attributes", body)
    assert made.status_code == 201, made.content
    said = made.json()
    assert (said["key"], said["type"], said["options"], said["required"]) == (
        "shoe_size_eu", "choice", {"40": "Forty", "41": "Forty-one"}, True,
    )  # fmt: skip
    assert "shoe_size_eu" in keys(sync)
    assert sync.post(f"attributes/{said['id']}/archive").json()["archived"] is True
    assert "shoe_size_eu" not in keys(sync)
    assert "shoe_size_eu" in keys(sync, archived="true")
    assert sync.post(f"attributes/{said['id']}/restore").json()["archived"] is False


def test_names_that_are_taken_and_bad_fields(sync: Program) -> None:
    for label in ("City", "E-mail", "!!!"):
        assert problem(sync.post("attributes", {"label": label, "type": "text"})) == (409, "conflict"), label
    for body in (
        {"label": "", "type": "text"}, {"label": "x", "type": "nothing"}, {"label": "x" * 121, "type": "text"},
        {"label": "x", "type": "choice", "options": {"a": "b\nc: d"}}, {"label": "x"},
        {"label": "x", "type": "choice", "options": {str(i): "x" for i in range(201)}},
    ):  # fmt: skip
        assert sync.post("attributes", body).status_code == 422, body
    with tenant_context(sync.workspace.pk):
        assert not Attribute.objects.exists()


def test_a_marketer_does_not_change_fields(bob: Actor) -> None:
    assert problem(program(bob).post("attributes", {"label": "x", "type": "text"})) == (403, "scope_missing")
