"""Dynamic segments follow what an import, its undo and its redo have written, and who came with which import."""

from typing import Any

import pytest

from contacts.models import Contact, QueuedChange
from imports.models import Import
from imports.pipeline import transitions, undo
from segments.models import MemberChange, Segment
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InList, InSegment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring, work
from tests.segments.members import ids, make, meant, run_all

FIRST = "email,city\nann@example.com,Riga\nbob@example.com,Oslo\n"
SECOND = "email,city\nann@example.com,Oslo\nbob@example.com,Riga\ncara@example.com,Riga\n"
RIGA = Group("all", (FieldCondition("city", "is", ("Riga",)),))


def members(tenant: Tenant, segment: Segment) -> list[str]:
    run_all(tenant)
    with tenant_context(tenant.pk):
        found = ids(segment)
        assert found == meant(segment)
        return sorted(Contact.objects.filter(pk__in=found).values_list("email", flat=True))


def turn(tenant: Tenant, imp: Import, how: Any) -> None:
    with tenant_context(tenant.pk):
        assert undo.request(imp, how, user=None)
    work(tenant, imp)


@pytest.mark.parametrize("few", [0, 50_000], ids=["as a whole", "one by one"])
def test_an_import_its_undo_and_redo_show(tenant: Tenant, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "FEW", few)
    segment = make(tenant, RIGA)
    bring(tenant, FIRST)
    assert members(tenant, segment) == ["ann@example.com"]
    second = bring(tenant, SECOND)
    assert members(tenant, segment) == ["bob@example.com", "cara@example.com"]
    with tenant_context(tenant.pk):
        why = set(MemberChange.objects.values_list("entered", "why"))
        assert why == {(True, "City is Riga"), (False, "no longer: City is Riga")}
        causes = set(MemberChange.objects.values_list("cause", flat=True))
        assert causes == ({"contact"} if few else {"import"})
    turn(tenant, second, "undo")
    assert members(tenant, segment) == ["ann@example.com"]
    turn(tenant, second, "redo")
    assert members(tenant, segment) == ["bob@example.com", "cara@example.com"]


def test_who_came_with_an_import_is_known_although_nothing_changed(tenant: Tenant) -> None:
    bring(tenant, FIRST)
    again = bring(tenant, "email,city\nann@example.com,Riga\ndora@example.com,Bonn\n")
    segment = make(tenant, Group("all", (InList("import", again.pk),)))
    static = bring(tenant, "email\nbob@example.com\n", segments=["VIP"])
    with tenant_context(tenant.pk):
        vip = Segment.objects.get(name="VIP")
    both = make(tenant, Group("any", (InSegment(vip.pk), InList("import", again.pk))), "Both")
    assert "ann@example.com" in members(tenant, segment)
    assert members(tenant, both) == ["ann@example.com", "bob@example.com", "dora@example.com"]
    assert static.rows == 1


def test_orders_of_a_file_show(tenant: Tenant) -> None:
    segment = make(tenant, Group("all", (ActivityCondition("order", "at_least", "1"),)))
    bring(tenant, FIRST)
    assert members(tenant, segment) == []
    bring(tenant, "email,Order\nann@example.com,O-1\n", task="orders", maps={"Order": "event.id"})
    assert members(tenant, segment) == ["ann@example.com"]


def test_while_nobody_asks_an_import_queues_nothing(tenant: Tenant) -> None:
    bring(tenant, FIRST)
    with tenant_context(tenant.pk):
        assert not QueuedChange.objects.exists()
