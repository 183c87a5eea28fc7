"""Items that programs send, on their way into imports.direct_upsert, and what became of each of them on its way back."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from api.problems import Problem
from api.schemas import Id, Input, Output
from api.scopes import may, require
from contacts import write_lock
from contacts.models import Attribute
from imports import direct_upsert
from imports.cleaning.json_items import SEGMENTS, Note
from imports.direct_upsert import MAX_ITEMS, Answer, Result
from imports.options import BadOption, Options
from imports.problems import catalogue
from imports.wizard import configuration

# What programs may write for SEGMENTS.
SHORT = "segments"
# What source actions of the API are said to have come through, when nobody says otherwise.
ENDPOINT = "API"
# A workspace in which an import writes is free again within seconds or minutes.
RETRY_SECONDS = 5


class UpsertSettings(Input):
    """How items are taken: the settings that imports have."""

    mode: Literal["create_and_update", "create_only", "update_only"] = Field(
        default="create_and_update", description="Whether contacts are made, changed, or both."
    )
    existing: Literal["overwrite", "only_empty"] = Field(
        default="overwrite", description="Whether a value replaces that of a known contact, or only fills a gap."
    )
    blank: Literal["keep", "clear"] = Field(
        default="keep",
        description="What null does to a value: nothing, or it empties it. Fields that are not sent stay.",
    )
    duplicates: Literal["last", "first", "error"] = Field(
        default="last", description="Which of several items about one contact wins."
    )
    bad_value: Literal["error", "drop"] = Field(
        default="error", description="Whether a bad value puts its item in error, or only adds a warning."
    )
    identify_by: Literal["all", "external_id", "email", "phone"] = Field(
        default="all", description="Which identifiers say who an item is; the external ID always does."
    )
    deleted: Literal["skip", "restore"] = Field(
        default="skip", description="Whether items restore deleted contacts; needs the scope imports.revive."
    )
    consent: Literal["stricter", "file"] = Field(
        default="stricter",
        description="Whether statuses only become stricter, or always count (file); that needs the scope imports.revive.",
    )
    country: str = Field(default="", max_length=100, description="Region of phones without +.", examples=["GB"])
    zone: str = Field(default="", max_length=100, description="Zone of times without one.", examples=["Europe/Riga"])
    segments: list[str] = Field(
        default=[], max_length=20, description="Static segments that all contacts are added to; made where missing.",
        examples=[["Newsletter"]],
    )  # fmt: skip
    endpoint: str = Field(default=ENDPOINT, max_length=120, description="API endpoint of source actions.")
    touchpoint: str = Field(default="", max_length=120, description="Touchpoint of source actions.")
    action_created: str = Field(default="", max_length=120, description="Source action of contacts that are made.")
    action_existing: str = Field(default="", max_length=120, description="Source action of known contacts.")
    happened: str = Field(
        default="", max_length=40, description="When source actions, and events without a time, happened; empty: now.",
        examples=["2026-05-31T10:00:00Z"],
    )  # fmt: skip


class ItemProblem(Output):
    """A problem of an item, or a warning about it."""

    field: str = Field(description="The field; empty: the item as a whole.", examples=["email"])
    code: str = Field(examples=["not_an_email"])
    detail: str = Field(description="A sentence for people.", examples=["This is not an e-mail address."])


class ItemOut(Output):
    """What became of an item."""

    index: int = Field(description="Its place in the request, from 0.", examples=[0])
    outcome: Literal["created", "updated", "unchanged", "duplicate", "skipped", "error"] = Field(
        description="A duplicate was combined with another item of the request.", examples=["created"]
    )
    contact_id: Id | None = Field(description="Null where the item has no contact.")
    problems: list[ItemProblem] = Field(description="Why it is in error or skipped; warnings for all others.")


OUTCOMES = ("created", "updated", "unchanged", "duplicate", "skipped", "error")


def options_of(request: Any, settings: UpsertSettings, **more: Any) -> Options:
    """The settings as imports have them. Raises BadOption, NotPermitted."""
    options = Options.parse({**settings.dict(), **more})
    if options.revives and not may(request, "imports.revive"):
        raise configuration.NotPermitted("deleted=restore and consent=file need the permission imports.revive.")
    if options.segments:
        require(request, "segments.edit")
    return options


def run(request: Any, items: Sequence[Mapping[str, Any]], options: Options) -> Result:
    """Take the items. Raises Problem 409 while an import writes, or others for too long, and BadOption."""
    if len(items) > MAX_ITEMS:
        raise BadOption(f"{len(items):,} items are too many for one call. The limit is {MAX_ITEMS:,}.")
    items = _with_segments(items)
    if any(SEGMENTS in item for item in items):
        require(request, "segments.edit")
    try:
        return direct_upsert.upsert(items, options)
    except write_lock.Held:
        said = "An import or another request is writing contacts. Send the request again in a few seconds."
        raise Problem(409, "busy", said, headers={"Retry-After": str(RETRY_SECONDS)}) from None


def _with_segments(items: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The items with `segments` as imports call it, unless the workspace has a field of that name."""
    if not any(SHORT in item for item in items) or Attribute.objects.filter(key=SHORT).exists():
        return items
    return [
        {SEGMENTS if key == SHORT and SEGMENTS not in item else key: value for key, value in item.items()}
        for item in items
    ]


def said(note: Note) -> dict[str, str]:
    """A problem as ItemProblem."""
    field = note.key[:100].encode("utf-8", "replace").decode()
    return {"field": field, "code": note.code, "detail": catalogue.sentence(note.code, value=note.value, **note.facts)}


def answered(answer: Answer) -> dict[str, Any]:
    """An answer as ItemOut."""
    return {
        "index": answer.index,
        "outcome": answer.outcome,
        "contact_id": answer.contact_id,
        "problems": [said(note) for note in answer.problems],
    }


def counts(answers: Sequence[Answer]) -> dict[str, int]:
    """How many items have each outcome."""
    found = dict.fromkeys(OUTCOMES, 0)
    for answer in answers:
        found[answer.outcome] += 1
    return found
