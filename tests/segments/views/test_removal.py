"""Deleting segments: refused, with names, while something needs them; by choice with those that name them; restored."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.listing.contact_list import ListQuery, matching
from imports.models import Import
from segments import membership, removal
from segments.models import EditRow, Member, MemberChange, Segment, SegmentEdit, SegmentSize
from sources.models import Origin, Source
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.segments.scene import contacts, members, ruled, static, within
from tests.segments.views.test_static import follow, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(alice: Actor) -> tuple[Segment, list[int]]:
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben")
        return static("VIP", ids), ids


def present(actor: Actor) -> list[str]:
    with tenant_context(actor.workspace.pk):
        return list(Segment.objects.present().order_by("name").values_list("name", flat=True))


def test_a_segment_that_nothing_uses_is_deleted_and_restored(alice: Actor, place: Any) -> None:
    segment, ids = place
    assert "Delete VIP?" in text(alice.get(f"segments/{segment.pk}/delete/"))
    shown = follow(alice, alice.post(f"segments/{segment.pk}/delete/"))
    assert "VIP deleted. You can restore segments for 30 days." in shown
    assert alice.post(f"segments/{segment.pk}/delete/").status_code == 404
    assert "This segment was deleted" in text(alice.get(f"segments/{segment.pk}/"))
    assert "VIP" in text(alice.get("segments/?show=deleted"))
    assert "VIP restored." in follow(alice, alice.post(f"segments/{segment.pk}/restore/", {"name": "VIP"}))
    assert members(alice, segment) == ids
    with tenant_context(alice.workspace.pk):
        entries = AuditEntry.objects.filter(object=f"segment {segment.pk}").order_by("pk")
        assert list(entries.values_list("verb", flat=True)) == ["segment.deleted", "segment.restored"]


def test_the_button_of_the_list_restores_without_a_name(alice: Actor, place: Any) -> None:
    alice.post(f"segments/{place[0].pk}/delete/")
    assert "VIP restored." in follow(alice, alice.post(f"segments/{place[0].pk}/restore/"))
    again = alice.post(f"segments/{place[0].pk}/restore/")
    assert again["Location"] == alice.url(f"segments/{place[0].pk}/")


def test_a_name_that_is_taken_by_now_is_asked_for(alice: Actor, place: Any) -> None:
    segment, _ids = place
    alice.post(f"segments/{segment.pk}/delete/")
    with tenant_context(alice.workspace.pk):
        static("VIP")
    answer = alice.post(f"segments/{segment.pk}/restore/")
    assert answer.status_code == 422
    assert "The segment VIP already exists. Choose another name." in text(answer)
    assert "VIP 2025 restored." in follow(alice, alice.post(f"segments/{segment.pk}/restore/", {"name": "VIP 2025"}))
    assert present(alice) == ["VIP", "VIP 2025"]


def test_a_deleted_segment_is_offered_nowhere(alice: Actor, place: Any) -> None:
    segment, ids = place
    with tenant_context(alice.workspace.pk):
        ruled_one = ruled("Ruled")
    for one in (segment, ruled_one):
        follow(alice, alice.post(f"segments/{one.pk}/delete/"))
    for path in ("segments/", "segments/add/?all=1", "segments/search/?rule=", "sources/new/", f"contacts/{ids[0]}/",
                 f"segments/of-contact/{ids[0]}/"):  # fmt: skip
        page = alice.get(path).content.decode()
        assert "VIP" not in page
        assert "Ruled" not in page
    assert alice.get(f"segments/{ruled_one.pk}/edit/").status_code == 404
    assert alice.get(f"segments/{segment.pk}/members/").status_code == 404
    with tenant_context(alice.workspace.pk):
        assert not any(membership.cells_of(ids).values())
        assert membership.of_contact(ids[0]) == []
        new = membership.named("VIP")
        assert new.pk != segment.pk


def test_an_import_makes_a_new_segment_of_the_name(alice: Actor, place: Any) -> None:
    segment, _ids = place
    alice.post(f"segments/{segment.pk}/delete/")
    bring(alice.workspace, "email\nnew@example.com\n", segment="VIP")
    with tenant_context(alice.workspace.pk):
        made = Segment.objects.present().get(name="VIP")
        assert made.pk != segment.pk
        assert Member.objects.filter(segment_id=made.pk).count() == 1


def test_a_rule_that_names_a_deleted_segment_says_so(alice: Actor, place: Any) -> None:
    segment, _ids = place
    with tenant_context(alice.workspace.pk):
        asking = ruled("Asking", within(segment))
        Segment.objects.filter(pk=segment.pk).update(archived_at=timezone.now())
    page = text(alice.get(f"segments/{asking.pk}/"))
    assert "The segment VIP was deleted. Restore it or choose another one." in page
    assert "VIP (deleted)" in page
    with tenant_context(alice.workspace.pk):
        query = ListQuery.of({"rule": f'{{"v":1,"all":[{{"segment":{segment.pk},"op":"in"}}]}}'}, region=None)
        assert not matching(query).exists()


def test_segments_whose_rules_name_it_go_with_it_by_choice(alice: Actor, place: Any) -> None:
    segment, _ids = place
    with tenant_context(alice.workspace.pk):
        first = ruled("First", within(segment))
        ruled("Second", within(first))
        ruled("Apart")
    page = text(alice.get(f"segments/{segment.pk}/delete/"))
    assert "First" in page
    assert "Second" in page
    assert "Apart" not in page
    refused = alice.post(f"segments/{segment.pk}/delete/")
    assert refused.status_code == 422
    assert "Confirm that these segments are deleted, too" in text(refused)
    assert len(present(alice)) == 4
    shown = follow(alice, alice.post(f"segments/{segment.pk}/delete/", {"naming": "delete"}))
    assert "VIP and 2 segments that used it deleted." in shown
    assert present(alice) == ["Apart"]


def test_a_source_and_a_running_import_refuse(alice: Actor, place: Any) -> None:
    segment, _ids = place
    with tenant_context(alice.workspace.pk):
        asking = ruled("Asking", within(segment))
        source = Source.objects.create(name="Club", type="customers", origin=Origin.SEGMENTS, segments=[asking.pk])
        own = {"path": "x", "size": 1, "sha256": "0" * 64}
        running = Import.objects.create(file_name="fair.csv", options={"segments": ["VIP"]}, **own)
        Import.objects.create(file_name="old.csv", status="imported", segments={"VIP": segment.pk}, **own)
    answer = alice.post(f"segments/{segment.pk}/delete/", {"naming": "delete"})
    assert answer.status_code == 409
    page = text(answer)
    assert "VIP cannot be deleted" in page
    assert "fair.csv Import in progress" in page
    assert "Club Source, uses Asking" in page
    assert "old.csv" not in page
    assert present(alice) == ["Asking", "VIP"]
    uses = alice.get(f"segments/{segment.pk}/").context["uses"]
    assert [(use.kind, use.holds) for use in uses] == [
        ("Rule of a segment", False), ("Import", False), ("Import in progress", True),
    ]  # fmt: skip
    with tenant_context(alice.workspace.pk):
        source.archived_at = timezone.now()
        source.save()
        Import.objects.filter(pk=running.pk).update(status="canceled")
    assert alice.post(f"segments/{segment.pk}/delete/", {"naming": "delete"}).status_code == 302
    assert present(alice) == []


def test_segments_of_long_ago_are_deleted_for_good(alice: Actor, place: Any) -> None:
    segment, ids = place
    alice.post(f"segments/{segment.pk}/members/remove/", {"id": ids[0]})
    with tenant_context(alice.workspace.pk):
        ruled("Young")
        now = timezone.now()
        Segment.objects.update(archived_at=now)
        removal.forget_deleted(now=now + timedelta(days=29))
        assert Segment.objects.count() == 2
        Segment.objects.filter(name="Young").update(archived_at=now + timedelta(days=2))
        removal.forget_deleted(now=now + timedelta(days=31))
        assert list(Segment.objects.values_list("name", flat=True)) == ["Young"]
        for model in (Member, MemberChange, SegmentSize, SegmentEdit, EditRow):
            assert not model.objects.exists()


def test_a_foreign_segment_can_be_neither_deleted_nor_restored(charlie: Actor, place: Any) -> None:
    for path in ("delete/", "restore/"):
        assert charlie.post(f"segments/{place[0].pk}/{path}").status_code == 404
