"""What all requests and answers have in common."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from ninja import Schema
from pydantic import ConfigDict, Field

from api import cursors
from core.request_checks import LARGEST

T = TypeVar("T")
Id = Annotated[int, Field(ge=1, le=LARGEST, examples=[17])]
Moment = Annotated[datetime, Field(description="ISO 8601, in UTC.", examples=["2026-05-31T10:00:00Z"])]
Limit = Annotated[int, Field(ge=1, le=cursors.MOST, description="Most results of a page.", examples=[50])]
Cursor = Annotated[
    str, Field(max_length=500, description="`next` of the page before; empty for the first.", examples=[""])
]


Search = Annotated[str, Field(description="What to look for, as in the search box.", examples=["anna"])]


def said(words: str) -> Any:
    """Words about a parameter, for Annotated."""
    return Field(description=words)


class Input(Schema):
    """A body of a request: names that are not known are refused, so that a slip of the pen is no silent loss."""

    model_config = ConfigDict(extra="forbid")


class Output(Schema):
    """A body of an answer."""


class Page(Output, Generic[T]):
    """A part of a list, and where the next one begins."""

    results: list[T]
    next: str | None = Field(description="Cursor of the next page; null at the end.", examples=["WzE3XQ"])


class FieldError(Output):
    """What is wrong with one field."""

    field: str = Field(examples=["body.rows.0.email"])
    message: str = Field(examples=["Field required"])
    code: str = Field(examples=["missing"])


class ProblemDocument(Output):
    """An error (RFC 9457). Problems may have further members with facts, such as `limit` and `found`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Where the problem is described.", examples=["/api/#problem-not_found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="A sentence for people.", examples=["There is nothing at this address."])
    code: str = Field(description="For programs; never changes its meaning.", examples=["not_found"])
    errors: list[FieldError] = Field(default=[], description="Of code parameters_invalid: each field.")


def facts(model: Any, *names: str) -> dict[str, Any]:
    """Attributes of a row by name."""
    return {name: getattr(model, name) for name in names}
