"""What becomes of lookalikes when contacts are merged, restored or erased."""

import pytest

from audiences import contact_data
from audiences.models import Lookalike, LookalikeMember
from tenants.isolation.context import current_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def lookalike(**places: int) -> int:
    own = Lookalike.objects.create(name=str(sorted(places.items())), seed_kind="segment", seed_id=1, size=3)
    for contact, place in places.items():
        LookalikeMember.objects.create(
            tenant_id=current_tenant(), lookalike_id=own.pk, contact_id=int(contact[1:]), place=place, score=0.5
        )
    return int(own.pk)


def places(lookalike_id: int) -> dict[int, int]:
    return dict(LookalikeMember.objects.filter(lookalike_id=lookalike_id).values_list("contact_id", "place"))


def test_a_merge_moves_members_and_its_undo_restores_them(inside: Tenant) -> None:
    both, only_losers, only_winner = lookalike(c1=5, c2=1), lookalike(c2=9, c3=4), lookalike(c1=7)
    assert contact_data.held([2, 3]) == [(2, "lookalikes")]
    moved = contact_data.move([2, 3], to=1)
    assert [places(pk) for pk in (both, only_losers, only_winner)] == [{1: 5}, {1: 4}, {1: 7}]
    contact_data.restore(moved, of=1)
    assert [places(pk) for pk in (both, only_losers, only_winner)] == [{1: 5, 2: 1}, {2: 9, 3: 4}, {1: 7}]


def test_an_erased_contact_is_in_no_lookalike(inside: Tenant) -> None:
    own = lookalike(c1=1, c2=2)
    contact_data.erase([1], [])
    assert places(own) == {2: 2}
