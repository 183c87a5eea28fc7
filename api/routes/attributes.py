"""Fields of contacts: those that every workspace has, and its own."""

from typing import Annotated, Any, Literal

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field

from api.problems import Problem
from api.schemas import Id, Input, Output, said
from api.scopes import Scope
from contacts.fields import custom_fields
from contacts.models import Attribute
from contacts.values.types import CUSTOM_TYPES, TYPES

router = Router(tags=["Attributes"])
TypeName = Literal[tuple(CUSTOM_TYPES)]  # type: ignore[valid-type]


class AttributeOut(Output):
    """A field."""

    id: Id | None = Field(description="Null for fields that every workspace has.")
    key: str = Field(description="Its name in contacts.", examples=["shoe_size"])
    label: str = Field(examples=["Shoe size"])
    type: str = Field(examples=["integer"])
    format: str = Field(description="How a value is written.", examples=["42"])
    options: dict[str, str] = Field(description="Of a choice: ID → label; empty: any text.", examples=[{}])
    required: bool = Field(description="Whether no contact is made without it.", examples=[False])
    archived: bool = Field(examples=[False])


class AttributesOut(Output):
    """All fields; there are few enough for one answer."""

    results: list[AttributeOut]


def own(row: Attribute) -> dict[str, Any]:
    """A field of the workspace as AttributeOut."""
    names = ("key", "label", "type", "options", "required")
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in names},
        "format": TYPES[row.type].hint,
        "archived": row.archived_at is not None,
    }


def _system(field: custom_fields.Field) -> dict[str, Any]:
    return {"id": None, "key": field.key, "label": field.label, "type": field.type, "format": TYPES[field.type].hint,
            "options": {}, "required": False, "archived": False}  # fmt: skip


@router.get("/attributes", auth=Scope("contacts.view"), response=AttributesOut, summary="List attributes")
def list_attributes(
    request: Any, archived: Annotated[bool, said("Whether archived fields are listed, too.")] = False
) -> dict[str, Any]:
    """Every field that contacts can have, with its type; `archived` adds those that are put away."""
    rows = Attribute.objects.order_by("label", "key")
    if not archived:
        rows = rows.filter(archived_at=None)
    return {"results": [*map(_system, custom_fields.system()), *map(own, rows)]}


class AttributeBody(Input):
    """A new field."""

    label: str = Field(min_length=1, max_length=120, description="Its key is made of it.", examples=["Shoe size"])
    type: TypeName = Field(examples=["integer"])  # type: ignore[valid-type]
    options: dict[str, str] = Field(default={}, description="Of a choice: ID → label.", max_length=200, examples=[{}])
    required: bool = Field(default=False, description="Whether no contact is made without it.")
    region: str = Field(
        default="", max_length=100, description="Of a phone: country of numbers without +.", examples=[""]
    )


@router.post("/attributes", auth=Scope("settings.manage"), response={201: AttributeOut}, summary="Create an attribute")
def create_attribute(request: Any, body: AttributeBody) -> Any:
    """A new field of the workspace. 409 where its name is taken."""
    if any("\n" in text or ":" in text for pair in body.options.items() for text in pair):
        raise Problem(422, "parameters_invalid", "Options cannot contain a line break or a colon.")
    options = "\n".join(f"{key}: {label}" for key, label in body.options.items())
    try:
        row = custom_fields.add(
            body.label, body.type, options, user_id=request.user.pk, required=body.required, region=body.region
        )
    except custom_fields.BadField as problem:
        raise Problem(409, "conflict", str(problem)) from None
    return Status(201, own(row))


@router.post(
    "/attributes/{int:attribute_id}/archive", auth=Scope("settings.manage"), response=AttributeOut,
    summary="Archive an attribute",
)  # fmt: skip
def archive_attribute(request: Any, attribute_id: int) -> dict[str, Any]:
    """Put a field away: values stay, and nothing offers or takes it any longer."""
    get_object_or_404(Attribute, pk=attribute_id)
    return own(custom_fields.archive(attribute_id, back=False, user_id=request.user.pk))


@router.post(
    "/attributes/{int:attribute_id}/restore", auth=Scope("settings.manage"), response=AttributeOut,
    summary="Restore an attribute",
)  # fmt: skip
def restore_attribute(request: Any, attribute_id: int) -> dict[str, Any]:
    """Bring an archived field back, with all values."""
    get_object_or_404(Attribute, pk=attribute_id)
    return own(custom_fields.archive(attribute_id, back=True, user_id=request.user.pk))
