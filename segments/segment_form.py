"""The name and the description of a segment: made, checked, changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from segments.models import Segment
from tenants import audit

MOST_NAME, MOST_DESCRIPTION = 120, 300


@dataclass
class SegmentForm:
    """What a person says a segment is called and is for. `errors`: field → sentence."""

    name: str = ""
    description: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, posted: Mapping[str, str]) -> "SegmentForm":
        form = cls(_line(posted.get("name", "")), _line(posted.get("description", "")))
        if not form.name:
            form.errors["name"] = "Enter a name, for example Trade fair 2026."
        elif len(form.name) > MOST_NAME:
            form.errors["name"] = f"Enter a name of up to {MOST_NAME} characters. This one has {len(form.name)}."
        if len(form.description) > MOST_DESCRIPTION:
            form.errors["description"] = (
                f"Enter up to {MOST_DESCRIPTION} characters. This text has {len(form.description)}."
            )
        return form

    def taken(self) -> None:
        """Say that another segment has the name."""
        self.errors["name"] = f"The segment {self.name} already exists. Choose another name."


def make_static(form: SegmentForm, *, user_id: int | None, token: str = "") -> Segment | None:
    """A new static segment; the same token again finds the first one. None where the name is taken: the form says so."""
    if (known := _sent_before(token)) is not None:
        return known
    try:
        with transaction.atomic():
            segment: Segment = Segment.objects.create(
                name=form.name, description=form.description, created_by_id=user_id, token=token or None
            )
    except IntegrityError:
        # A double click: the transaction of the first one has committed by now.
        if (known := _sent_before(token)) is not None:
            return known
        form.taken()
        return None
    values = {"name": [None, form.name], "description": [None, form.description or None]}
    audit.record("segment.made", user_id=user_id, target=f"segment {segment.pk}", values=values)
    return segment


def change(segment: Segment, form: SegmentForm, *, user_id: int | None) -> bool:
    """Give a segment another name or description. False where the name is taken: the form says so."""
    before: dict[str, Any] = {"name": segment.name, "description": segment.description}
    after = {"name": form.name, "description": form.description}
    if before == after:
        return True
    try:
        with transaction.atomic():
            Segment.objects.filter(pk=segment.pk).update(**after)
    except IntegrityError:
        form.taken()
        return False
    values = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    audit.record("segment.changed", user_id=user_id, target=f"segment {segment.pk}", values=values)
    return True


def _sent_before(token: str) -> Segment | None:
    """The segment that the same form has made."""
    segment: Segment | None = Segment.objects.filter(token=token).first() if token else None
    return segment


def _line(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())
