"""Events: what contacts did, elsewhere or before, as imports have it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Router
from pydantic import BaseModel, ConfigDict, Field

from api import upserts
from api.problems import answers
from api.rendering import sent
from api.schemas import Input, Output
from api.scopes import Scope
from api.upserts import ItemOut, UpsertSettings
from imports.cleaning.json_items import Note
from imports.cleaning.row_cleaner import collector_paused
from imports.cleaning.row_setting_cells import PROPERTIES
from imports.direct_upsert import MAX_ITEMS, Answer
from tenants import audit

router = Router(tags=["Events"])
# Kind of an event → type of import that has such events.
TASKS = {"track": "events", "order": "orders", "message": "messages"}
# Parts of an event that imports have as columns, by kind.
PARTS = {
    "track": ("id", "time", "name"),
    "order": ("id", "time", "amount", "currency", "items"),
    "message": ("id", "time", "channel", "message", "language", "status"),
}
# What each kind cannot be without, and the code of its absence.
NEEDED = {
    "track": ("name", "event_without_name"),
    "order": ("id", "order_without_id"),
    "message": ("status", "message_without_status"),
}
Kind = Literal["track", "order", "message"]


class EventIn(BaseModel):  # no Schema of ninja: thousands of them are read in a request
    """An event of a contact. An order needs an `id`, a `track` event a `name`, a message a `status`."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(default="track", examples=["order"])
    contact: dict[str, Any] = Field(
        description="Who did it: one identifier is enough. Other fields change the contact.",
        examples=[{"email": "anna@example.com"}],
    )
    id: str | int | None = Field(
        default=None,
        description="Your ID: the same one again is the same event, and is stored once.",
        examples=["O-1001"],
    )
    time: str | None = Field(default=None, description="ISO 8601; null: now.", examples=["2026-05-31T10:00:00Z"])
    name: str | None = Field(default=None, examples=[None])
    amount: Decimal | str | None = Field(default=None, examples=["129.90"])
    currency: str | None = Field(default=None, examples=["EUR"])
    items: list[dict[str, Any] | str] | None = Field(
        default=None, description="What was ordered.", examples=[[{"name": "Tent", "quantity": 2}]]
    )
    channel: str | None = Field(default=None, description="Of a message: email, sms …", examples=[None])
    message: str | None = Field(default=None, description="Name of the message.", examples=[None])
    language: str | None = Field(default=None, examples=[None])
    status: str | None = Field(
        default=None, description="delivered, read, clicked, undelivered, unsubscribed or spam.", examples=[None]
    )
    properties: dict[str, Any] = Field(default={}, description="Whatever else.", examples=[{"gift": True}])


class EventsBody(Input):
    """Up to 5,000 events."""

    events: list[EventIn] = Field(min_length=1, max_length=MAX_ITEMS)
    settings: UpsertSettings = UpsertSettings()


class EventsOut(Output):
    """How many events are new, and an answer for each about its contact."""

    added: int = Field(examples=[1])
    known: int = Field(description="Events that were known already, or are twice in the request.", examples=[0])
    counts: dict[str, int] = Field(description="Events by the outcome of their contact.", examples=[{"created": 1}])
    items: list[ItemOut]


@router.post("/events", auth=Scope("contacts.edit"), response=EventsOut, summary="Send events")
@answers(422, "setting_invalid")
@answers(403, "setting_not_permitted")
def send_events(request: Any, body: EventsBody) -> HttpResponse:
    """Store what contacts did: orders, messages, or anything with a name. Contacts that are not known are made, as by
    imports, unless `settings.mode` is `update_only`. Events with an `id` can be sent again without harm. Events of items in
    error are not stored. While an import writes contacts: 409 with `Retry-After`."""
    with collector_paused():
        return sent(_sent(request, body))


def _sent(request: Any, body: EventsBody) -> dict[str, Any]:
    answers = [_incomplete(place, event) for place, event in enumerate(body.events)]
    added = known = 0
    for kind, task in TASKS.items():
        places = [place for place, event in enumerate(body.events) if event.kind == kind and answers[place] is None]
        if not places:
            continue
        options = upserts.options_of(request, body.settings, task=task)
        result = upserts.run(request, [_item(body.events[place]) for place in places], options)
        added, known = added + result.events, known + result.events_known
        for place, answer in zip(places, result.answers, strict=True):
            answers[place] = _placed(answer, place, places)
    found = [answer for answer in answers if answer is not None]
    audit.record("contacts.events_sent", user_id=request.user.pk, target="events", added=added, known=known)
    items = [upserts.answered(answer) for answer in found]
    return {"added": added, "known": known, "counts": upserts.counts(found), "items": items}


def _incomplete(place: int, event: EventIn) -> Answer | None:
    """The answer to an event that says too little; None for all others."""
    part, code = NEEDED[event.kind]
    value = getattr(event, part)
    if value is None or not str(value).strip():
        return Answer(place, problems=[Note(part, code, None, {})])
    return None


def _item(event: EventIn) -> dict[str, Any]:
    """An event as an item of imports.direct_upsert."""
    said = {f"event.{part}": value for part in PARTS[event.kind] if (value := getattr(event, part)) is not None}
    more = {PROPERTIES: event.properties} if event.properties else {}
    return {**event.contact, **said, **more}


def _placed(answer: Answer, place: int, places: Sequence[int]) -> Answer:
    """An answer with the numbers of the request, where events of several kinds were sent together."""
    answer.index = place
    for number, note in enumerate(answer.problems):
        if "index" in note.facts:
            answer.problems[number] = note._replace(facts={**note.facts, "index": places[note.facts["index"]]})
    return answer
