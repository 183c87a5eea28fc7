"""What a lookalike cannot be deleted for, and what cannot be deleted for a lookalike."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.urls import set_urlconf

from audiences.lookalikes import usage
from audiences.models import Audience, Lookalike
from segments.models import Segment
from segments.rules import tree
from segments.rules.tree import Group, InList
from sources.models import Source
from tenants.isolation.context import tenant_context
from tests.cast import Actor


@pytest.fixture(autouse=True)
def workspace_addresses() -> Iterator[None]:
    """Addresses are those of a workspace, as in its requests."""
    set_urlconf(settings.WORKSPACE_URLCONF)
    yield
    set_urlconf(None)


def test_segments_and_audiences_that_name_it(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        own = Lookalike.objects.create(name="L", seed_kind="segment", seed_id=1, size=3)
        rule = tree.plain(Group("none", (InList("lookalike", own.pk),)))
        Segment.objects.create(name="Asks", rule=rule)
        Segment.objects.create(name="Another", rule=tree.plain(Group("all", (InList("lookalike", own.pk + 1),))))
        Segment.objects.create(name="Broken", rule={"v": 0})
        hidden = Segment.objects.create(name="Hidden", rule=rule)
        definition = {"include": [["source", own.pk]], "exclude": [["lookalike", own.pk]]}
        Audience.objects.create(name="Winter", use="google", definition=definition, segment_id=hidden.pk)
        Audience.objects.create(name="Other", use="google", definition={"include": [["source", own.pk]]}, segment_id=0)
        assert [(one.kind, one.name) for one in usage.uses(own.pk)] == [
            ("Audience", "Winter"), ("Rule of a segment", "Asks"),
        ]  # fmt: skip
    answer = alice.post(f"lookalikes/{own.pk}/delete/")
    assert answer.status_code == 409
    assert "Winter" in answer.text
    assert "cannot be deleted" in answer.text
    with tenant_context(alice.workspace.pk):
        assert Lookalike.objects.get(pk=own.pk).archived_at is None


def test_its_list_cannot_be_deleted(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        segment = Segment.objects.create(name="Club")
        source = Source.objects.create(name="Fair", type="customers", origin="segments", state="ready")
        for kind, pk in (("segment", segment.pk), ("source", source.pk)):
            Lookalike.objects.create(name=f"Like {kind}", seed_kind=kind, seed_id=pk, size=3)
        Lookalike.objects.create(name="Of another", seed_kind="segment", seed_id=segment.pk + 1, size=3)
        assert [row[:3] for row in usage.of_segments([segment.pk])] == [(segment.pk, "Lookalike", "Like segment")]
    answer = alice.post(f"sources/{source.pk}/remove/")
    assert answer.status_code == 409
    assert "Like source" in answer.text
    assert "Like segment" in alice.get(f"segments/{segment.pk}/delete/").text
    with tenant_context(alice.workspace.pk):
        Lookalike.objects.update(archived_at=source.created_at)
    assert alice.post(f"sources/{source.pk}/remove/").status_code == 302
