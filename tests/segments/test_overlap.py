"""What several segments have in common: every combination once, with channels, as a table, a picture and rules."""

from typing import Any

import pytest

from contacts.listing.contact_list import ListQuery, matching
from contacts.models import Contact
from segments import overlap, refresh
from segments.models import Segment
from segments.rules import tree
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.segments.scene import contacts, ruled, static
from tests.segments.views.test_static import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(alice: Actor) -> list[Segment]:
    """A has the first four, B the second to the fifth, C all with an e-mail; the sixth is in C alone, the last deleted."""
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben", "Cleo", "Dan", "Eve", "Fay", "Gus")
        Contact.objects.filter(pk=ids[1]).update(email_status="unsubscribed", phone="+37126123456")
        Contact.objects.filter(pk=ids[6]).update(deleted_at=Contact.objects.get(pk=ids[6]).created_at)
        return [static("First", [*ids[:4], ids[6]]), static("Second", ids[1:5]), ruled("All with e-mail")]


def figures(found: overlap.Overlap) -> dict[tuple[bool, ...], tuple[int, int, int]]:
    return {one.inside: (one.contacts, one.email, one.phone) for one in found.combinations}


@pytest.mark.parametrize("built", [False, True])
def test_every_combination_is_counted_once(alice: Actor, place: list[Segment], built: bool) -> None:
    with tenant_context(alice.workspace.pk):
        if built:
            refresh.step(place[2])
        found = overlap.of_segments(place)
    assert figures(found) == {
        (True, True, True): (3, 2, 1), (True, False, True): (1, 1, 0), (False, True, True): (1, 1, 0),
        (False, False, True): (1, 1, 0),
    }  # fmt: skip
    assert [(one.letter, one.contacts, one.alone) for one in found.shares] == [("A", 4, 0), ("B", 4, 0), ("C", 6, 1)]
    assert found.total == 6


def test_the_rule_of_a_combination_finds_its_contacts(alice: Actor, place: list[Segment]) -> None:
    with tenant_context(alice.workspace.pk):
        found = overlap.of_segments(place)
        for one in found.combinations:
            rule = tree.dumps(overlap.rule_of(place, one.inside))
            assert matching(ListQuery.of({"rule": rule}, region=None)).count() == one.contacts


def test_the_page_compares_two_to_five(alice: Actor, place: list[Segment]) -> None:
    page = alice.get("segments/overlap/")
    assert "Select at least two segments" in text(page)
    first, second, third = (segment.pk for segment in place)
    assert "Select at least two segments" in text(alice.get(f"segments/overlap/?segment={first}"))
    page = alice.get(f"segments/overlap/?segment={first}&segment={second}&segment={third}&segment={first}")
    assert "6 different contacts in all." in text(page)
    assert "A and B and C 3" in text(page)
    assert page.content.decode().count("fill-ink") >= 8
    with tenant_context(alice.workspace.pk):
        more = [static(f"S{i}").pk for i in range(4)]
    asked = "&".join(f"segment={pk}" for pk in (first, second, *more))
    answer = alice.get(f"segments/overlap/?{asked}")
    assert answer.status_code == 422
    assert "Choose up to 5 segments. You chose 6." in text(answer)
    empty = alice.get(f"segments/overlap/?segment={more[0]}&segment={more[1]}")
    assert "None of these segments contains a contact." in text(empty)


def test_segments_of_others_and_nonsense_are_refused(alice: Actor, charlie: Actor, place: list[Segment]) -> None:
    ids = [segment.pk for segment in place]
    assert "Not enough segments yet" in text(charlie.get("segments/overlap/"))
    answer = charlie.get(f"segments/overlap/?segment={ids[0]}&segment={ids[1]}")
    assert answer.status_code == 422
    assert "First" not in text(answer)
    assert alice.get("segments/overlap/?segment=x&segment=-1").status_code == 200
    alice.post(f"segments/{ids[0]}/delete/")
    assert alice.get(f"segments/overlap/?segment={ids[0]}&segment={ids[1]}").status_code == 422


def test_many_combinations_are_drawn_within_the_picture(place: list[Segment]) -> None:
    rows: list[tuple[Any, ...]] = [(bits, True, False, bits) for bits in range(1, 32)]
    found = overlap.of_rows([*place, *place[:2]], rows)
    chart = overlap.picture(found)
    assert len(found.combinations) == len(chart.rows) == 31
    assert chart.plot.count("<rect") == overlap.DRAWN
    assert "nan" not in chart.plot
