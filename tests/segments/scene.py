"""Contacts and segments that the tests of segments begin with."""

from typing import Any

from django.utils import timezone

from contacts.models import Contact
from segments import dynamic
from segments.models import Member, Segment
from segments.rules.tree import FieldCondition, Group, InSegment
from tenants.isolation.context import current_tenant, tenant_context
from tests.cast import Actor


def contacts(*names: str, **fields: Any) -> list[int]:
    """New contacts with these names and addresses made of them; inside a context."""
    return [
        Contact.objects.create(
            email=f"{name.lower()}@example.com", first_name=name, first_key=name.lower(), last_name="Berg",
            last_key="berg", **fields,
        ).pk
        for name in names
    ]  # fmt: skip


def static(name: str, ids: list[int] | tuple[int, ...] = ()) -> Segment:
    """A static segment with members; inside a context."""
    segment: Segment = Segment.objects.create(name=name)
    own: dict[str, Any] = {"tenant_id": current_tenant(), "segment_id": segment.pk, "added_at": timezone.now()}
    Member.objects.bulk_create([Member(contact_id=pk, **own) for pk in ids])
    return segment


def ruled(name: str, *parts: Any) -> Segment:
    """A dynamic segment: of everybody with an e-mail, or of what the parts say; inside a context."""
    rule = Group("all", tuple(parts) or (FieldCondition("email", "filled"),))
    return dynamic.save_dynamic_segment(rule, name, user_id=None)  # type: ignore[arg-type]


def within(segment: Segment) -> InSegment:
    return InSegment(segment.pk, "in")


def members(actor: Actor, segment: Segment) -> list[int]:
    """The IDs of the members of a static segment, in order."""
    with tenant_context(actor.workspace.pk):
        ids = Member.objects.filter(segment_id=segment.pk).order_by("contact_id")
        return list(ids.values_list("contact_id", flat=True))
