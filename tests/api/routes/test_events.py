"""Events by the API: once each, with their contact, in the activity."""

import json
from decimal import Decimal
from typing import Any

import pytest

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.api.routes.test_contacts import furnish
from tests.cast import Actor
from tests.workspace_copies import copy_workspace
from tracking.models import Event

ANN = {"external_id": "C-1"}
ORDER = {"kind": "order", "id": "O-1", "contact": ANN, "amount": "12.50", "currency": "eur", "items": ["Boots"]}
VIEW = {"name": "Viewed", "id": 7, "contact": ANN, "properties": {"sku": "T-1", "prices": [1.10, {"old": None}]}}
LETTER = {
    "kind": "message",
    "status": "unsubscribed",
    "channel": "email",
    "message": "May",
    "id": "M-1",
    "contact": ANN,
}


@pytest.fixture
def sync(alice: Actor) -> Program:
    copy_workspace(alice, furnish)
    return program(alice)


def send(sync: Program, *events: Any, **settings: Any) -> Any:
    return sync.post("events", {"events": list(events), "settings": settings})


def stored(sync: Program) -> list[Any]:
    with tenant_context(sync.workspace.pk):
        return list(Event.objects.order_by("pk"))


def test_events_of_all_kinds_are_stored_once(sync: Program) -> None:
    first, again = send(sync, ORDER, VIEW, LETTER), send(sync, LETTER, ORDER, VIEW)
    assert first.status_code == 200, first.content
    assert [(a.json()["added"], a.json()["known"]) for a in (first, again)] == [(3, 0), (0, 3)]
    assert [(i["index"], i["outcome"]) for i in first.json()["items"]] == [
        (0, "unchanged"),
        (1, "unchanged"),
        (2, "updated"),
    ]
    found = {event.kind: event for event in stored(sync)}
    assert found["order"].properties == {"amount": Decimal("12.50"), "currency": "EUR", "items": [{"name": "Boots"}]}
    assert found["track"].properties == {"sku": "T-1", "prices": [Decimal("1.1"), {"old": None}]}
    assert {event.import_id for event in found.values()} == {None}
    with tenant_context(sync.workspace.pk):
        ann = Contact.objects.get(external_id="C-1")
        assert ann.email_status == "unsubscribed", "who unsubscribes by a message gets no more e-mails"
        assert {event.contact_id for event in found.values()} == {ann.pk}


def test_amounts_keep_their_digits(sync: Program) -> None:
    body = json.dumps({"events": [ORDER]}).replace('"12.50"', "123456789012345678901.10")
    assert sync.call("POST", "events", data=body, content_type="application/json").status_code == 200
    assert stored(sync)[0].properties["amount"] == Decimal("123456789012345678901.10")


def test_unknown_contacts_are_made_unless_somebody_says_otherwise(sync: Program) -> None:
    new = ORDER | {"contact": {"email": "new@example.com"}}
    said = send(sync, new, mode="update_only").json()
    assert (said["added"], said["items"][0]["outcome"]) == (0, "skipped")
    assert send(sync, new).json()["items"][0]["outcome"] == "created"


def test_an_event_that_says_too_little_is_told_and_the_others_are_taken(sync: Program) -> None:
    bad = [
        {"contact": ANN}, {"kind": "order", "contact": ANN}, {"kind": "message", "contact": ANN},
        {"name": " ", "contact": ANN}, {**ORDER, "amount": "much"}, {**ORDER, "contact": {}},
        {**ORDER, "contact": {"email": "@"}},
        {**LETTER, "status": "lost"}, {**ORDER, "time": "soon"}, {**VIEW, "properties": {"x" * 121: 1}},
    ]  # fmt: skip
    said = send(sync, *bad, VIEW).json()
    assert said["added"] == 1
    assert [i["outcome"] for i in said["items"]] == ["error"] * len(bad) + ["unchanged"]
    assert [i["problems"][0]["code"] for i in said["items"][:-1]] == [
        "event_without_name", "order_without_id", "message_without_status", "event_without_name", "not_a_number",
        "no_identifier", "not_an_email", "not_a_message_status", "not_a_date", "properties_unreadable",
    ]  # fmt: skip


def test_numbers_of_items_are_those_of_the_request(sync: Program) -> None:
    said = send(sync, VIEW, ORDER, {**ORDER, "id": "O-2"}, {**VIEW, "id": 8}).json()
    joined = [(i["index"], i["problems"][0]["detail"]) for i in said["items"] if i["outcome"] == "duplicate"]
    assert joined == [
        (0, "This item identifies the same contact as item 3 and was combined with it."),
        (1, "This item identifies the same contact as item 2 and was combined with it."),
    ]
    assert said["added"] == 4


@pytest.mark.parametrize(
    "body",
    [{}, {"events": []}, {"events": [1]}, {"events": [{}]}, {"events": [{"kind": "page", "contact": {}}]},
     {"events": [ORDER] * 5_001}, {"events": [ORDER | {"surprise": 1}]}, {"events": [ORDER | {"items": [1]}]}],
)  # fmt: skip
def test_bad_requests_are_refused(sync: Program, body: Any) -> None:
    answer = sync.post("events", body)
    assert answer.status_code == 422
    problem(answer)
    assert stored(sync) == []
