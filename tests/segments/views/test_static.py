"""Static segments by their pages: made, described, copied; contacts added and removed by ticks, and all of that undone."""

import re
from typing import Any

import pytest

from contacts import change_queue
from contacts.models import Contact, QueuedChange
from segments import member_edits
from segments.models import EditRow, Member, MemberChange, Segment, SegmentEdit
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.segments.scene import contacts, members, ruled, static

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(alice: Actor) -> tuple[Segment, list[int]]:
    """A segment with Ann and Ben; Cleo and Dan are in none."""
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben", "Cleo", "Dan")
        return static("VIP", ids[:2]), ids


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def follow(actor: Actor, answer: Any) -> str:
    assert answer.status_code == 302, text(answer)
    return text(actor.client.get(answer["Location"]))


def verbs(actor: Actor) -> list[str]:
    with tenant_context(actor.workspace.pk):
        return list(
            AuditEntry.objects.filter(verb__startswith="segment.").order_by("pk").values_list("verb", flat=True)
        )


def test_a_segment_is_made_once_for_each_form(alice: Actor) -> None:
    assert "New static segment" in text(alice.get("segments/new/static/"))
    given = {"name": "  Trade   fair ", "description": "Leeds", "token": "a" * 32}
    first, second = alice.post("segments/new/static/", given), alice.post("segments/new/static/", given)
    assert first["Location"] == second["Location"]
    assert "Segment Trade fair saved." in follow(alice, first)
    with tenant_context(alice.workspace.pk):
        segment = Segment.objects.get()
        assert (segment.name, segment.description, segment.created_by_id) == ("Trade fair", "Leeds", alice.user.pk)
    assert verbs(alice) == ["segment.made"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "Enter a name, for example Trade fair 2026."),
        ({"name": "x" * 121}, "This one has 121."),
        ({"name": "VIP"}, "The segment VIP already exists. Choose another name."),
        ({"name": "Fine", "description": "x" * 301}, "This text has 301."),
    ],
)
def test_a_bad_name_is_answered_with_words(alice: Actor, place: Any, given: dict[str, str], said: str) -> None:
    segment, _ids = place
    with tenant_context(alice.workspace.pk):
        other = static("Other")
    for path in ("segments/new/static/", f"segments/{other.pk}/describe/", f"segments/{segment.pk}/copy/"):
        answer = alice.post(path, given)
        assert answer.status_code == 422
        assert said in text(answer)
    with tenant_context(alice.workspace.pk):
        assert sorted(Segment.objects.values_list("name", flat=True)) == ["Other", "VIP"]


def test_both_kinds_are_renamed_and_described(alice: Actor, place: Any) -> None:
    with tenant_context(alice.workspace.pk):
        dynamic = ruled("All with e-mail")
    for segment in (place[0], dynamic):
        given = {"name": f"New {segment.pk}", "description": "For the fair"}
        assert f"New {segment.pk}" in follow(alice, alice.post(f"segments/{segment.pk}/describe/", given))
        alice.post(f"segments/{segment.pk}/describe/", given)
    assert verbs(alice)[-2:] == ["segment.changed", "segment.changed"]
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.filter(verb="segment.changed").order_by("pk").first()
        assert entry is not None
        assert entry.detail["values"]["name"] == ["VIP", f"New {place[0].pk}"]
        assert set(Segment.objects.values_list("description", flat=True)) == {"For the fair"}


def test_contacts_are_found_and_added_by_ticks(alice: Actor, place: Any) -> None:
    segment, ids = place
    assert "Add contacts to VIP" in text(alice.get(f"segments/{segment.pk}/members/"))
    page = alice.get(f"segments/{segment.pk}/members/", data={"q": "berg"})
    assert text(page).count("already in this segment") == 2
    assert "Cleo Berg" in text(page)
    answer = alice.post(f"segments/{segment.pk}/members/", {"id": [ids[2], ids[3], ids[1]], "q": "berg"})
    shown = follow(alice, answer)
    assert "Added 2 contacts to VIP." in shown
    assert "4 contacts, static" in shown
    assert members(alice, segment) == ids
    again = alice.post(f"segments/{segment.pk}/members/", {"id": ids[2]})
    assert "Nothing was changed. They are in it already." in follow(alice, again)
    with tenant_context(alice.workspace.pk):
        assert SegmentEdit.objects.count() == 1
        told = MemberChange.objects.filter(segment_id=segment.pk).order_by("contact_id")
        assert list(told.values_list("contact_id", "entered", "cause")) == [(pk, True, "added") for pk in ids[2:]]
    assert verbs(alice) == ["segment.members_changed"]


def test_members_are_removed_and_return_as_they_were(alice: Actor, place: Any) -> None:
    segment, ids = place
    with tenant_context(alice.workspace.pk):
        Member.objects.filter(segment_id=segment.pk, contact_id=ids[0]).update(import_id=7)
        before = list(Member.objects.order_by("contact_id").values_list("contact_id", "added_at", "import_id"))
    answer = alice.post(f"segments/{segment.pk}/members/remove/", {"id": ids})
    page = alice.client.get(answer["Location"])
    assert "Removed 2 contacts from VIP." in text(page)
    assert members(alice, segment) == []
    with tenant_context(alice.workspace.pk):
        edit = SegmentEdit.objects.get()
    way_back = alice.url(f"segments/{segment.pk}/edits/{edit.pk}/undo/")
    assert way_back in page.content.decode()
    assert "Undone: 2 contacts added again." in follow(alice, alice.client.post(way_back))
    assert "This change has already been undone." in follow(alice, alice.client.post(way_back))
    with tenant_context(alice.workspace.pk):
        after = list(Member.objects.order_by("contact_id").values_list("contact_id", "added_at", "import_id"))
        told = MemberChange.objects.order_by("at", "contact_id").values_list("contact_id", "entered", "cause")
        assert list(told) == [*((pk, False, "removed") for pk in ids[:2]), *((pk, True, "undo") for pk in ids[:2])]
    assert after == before
    assert verbs(alice) == ["segment.members_changed", "segment.members_restored"]


def test_an_undo_keeps_whom_somebody_else_has_added_since(alice: Actor, place: Any) -> None:
    segment, ids = place
    alice.post(f"segments/{segment.pk}/members/", {"id": ids[2:]})
    alice.post(f"segments/{segment.pk}/members/remove/", {"id": ids[2]})
    alice.post(f"segments/{segment.pk}/members/", {"id": ids[2]})
    with tenant_context(alice.workspace.pk):
        first = SegmentEdit.objects.order_by("pk").first()
        assert first is not None
    alice.post(f"segments/{segment.pk}/edits/{first.pk}/undo/")
    assert members(alice, segment) == ids[:3]


@pytest.mark.parametrize("chosen", [[], ["x", "-1"], list(range(1, 300))])
def test_a_form_without_or_with_too_many_contacts_changes_nothing(alice: Actor, place: Any, chosen: Any) -> None:
    segment, ids = place
    answer = alice.post(f"segments/{segment.pk}/members/", {"id": chosen, "q": "berg"})
    assert answer.status_code == 422
    assert ("Select at least one contact." if len(chosen) < 3 else "Select up to 200 contacts at once.") in text(answer)
    assert "Select" in follow(alice, alice.post(f"segments/{segment.pk}/members/remove/", {"id": chosen}))
    assert members(alice, segment) == ids[:2]


def test_deleted_and_foreign_contacts_do_not_enter(alice: Actor, charlie: Actor, place: Any) -> None:
    segment, ids = place
    with tenant_context(charlie.workspace.pk):
        foreign = contacts("Eve")
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get(pk=ids[2])
        contact.deleted_at = contact.created_at
        contact.save(update_fields=["deleted_at"])
    answer = alice.post(f"segments/{segment.pk}/members/", {"id": [ids[2], *foreign, 2**62]})
    assert "Nothing was changed" in follow(alice, answer)
    assert members(alice, segment) == ids[:2]


def test_members_of_a_dynamic_or_foreign_segment_cannot_be_edited(alice: Actor, charlie: Actor, place: Any) -> None:
    with tenant_context(alice.workspace.pk):
        dynamic = ruled("Ruled")
    for path in ("members/", "members/remove/"):
        assert alice.post(f"segments/{dynamic.pk}/{path}", {"id": place[1]}).status_code == 404
        assert charlie.post(f"segments/{place[0].pk}/{path}", {"id": place[1]}).status_code == 404
    assert charlie.post(f"segments/{place[0].pk}/edits/1/undo/").status_code == 404


def test_a_viewer_sees_no_buttons_and_may_not_write(alice: Actor, member: Any, place: Any) -> None:
    segment, ids = place
    viewer = member("viewer")
    page = viewer.get(f"segments/{segment.pk}/").content.decode()
    assert "Remove selected" not in page
    assert "/delete/" not in page
    for path in ("members/", "members/remove/", "describe/", "copy/", "delete/", "restore/"):
        assert viewer.post(f"segments/{segment.pk}/{path}", {"id": ids, "name": "x"}).status_code == 404
    assert viewer.post("segments/new/static/", {"name": "x"}).status_code == 404


def test_a_copy_has_the_members_of_now(alice: Actor, place: Any) -> None:
    segment, ids = place
    with tenant_context(alice.workspace.pk):
        dynamic = ruled("100 % with e-mail")
    assert "VIP, copy" in alice.get(f"segments/{segment.pk}/copy/").content.decode()
    for source, expected in ((segment, ids[:2]), (dynamic, ids)):
        given = {"name": f"Of {source.pk}", "token": f"{source.pk:032}"}
        first = alice.post(f"segments/{source.pk}/copy/", given)
        assert f"contains the {len(expected)} contacts of {source.name}" in follow(alice, first)
        assert alice.post(f"segments/{source.pk}/copy/", given)["Location"] == first["Location"]
        with tenant_context(alice.workspace.pk):
            copy = Segment.objects.get(name=f"Of {source.pk}")
            assert copy.rule is None
            told = MemberChange.objects.filter(segment_id=copy.pk)
            assert set(told.values_list("entered", "cause")) == {(True, "copy")}
        assert members(alice, copy) == expected


def test_what_follows_from_members_is_queued_in_the_same_transaction(alice: Actor, place: Any) -> None:
    segment, ids = place
    with tenant_context(alice.workspace.pk):
        change_queue.watch({"segment"})
    alice.post(f"segments/{segment.pk}/members/", {"id": ids[2]})
    alice.post(f"segments/{segment.pk}/members/remove/", {"id": ids[0]})
    with tenant_context(alice.workspace.pk):
        assert sorted(QueuedChange.objects.values_list("contact_id", flat=True)) == sorted([ids[2], ids[0]])


def test_erasing_a_contact_leaves_no_trace_in_edits(alice: Actor, place: Any) -> None:
    from segments import contact_data

    segment, ids = place
    alice.post(f"segments/{segment.pk}/members/remove/", {"id": ids[:2]})
    with tenant_context(alice.workspace.pk):
        contact_data.erase([ids[0]], [])
        assert list(EditRow.objects.values_list("contact_id", flat=True)) == [ids[1]]
        member_edits.undo(SegmentEdit.objects.get(), user_id=None)
    assert members(alice, segment) == [ids[1]]
