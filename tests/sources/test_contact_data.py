"""Sources and ambiguities as what belongs to a contact: moved by a merge, given back by its undo, erased for good."""

from django.utils import timezone

from sources import contact_data
from sources.models import Ambiguity, AmbiguityState, Source, SourceMember
from tenants.models import Tenant


def source(tenant: Tenant, *contacts: int) -> int:
    made = Source.objects.create(name="Club", type="customers", origin="segments")
    SourceMember.objects.bulk_create(
        SourceMember(tenant_id=tenant.pk, source_id=made.pk, contact_id=pk, added_at=timezone.now()) for pk in contacts
    )
    return int(made.pk)


def members(source_id: int) -> set[int]:
    return set(SourceMember.objects.filter(source_id=source_id).values_list("contact_id", flat=True))


def test_a_merge_moves_memberships_and_its_undo_gives_them_back(inside: Tenant) -> None:
    both, only_loser = source(inside, 1, 2), source(inside, 2)
    assert contact_data.held([1, 2]) == [(2, "sources")]
    moved = contact_data.move([2], to=1)
    assert (members(both), members(only_loser)) == ({1}, {1})
    contact_data.restore(moved, of=1)
    assert (members(both), members(only_loser)) == ({1, 2}, {2})


def test_who_is_erased_is_no_candidate(inside: Tenant) -> None:
    club = source(inside, 1, 2)
    of_two = Ambiguity.objects.create(
        visitor_id=7, candidates=[{"contact": n, "kind": "email", "value": "a@example.com"} for n in (1, 2)]
    )
    of_three = Ambiguity.objects.create(
        visitor_id=8, candidates=[{"contact": n, "kind": "email", "value": "a@example.com"} for n in (1, 2, 3)]
    )
    contact_data.erase([2], [])
    assert members(club) == {1}
    assert Ambiguity.objects.get(pk=of_two.pk).state == AmbiguityState.DECIDED
    left = Ambiguity.objects.get(pk=of_three.pk)
    assert (left.state, [c["contact"] for c in left.candidates]) == ("open", [1, 3])
