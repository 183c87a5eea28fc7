"""Audiences in tests: lists with contacts, audiences of them, worked off as the workers do."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from audiences import audience_form, lifecycle
from audiences.audience_form import ListRow
from audiences.models import Audience, Lookalike, LookalikeMember
from contacts.models import Contact
from segments.models import Segment
from sources.models import Origin, Source, SourceMember, SourceState, SourceType
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant
from tests.segments import members
from tests.segments.scene import static

Ids = Sequence[int]


def contact(email: str | None, ads: str | None = "granted", **values: Any) -> int:
    """A new contact; inside a context."""
    own = {"attributes": {"ads_consent": ads} if ads else {}, "origin": "manual"}
    made: Contact = Contact.objects.create(email=email.lower() if email else None, **own | values)
    return made.pk


def source(name: str, ids: Ids = ()) -> Source:
    """A source with members, as a refresh leaves it; inside a context."""
    made: Source = Source.objects.create(
        name=name, type=SourceType.CUSTOMERS, origin=Origin.SEGMENTS, segments=[], state=SourceState.READY
    )
    now = timezone.now()
    own = {"tenant_id": current_tenant(), "source_id": made.pk, "added_at": now}
    SourceMember.objects.bulk_create([SourceMember(contact_id=pk, **own) for pk in ids])
    return made


def segment(name: str, ids: Ids = ()) -> Segment:
    """A static segment with members; inside a context."""
    return static(name, list(ids))


def lookalike(name: str, ids: Ids = (), *, size: int = 3) -> Lookalike:
    """A lookalike whose closest contacts are these; inside a context."""
    made: Lookalike = Lookalike.objects.create(name=name, seed_kind="source", seed_id=1, size=size, state="ready")
    own = {"tenant_id": current_tenant(), "lookalike_id": made.pk, "place": 1, "score": 0.5}
    LookalikeMember.objects.bulk_create([LookalikeMember(contact_id=pk, **own) for pk in ids])
    return made


def row(one: Source | Segment | Lookalike) -> ListRow:
    return ListRow(type(one).__name__.lower(), one.pk)


def audience(
    name: str, *, include: Sequence[Any], exclude: Sequence[Any] = (), conditions: Sequence[str] = (), use: str = "file"
) -> Audience:
    """A new audience, which nobody has built yet; inside a context."""
    form = audience_form.AudienceForm(
        name, "", use, [row(one) for one in include], [row(one) for one in exclude], list(conditions)
    )
    made = lifecycle.create(form, user_id=None)
    assert made is not None, form.errors
    return made


def run_all(place: Tenant) -> None:
    """Let the workers work until nothing is left to do."""
    members.run_all(place)


def members_of(place: Tenant, one: Audience) -> set[int]:
    """Who is stored as a member."""
    with tenant_context(place.pk):
        return members.ids(lifecycle.segment_of(one))
