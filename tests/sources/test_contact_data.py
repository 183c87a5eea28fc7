"""What becomes of sources and ambiguities when contacts are merged, restored or erased."""

from datetime import UTC, datetime

import pytest

from sources import contact_data
from sources.models import Ambiguity, Source, SourceMember
from tenants.isolation.context import current_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 1, tzinfo=UTC)


def source(*members: int) -> int:
    own = Source.objects.create(name="Club", type="customers", origin="segments")
    for contact_id in members:
        SourceMember.objects.create(tenant_id=current_tenant(), source_id=own.pk, contact_id=contact_id, added_at=AT)
    return int(own.pk)


def members(source_id: int) -> set[int]:
    return set(SourceMember.objects.filter(source_id=source_id).values_list("contact_id", flat=True))


def test_a_merge_moves_members_and_its_undo_restores_them(inside: Tenant) -> None:
    both, only_loser, only_winner = source(1, 2), source(2), source(1)
    assert contact_data.held([2]) == [(2, "sources")]
    moved = contact_data.move([2], to=1)
    assert [members(s) for s in (both, only_loser, only_winner)] == [{1}, {1}, {1}]
    contact_data.restore(moved, of=1)
    assert [members(s) for s in (both, only_loser, only_winner)] == [{1, 2}, {2}, {1}]


def test_an_erased_contact_is_in_no_source_and_no_longer_a_candidate(inside: Tenant) -> None:
    own = source(1, 2)
    two = Ambiguity.objects.create(
        visitor_id=7, candidates=[{"contact": 1, "kind": "email", "value": "a@example.com"}, {"contact": 2}]
    )
    three = Ambiguity.objects.create(visitor_id=8, candidates=[{"contact": n} for n in (1, 2, 3)])
    contact_data.erase([1], [])
    assert members(own) == {2}
    two.refresh_from_db()
    three.refresh_from_db()
    assert (two.state, two.candidates) == ("decided", [{"contact": 2}])
    assert (three.state, three.candidates) == ("open", [{"contact": 2}, {"contact": 3}])
