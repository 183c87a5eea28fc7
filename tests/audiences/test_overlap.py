"""What audiences have in common."""

from audiences import overlap
from tenants.isolation.context import tenant_context
from tests.audiences import scene
from tests.cast import Actor
from tests.imports.helpers import flat


def test_members_in_common_with_each_other_audience(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        ids = [scene.contact(f"c{i}@example.com") for i in range(10)]
        first = scene.audience("First", include=[scene.segment("A", ids[:6])])
        scene.audience("Second", include=[scene.segment("B", ids[4:])])
        scene.audience("Third", include=[scene.segment("C", ids[:5])])
        scene.audience("Apart", include=[scene.segment("D", ids[9:])])
    scene.run_all(alice.workspace)
    with tenant_context(alice.workspace.pk):
        found = overlap.of_audience(first, 6)
        assert [(one.audience.name, one.size, one.both) for one in found] == [("Third", 5, 5), ("Second", 6, 2)]
        # Of ten in one of the two, six are in the first, from the fifth on six in the second.
        assert found[1].bars == {"this": "60.00", "other": "60.00", "other_at": "40.00", "both": "20.00"}
    page = flat(alice.get(f"audiences/{first.pk}/shared/").content.decode())
    assert "In both: 33.3 % of this, 33.3 % of the other" in page


def test_one_alone_has_nothing_in_common(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        only = scene.audience("Only", include=[scene.segment("A", [scene.contact("a@example.com")])])
        assert overlap.of_audience(only, 1) == []
    assert "No member of this audience" in flat(alice.get(f"audiences/{only.pk}/shared/").content.decode())
