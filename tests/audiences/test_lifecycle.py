"""Audiences from their first second to their last: made, changed, deleted, restored, forgotten, and fresh in between."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audiences import audience_form, definition, lifecycle, tasks
from audiences.models import Audience, Lookalike
from contacts.consent import blacklist, consent_records
from contacts.duplicates import merge
from contacts.models import ConsentPurpose, Contact
from contacts.privacy import erasure
from contacts.profile import quick_actions
from segments import member_edits, refresh
from segments.models import MemberChange, Segment
from sources import refresh as source_refresh
from sources.models import Source
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.audiences import scene
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.segments import members


@pytest.fixture
def winter(alice: Actor) -> Audience:
    """An audience for Google of three contacts, which has been built."""
    with tenant_context(alice.workspace.pk):
        ids = [scene.contact(f"{name}@example.com", first_name=name) for name in ("Ann", "Ben", "Cay")]
        scene.contact("dee@example.com", first_name="Dee")
        club, staff = scene.segment("Club", ids), scene.segment("Staff")
        audience = scene.audience("Winter", include=[club], exclude=[staff], use="google")
    scene.run_all(alice.workspace)
    return audience


def names(place: Tenant, audience: Audience) -> set[str]:
    ids = scene.members_of(place, audience)
    with tenant_context(place.pk):
        return set(Contact.objects.filter(pk__in=ids).values_list("first_name", flat=True))


def one(name: str) -> Contact:
    found: Contact = Contact.objects.living().get(first_name=name)
    return found


# --- freshness ----------------------------------------------------------------------------------------------------------

Act = Callable[[Actor], None]


def _edit(**values: Any) -> Act:
    return lambda _who: members.move(one("Ann"), **values)


def _merge(_who: Actor) -> None:
    members.move(one("Dee"), ads_consent="denied")
    merge.merge([one("Ann").pk, one("Dee").pk], user_id=None)


def _exclude(who: Actor) -> None:
    member_edits.add(Segment.objects.get(name="Staff"), [one("Ann").pk], user_id=who.user.pk)


def _say(_answer: Any) -> None:
    return None


def _erase(who: Actor) -> None:
    pk = one("Ann").pk
    quick_actions.delete(pk, reason="asked", user_id=who.user.pk)
    erasure.Erase().step(None, [pk], now=timezone.now())  # type: ignore[arg-type]


WRITERS: dict[str, Act] = {
    "unsubscribe": lambda who: _say(quick_actions.perform(
        one("Ann").pk, quick_actions.QUICK_ACTIONS["unsubscribe"], user_id=who.user.pk
    )),
    "blacklist": lambda who: _say(blacklist.add("email", ["ann@example.com"], reason="asked", user_id=who.user.pk)),
    "delete": lambda who: _say(quick_actions.delete(one("Ann").pk, reason="asked", user_id=who.user.pk)),
    "withdraw ads consent": _edit(ads_consent="denied"),
    "forget ads consent": _edit(ads_consent=None),
    "merge with a contact that refused": _merge,
    "put into an excluded list": _exclude,
    "erase": _erase,
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
def test_who_must_not_be_reached_leaves_at_once(alice: Actor, winter: Audience, writer: str) -> None:
    assert names(alice.workspace, winter) == {"Ann", "Ben", "Cay"}
    with tenant_context(alice.workspace.pk):
        WRITERS[writer](alice)
    scene.run_all(alice.workspace)
    assert names(alice.workspace, winter) == {"Ben", "Cay"}
    with tenant_context(alice.workspace.pk):
        segment = lifecycle.segment_of(winter)
        assert segment.size == 2
        left = MemberChange.objects.filter(segment_id=segment.pk, entered=False)
        assert writer == "erase" or left.count() == 1


def test_an_import_brings_consent_and_takes_it(alice: Actor, winter: Audience) -> None:
    bring(alice.workspace, "email,Ads consent\nann@example.com,denied\n")
    scene.run_all(alice.workspace)
    assert names(alice.workspace, winter) == {"Ben", "Cay"}
    # What a file says later does not make it milder; what the contact says does.
    bring(alice.workspace, "email,Ads consent\nann@example.com,granted\n")
    scene.run_all(alice.workspace)
    assert names(alice.workspace, winter) == {"Ben", "Cay"}
    with tenant_context(alice.workspace.pk):
        consent_records.add(
            one("Ann").pk, wording="Ads, yes.", at=timezone.now(), user_id=None, purpose=ConsentPurpose.ADS
        )
    scene.run_all(alice.workspace)
    assert names(alice.workspace, winter) == {"Ann", "Ben", "Cay"}


def test_members_of_its_lists_come_and_go(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        ids = [scene.contact(f"{name}@example.com", first_name=name) for name in ("Ann", "Ben")]
        seed = scene.segment("Seed", ids[:1])
        source = Source.objects.create(
            name="Club", type="customers", origin="segments", segments=[seed.pk], state="ready", created_by=alice.user
        )
        source_refresh.begin(source)
        audience = scene.audience("One", include=[source])
    source_refresh.work(alice.workspace.pk, source.pk)
    scene.run_all(alice.workspace)
    assert names(alice.workspace, audience) == {"Ann"}
    with tenant_context(alice.workspace.pk):
        Source.objects.filter(pk=source.pk).update(segments=[scene.segment("Other", ids[1:]).pk])
        source_refresh.begin(Source.objects.get(pk=source.pk))
    source_refresh.work(alice.workspace.pk, source.pk)
    scene.run_all(alice.workspace)
    assert names(alice.workspace, audience) == {"Ben"}


# --- changes ------------------------------------------------------------------------------------------------------------


def form_of(audience: Audience) -> audience_form.AudienceForm:
    return audience_form.of_audience(audience, definition.of_plain(audience.definition))


def test_a_change_builds_it_again(alice: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        form = form_of(winter)
        form.include = [scene.row(scene.segment("Others", [one("Dee").pk]))]
        form.name = "Spring"
        assert lifecycle.change(winter, form, seen=lifecycle.version_of(winter), user_id=alice.user.pk)
        assert lifecycle.segment_of(winter).state == "building"
        entry = AuditEntry.objects.filter(verb="audience.changed").get()
        assert entry.detail["values"]["name"] == ["Winter", "Spring"]
        assert "Others" in entry.detail["values"]["definition"][1]
    scene.run_all(alice.workspace)
    assert names(alice.workspace, winter) == {"Dee"}
    with tenant_context(alice.workspace.pk):
        assert MemberChange.objects.filter(segment_id=winter.segment_id).count() == 4


def test_another_name_alone_builds_nothing(alice: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        form = form_of(winter)
        form.name, form.description = "Spring", "Later."
        assert lifecycle.change(winter, form, seen=lifecycle.version_of(winter), user_id=alice.user.pk)
        assert lifecycle.segment_of(winter).state == "ready"
        assert Audience.objects.get().name == "Spring"


def test_another_use_is_another_rule(alice: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        members.move(one("Ben"), ads_consent=None)
    scene.run_all(alice.workspace)
    assert names(alice.workspace, winter) == {"Ann", "Cay"}
    with tenant_context(alice.workspace.pk):
        form = form_of(winter)
        form.use = "file"
        assert lifecycle.change(winter, form, seen=lifecycle.version_of(winter), user_id=None)
    scene.run_all(alice.workspace)
    assert names(alice.workspace, winter) == {"Ann", "Ben", "Cay"}


def test_what_somebody_else_has_changed_is_not_overwritten(alice: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        seen, form = lifecycle.version_of(winter), form_of(winter)
        form.name = "Mine"
        assert lifecycle.change(winter, form, seen=seen, user_id=None)
        with pytest.raises(lifecycle.ChangedSince):
            lifecycle.change(Audience.objects.get(), form, seen=seen, user_id=None)


def test_names_are_taken_once(alice: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        club = Segment.objects.get(name="Club")
        form = audience_form.AudienceForm("Winter", "", "file", [scene.row(club)])
        assert lifecycle.create(form, user_id=None) is None
        assert "already exists" in form.errors["name"]
        copied = lifecycle.copy_of(winter)
        assert (copied.name, copied.definition) == ("Winter (copy)", definition.of_plain(winter.definition))
        assert lifecycle.create(copied, user_id=None) is not None
        assert lifecycle.copy_of(winter).name == "Winter (copy 2)"
        # A segment may have the name of an audience.
        assert scene.segment("Winter").name == "Winter"


def test_two_clicks_at_once_make_one_audience(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        club = scene.segment("Club")
        row = scene.row(club)
    made: list[int] = []

    def click() -> None:
        try:
            with tenant_context(alice.workspace.pk):
                form = audience_form.AudienceForm("Winter", "", "file", [row])
                audience = lifecycle.create(form, user_id=None, token="c" * 32)
                assert audience is not None
                made.append(audience.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1
    with tenant_context(alice.workspace.pk):
        assert Audience.objects.count() == Segment.everything.filter(purpose="audience").count() == 1


# --- deleting -----------------------------------------------------------------------------------------------------------


def test_a_deleted_audience_can_be_restored_and_is_built_again(alice: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        lifecycle.delete(winter, user_id=alice.user.pk)
        quick_actions.delete(one("Ann").pk, reason="asked", user_id=alice.user.pk)
    scene.run_all(alice.workspace)
    with tenant_context(alice.workspace.pk):
        scene.audience("Winter", include=[Segment.objects.get(name="Staff")])
        gone = Audience.objects.get(pk=winter.pk)
        assert not lifecycle.restore(gone, "Winter", user_id=None)
        assert lifecycle.restore(gone, "Winter of old", user_id=None)
    scene.run_all(alice.workspace)
    assert names(alice.workspace, winter) == {"Ben", "Cay"}


def test_it_is_forgotten_after_some_days(alice: Actor, winter: Audience) -> None:
    now = timezone.now()
    with tenant_context(alice.workspace.pk):
        lifecycle.delete(winter, user_id=None)
        assert lifecycle.forget_deleted(now=now + timedelta(days=29)) == 0
        assert lifecycle.forget_deleted(now=now + timedelta(days=31)) == 1
        assert not Audience.objects.exists()


def test_an_audience_whose_list_has_gone_says_so(alice: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        Segment.objects.filter(name="Club").update(archived_at=timezone.now())
        form = form_of(winter)
        assert not lifecycle.change(winter, form, seen=lifecycle.version_of(winter), user_id=None)
        assert "no longer exists" in form.errors["include"]
        refresh.begin(lifecycle.segment_of(winter))
    scene.run_all(alice.workspace)
    with tenant_context(alice.workspace.pk):
        segment = lifecycle.segment_of(winter)
        assert segment.state == "failed"
        assert "Club" in segment.reason


def test_a_daily_task_forgets_in_each_workspace(alice: Actor, charlie: Actor, winter: Audience) -> None:
    with tenant_context(alice.workspace.pk):
        lifecycle.delete(winter, user_id=None)
        Audience.objects.filter(pk=winter.pk).update(archived_at=timezone.now() - timedelta(days=31))
    with tenant_context(charlie.workspace.pk):
        scene.audience("Stays", include=[scene.segment("Club")])
    tasks.tidy()
    with tenant_context(alice.workspace.pk):
        assert not Audience.objects.exists()
    with tenant_context(charlie.workspace.pk):
        assert Audience.objects.count() == 1


@pytest.mark.parametrize("side", ["include", "exclude"])
def test_an_audience_is_not_made_of_a_lookalike_of_itself(alice: Actor, winter: Audience, side: str) -> None:
    with tenant_context(alice.workspace.pk):
        alike, other = scene.lookalike("Like Winter"), scene.lookalike("Like others")
        Lookalike.objects.filter(pk=alike.pk).update(seed_kind="audience", seed_id=winter.pk)
        spring = scene.audience("Spring", include=[alike])
        over = scene.lookalike("Like Spring")
        Lookalike.objects.filter(pk=over.pk).update(seed_kind="audience", seed_id=spring.pk)
        for one_of, saved in ((alike, False), (over, False), (other, True)):
            audience = Audience.objects.get(pk=winter.pk)
            form = audience_form.of_audience(audience, definition.of_plain(audience.definition))
            getattr(form, side).append(scene.row(one_of))
            seen = lifecycle.version_of(audience)
            assert lifecycle.change(audience, form, seen=seen, user_id=None) is saved
            assert ("made from this audience" in form.errors.get("include", "")) is not saved
