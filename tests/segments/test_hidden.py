"""A segment that holds the members of an audience: jobs keep it, and no page, list, choice, call, export or count has it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from api.webhooks import event_feed
from contacts import extensions
from contacts.duplicates import merge
from contacts.models import Contact
from segments import contact_data, membership, refresh, segment_list, usage
from segments.models import MemberChange, Purpose, Segment
from segments.rules import compiler, vocabulary
from segments.rules.tree import FieldCondition, Group, InSegment, RuleError, plain
from segments.segment_list import SegmentListQuery
from tenants.isolation.context import tenant_context
from tests.api.helpers import program
from tests.cast import Actor
from tests.segments import members, scene

HIDDEN = "Hidden Nordics"


@pytest.fixture
def hidden(alice: Actor) -> Segment:
    """A hidden segment with a member, and a segment that everyone sees with the same one."""
    with tenant_context(alice.workspace.pk):
        scene.contacts("Ann")
        scene.ruled("Seen")
        rule = Group("all", (FieldCondition("email", "filled"),))
        segment: Segment = Segment.everything.create(name=HIDDEN, rule=plain(rule), purpose=Purpose.AUDIENCE)
        refresh.begin(segment, rule_changed=True)
    for _round in range(3):
        refresh.wake_due(alice.workspace.pk)
        with tenant_context(alice.workspace.pk):
            active = list(Segment.everything.filter(state__in=Segment.ACTIVE).values_list("pk", flat=True))
        for pk in active:
            refresh.work(alice.workspace.pk, pk)
    with tenant_context(alice.workspace.pk):
        segment = Segment.everything.get(pk=segment.pk)
        assert (segment.state, segment.size) == ("ready", 1)
    return segment


def test_jobs_keep_its_members(alice: Actor, hidden: Segment) -> None:
    with tenant_context(alice.workspace.pk):
        scene.contacts("Ben")
        members.move(Contact.objects.get(first_name="Ben"), city="Riga")
    members.run_all(alice.workspace)
    with tenant_context(alice.workspace.pk):
        assert len(members.ids(hidden)) == 2
        assert Segment.everything.get(pk=hidden.pk).size == 2
        assert MemberChange.objects.filter(segment_id=hidden.pk).count() == 1


PAGES = (
    "segments/", "segments/?show=deleted", "segments/?q=Hidden", "segments/new/", "segments/overlap/", "segments/rfm/",
    "segments/examples/", "sources/new/", "contacts/", "search/?q=Hidden", "settings/api/webhooks/new/", "import/",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_page_names_it(alice: Actor, hidden: Segment, path: str) -> None:
    page = alice.get(path)
    assert page.status_code in (200, 404), path
    assert HIDDEN not in page.content.decode()


PATHS = (
    "segments/{pk}/", "segments/{pk}/edit/", "segments/{pk}/history/", "segments/{pk}/describe/", "segments/{pk}/copy/",
    "segments/{pk}/delete/", "segments/{pk}/restore/", "segments/{pk}/members/", "segments/{pk}/state/",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_its_address_leads_nowhere(alice: Actor, hidden: Segment, path: str) -> None:
    assert alice.get(path.format(pk=hidden.pk)).status_code in (404, 405)
    assert alice.post(path.format(pk=hidden.pk), {"confirm": "1", "name": "x"}).status_code in (404, 405)


@pytest.mark.parametrize("path", ["segments", "segments?limit=100"])
def test_no_call_lists_it(alice: Actor, hidden: Segment, path: str) -> None:
    answer = program(alice).call("GET", path)
    assert answer.status_code == 200
    assert HIDDEN not in answer.content.decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "segments/{pk}"),
        ("GET", "segments/{pk}/members"),
        ("PATCH", "segments/{pk}"),
        ("DELETE", "segments/{pk}"),
    ],
)
def test_no_call_reaches_it(alice: Actor, hidden: Segment, method: str, path: str) -> None:
    answer = program(alice).call(method, path.format(pk=hidden.pk), data="{}", content_type="application/json")
    assert answer.status_code in (404, 405)


def _contact_id() -> int:
    return int(Contact.objects.values_list("pk", flat=True).get(first_name="Ann"))


Reader = Callable[[Segment], Any]
READERS: dict[str, Reader] = {
    "the list": lambda _s: [row.segment.name for row in segment_list.rows(SegmentListQuery())],
    "segments of a contact": lambda _s: [s.name for s in membership.of_contact(_contact_id())],
    "what a contact has": lambda _s: contact_data.held([_contact_id()]),
    "cells of an export": lambda _s: [cells([_contact_id()]) for cells in extensions.export_columns().values()],
    "words of a sentence": lambda _s: [name for name, _meaning in vocabulary._segments(compiler.context())],
    "uses": lambda s: [use.name for uses in usage.uses([s.pk]).values() for use in uses],
    "all that are present": lambda _s: [s.name for s in Segment.objects.present()],
    "all dynamic ones": lambda _s: [s.name for s in Segment.objects.dynamic()],
    "all static ones": lambda _s: [s.name for s in Segment.objects.static()],
}
NUMBERS = {"what a contact has": [(1, "segment")]}


@pytest.mark.parametrize("reader", READERS)
def test_no_reader_has_it(alice: Actor, hidden: Segment, reader: str) -> None:
    with tenant_context(alice.workspace.pk):
        found = READERS[reader](hidden)
        assert HIDDEN not in json.dumps(found, default=str)
        assert found == NUMBERS.get(reader, found)


def test_no_rule_asks_for_it(alice: Actor, hidden: Segment) -> None:
    with tenant_context(alice.workspace.pk), pytest.raises(RuleError, match="no longer exists"):
        compiler.compile_rule(Group("all", (InSegment(hidden.pk),)))


def test_no_webhook_tells_of_it(alice: Actor, hidden: Segment) -> None:
    with tenant_context(alice.workspace.pk):
        seen = Segment.objects.get(name="Seen")
        for pk in (seen.pk, hidden.pk):
            MemberChange.objects.create(
                tenant_id=alice.workspace.pk, contact_id=_contact_id(), segment_id=pk, at=timezone.now(), entered=True,
                cause="contact",
            )  # fmt: skip

        class Hook:
            event_types, segment_ids = ("segment.entered",), ()

        window = event_feed.Window(start=timezone.now().replace(year=2000), end=timezone.now())
        page = event_feed._segments(Hook(), window, [])  # type: ignore[arg-type]
        assert [event["segment_id"] for event in page.events] == [seen.pk]


def test_names_are_unique_among_those_of_one_purpose(alice: Actor, hidden: Segment) -> None:
    with tenant_context(alice.workspace.pk):
        assert scene.ruled(HIDDEN).pk != hidden.pk
        assert membership.named("Static one").name == "Static one"


def test_overlap_does_not_take_it(alice: Actor, hidden: Segment) -> None:
    with tenant_context(alice.workspace.pk):
        seen = Segment.objects.get(name="Seen")
    page = alice.get(f"segments/overlap/?segment={seen.pk}&segment={hidden.pk}").content.decode()
    assert HIDDEN not in page


def test_a_merge_leaves_it_to_its_rule(alice: Actor, hidden: Segment) -> None:
    with tenant_context(alice.workspace.pk):
        (ben,) = scene.contacts("Ben")
        merge.merge([_contact_id(), ben], user_id=None)
    members.run_all(alice.workspace)
    with tenant_context(alice.workspace.pk):
        living = set(Contact.objects.living().values_list("pk", flat=True))
        assert members.ids(hidden) == living
