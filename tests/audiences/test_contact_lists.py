"""Lists of contacts by kind and ID: who is in them, what they are called, which can be chosen."""

import pytest
from django.utils import timezone

from audiences import contact_lists
from audiences.contact_lists import ContactList
from audiences.models import Audience, Lookalike, LookalikeMember
from segments.models import Member, Segment
from sources.models import Source, SourceMember
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def all_kinds() -> dict[str, ContactList]:
    """One list of each kind, with other contacts."""
    own, now = current_tenant(), timezone.now()
    source = Source.objects.create(name="Club", type="customers", origin="segments")
    SourceMember.objects.create(tenant_id=own, source_id=source.pk, contact_id=1, added_at=now)
    segment = Segment.objects.create(name="Boots")
    Member.objects.create(tenant_id=own, segment_id=segment.pk, contact_id=2, added_at=now)
    hidden = Segment.objects.create(name="Of an audience")
    Member.objects.create(tenant_id=own, segment_id=hidden.pk, contact_id=3, added_at=now)
    audience = Audience.objects.create(name="Winter", use="google", definition={}, segment_id=hidden.pk)
    alike = Lookalike.objects.create(name="Like the club", seed_kind="source", seed_id=source.pk, size=7)
    for contact_id, place in ((4, 1), (5, 70), (6, 71)):
        LookalikeMember.objects.create(
            tenant_id=own, lookalike_id=alike.pk, contact_id=contact_id, place=place, score=0.5
        )
    rows = {"source": source, "segment": segment, "audience": audience, "lookalike": alike}
    return {kind: ContactList(kind, row.pk) for kind, row in rows.items()}


def test_each_list_has_its_own_members_and_a_lookalike_those_of_its_size(inside: Tenant) -> None:
    found = {kind: sorted(fetch(contact_lists.members(one))) for kind, one in all_kinds().items()}
    assert found == {"source": [(1,)], "segment": [(2,)], "audience": [(3,)], "lookalike": [(4,), (5,)]}


def test_each_list_has_a_name_a_page_and_can_be_found(inside: Tenant) -> None:
    lists = all_kinds()
    assert contact_lists.names([*lists.values(), ContactList("source", 0), ContactList("moon", 1)]) == {
        lists["source"]: "Club", lists["segment"]: "Boots", lists["audience"]: "Winter",
        lists["lookalike"]: "Like the club",
    }  # fmt: skip
    assert {kind: contact_lists.find(one).pk for kind, one in lists.items()} == {k: one.pk for k, one in lists.items()}
    assert contact_lists.find(ContactList("moon", 1)) is None
    assert (lists["source"].pk, "Club") in contact_lists.choices("source")
    assert contact_lists.KINDS.keys() == lists.keys()


def test_a_deleted_list_cannot_be_chosen(inside: Tenant) -> None:
    lists = all_kinds()
    for model in (Source, Segment, Audience, Lookalike):
        model.objects.update(archived_at=timezone.now())
    assert [contact_lists.choices(kind) for kind in lists] == [[]] * 4
    assert [contact_lists.find(one) for one in lists.values()] == [None] * 4
