"""Following the contacts: each change is told once, in whatever order transactions commit."""

import base64
import json
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts import change_feed, change_log
from contacts.bulk import actions
from contacts.change_feed import BadCursor, ContactChange, CursorExpired
from contacts.duplicates import merge
from contacts.models import Change, ChangeBatch, Contact, Merge
from contacts.profile import edit, quick_actions
from imports.models import Import
from imports.pipeline import undo
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring, work
from tests.plans import counted, forget_statistics

PEOPLE = "email,first_name\nann@example.com,Ann\nben@example.com,Ben\ncay@example.com,Cay\ndee@example.com,Dee\n"


class Follower:
    """Somebody who knows everything up to now, and asks again and again."""

    def __init__(self, place: Tenant, most: int = 1_000) -> None:
        self.place, self.most = place, most
        with tenant_context(place.pk, read_only=True):
            self.cursor = change_feed.now()

    def page(self) -> change_feed.Page:
        with tenant_context(self.place.pk, read_only=True):
            page = change_feed.read(self.cursor, most=self.most)
        self.cursor = page.cursor
        return page

    def all(self) -> list[ContactChange]:
        found: list[ContactChange] = []
        more = True
        while more:
            page = self.page()
            assert len(page.changes) <= self.most
            found += page.changes
            more = page.more
        return found

    def kinds(self) -> list[tuple[int, str]]:
        return [(change.contact_id, str(change.kind)) for change in self.all()]


def ids(place: Tenant) -> list[int]:
    with tenant_context(place.pk):
        return list(Contact.objects.order_by("pk").values_list("pk", flat=True))


def test_what_happens_is_told_once(alice: Actor) -> None:
    place, user_id = alice.workspace, alice.user.pk
    follower = Follower(place)
    assert follower.all() == []
    bring(place, PEOPLE)
    ann, ben, cay, dee = ids(place)
    assert follower.kinds() == [(pk, "created") for pk in (ann, ben, cay, dee)]
    assert follower.kinds() == []
    with tenant_context(place.pk):
        contact = Contact.objects.get(pk=ann)
        edit.change(ann, {"city": "Riga"}, seen=contact.changed_at, user_id=user_id)
    with tenant_context(place.pk):
        quick_actions.delete(ben, reason="Other", user_id=user_id)
    assert follower.kinds() == [(ann, "changed"), (ben, "deleted")]
    with tenant_context(place.pk):
        quick_actions.restore(ben, user_id=user_id)
    with tenant_context(place.pk):
        made = merge.merge([ann, cay], user_id=user_id)
        assert made is not None
    told = {change.contact_id: (str(change.kind), change.into) for change in follower.all()}
    (loser,) = made.losers
    assert told == {ben: ("changed", None), loser: ("merged", made.contact_id), made.contact_id: ("changed", None)}
    with tenant_context(place.pk):
        merge.undo(Merge.objects.get().pk, user_id=user_id)
    assert sorted(follower.kinds()) == [(ann, "changed"), (cay, "changed")]
    with tenant_context(place.pk):
        quick_actions.delete(dee, reason="Other", user_id=user_id)
        action = actions.begin("erase", {"ids": [dee]}, user_id=user_id)
    actions.work(place.pk, action.pk)
    assert follower.kinds() == [(dee, "erased")]


def test_several_changes_between_two_looks_are_one(alice: Actor) -> None:
    place, follower = alice.workspace, Follower(alice.workspace)
    with tenant_context(place.pk):
        made = edit.create({"first_name": "Eve"}, user_id=alice.user.pk)
    for city in ("Riga", "Oslo"):
        with tenant_context(place.pk):
            seen = Contact.objects.get().changed_at
            edit.change(made.pk, {"city": city}, seen=seen, user_id=alice.user.pk)
    (change,) = follower.all()
    with tenant_context(place.pk):
        assert (change.kind, change.at) == ("created", Contact.objects.get().changed_at)


def test_an_import_its_undo_and_its_redo(alice: Actor) -> None:
    place = alice.workspace
    bring(place, "email,first_name,city\nann@example.com,Ann,Riga\n")
    follower = Follower(place)
    imp = bring(place, "email,first_name,city\nann@example.com,Ann,Oslo\nnew@example.com,New,Oslo\n")
    ann, new = ids(place)
    assert follower.kinds() == [(ann, "changed"), (new, "created")]
    for direction, kinds in (
        ("undo", [(ann, "changed"), (new, "deleted")]),
        ("redo", [(ann, "changed"), (new, "changed")]),
    ):
        with tenant_context(place.pk):
            assert undo.request(Import.objects.get(pk=imp.pk), direction, user=None)
        work(place, imp)
        assert follower.kinds() == kinds, direction
    assert follower.kinds() == []


class Slow(threading.Thread):
    """A transaction that has written something and does not commit until it may."""

    def __init__(self, place: Tenant, contact_id: int) -> None:
        super().__init__()
        self.place, self.contact_id = place, contact_id
        self.written, self.may_end = threading.Event(), threading.Event()
        self.start()
        assert self.written.wait(timeout=20)

    def run(self) -> None:
        try:
            with tenant_context(self.place.pk):
                now = timezone.now()
                Contact.objects.filter(pk=self.contact_id).update(changed_at=now)
                change_log.note([self.contact_id], now=now)
                self.written.set()
                self.may_end.wait(timeout=20)
        finally:
            connection.close()

    def end(self) -> None:
        self.may_end.set()
        self.join(timeout=20)
        assert not self.is_alive()


def test_what_commits_late_is_told_late_and_holds_nobody_up(alice: Actor) -> None:
    place = alice.workspace
    bring(place, PEOPLE)
    ann, ben, cay, _dee = ids(place)
    follower = Follower(place)
    first = Slow(place, ann)
    try:
        assert follower.kinds() == []
        second = Slow(place, ben)
        second.end()
        assert follower.kinds() == [(ben, "changed")], "a transaction that began later is told at once"
        late = Follower(place)
        third = Slow(place, cay)
        third.end()
    finally:
        first.end()
    assert sorted(follower.kinds()) == [(ann, "changed"), (cay, "changed")]
    assert sorted(late.kinds()) == [(ann, "changed"), (cay, "changed")]
    assert follower.kinds() == late.kinds() == []


def test_what_commits_between_two_pages_is_told_behind_them(alice: Actor) -> None:
    place = alice.workspace
    bring(place, PEOPLE)
    ann, ben, cay, dee = ids(place)
    follower = Follower(place, most=2)
    slow = Slow(place, ann)
    bring(place, PEOPLE.replace("Ben", "Bea").replace("Cay", "Kay").replace("Dee", "Dea"))
    first = follower.page()
    slow.end()
    assert first.more
    told = [change.contact_id for change in first.changes + follower.all()]
    assert told == [ben, cay, dee, ann]


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_pages_of_any_size_tell_each_change_once(alice: Actor, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Also where a page looks at few entries, most of which later ones replace, and some batches have none left."""
    place = alice.workspace
    follower = Follower(place, most=most)
    for name in ("Ann", "Bea", "Cay"):
        bring(
            place,
            "".join(f"{line}\n" for line in ("email,first_name", *(f"p{i}@example.com,{name}" for i in range(7)))),
        )
    with tenant_context(place.pk):
        monkeypatch.setattr(change_log, "SPARE", 0)
        monkeypatch.setattr(change_log, "_in_the_way", lambda: True)
        change_log.tidy()
        assert Change.objects.count() == 7
    monkeypatch.setattr(change_feed, "SCANNED", max(most, 4))
    assert Counter(follower.kinds()) == {(pk, "created"): 1 for pk in ids(place)}


def test_a_workspace_sees_its_own(alice: Actor, charlie: Actor) -> None:
    mine, theirs = Follower(alice.workspace), Follower(charlie.workspace)
    bring(alice.workspace, PEOPLE)
    stolen = mine.cursor
    assert len(mine.all()) == 4
    theirs.cursor = stolen
    assert theirs.all() == []


def altered(cursor: str, change: Any) -> str:
    values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return base64.urlsafe_b64encode(json.dumps(change(values)).encode()).decode().rstrip("=")


def test_whoever_was_away_for_too_long_is_told(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        cursor, old = change_feed.now(), timezone.now() - change_feed.KEPT
        micros = int(old.timestamp() * 1_000_000)
        with pytest.raises(CursorExpired, match="30 days"):
            change_feed.read(altered(cursor, lambda v: [v[0], micros, *v[2:]]))
        with pytest.raises(BadCursor, match="another database"):
            change_feed.read(altered(cursor, lambda v: [v[0] + 1, *v[1:]]))


BAD_SNAPSHOTS = ("", "1", "1:2", "0:1:", "2:1:", "1:2:5", "1:9:3,2", "1:9:3,3", "1:x:", "1:9:9", "-1:2:",
                 "1:" + "9" * 30 + ":", "1:2:\u0663", "1:2::")  # fmt: skip


@pytest.mark.parametrize("snapshot", BAD_SNAPSHOTS)
def test_a_snapshot_that_is_none_is_refused(alice: Actor, snapshot: str) -> None:
    with tenant_context(alice.workspace.pk):
        cursor = change_feed.now()
        with pytest.raises(BadCursor):
            change_feed.read(altered(cursor, lambda v: [*v[:2], snapshot, *v[3:]]))
        with pytest.raises(BadCursor):
            change_feed.read(altered(cursor, lambda v: [*v[:3], [v[1], snapshot], [1, 1, "c", 1]]))


@pytest.mark.parametrize(
    "text",
    ["", "x", "W10", "bnVsbA", "e30", "\u0663", "W" * 5_000, "=", "WyJhIl0"],
)
def test_a_text_that_is_no_cursor_is_refused(alice: Actor, text: str) -> None:
    with tenant_context(alice.workspace.pk), pytest.raises(BadCursor):
        change_feed.read(text)


@pytest.mark.parametrize(
    "last",
    [
        [],
        [1],
        [1, 1, "x", 1],
        ["1", 1, "c", 1],
        [1, 2**80, "c", 1],
        [1, 1, "c", 2**63],
        [1, -1, "c", 1],
        {},
        5,
        [1, 1, [], 1],
    ],
)
def test_a_place_that_is_none_is_refused(alice: Actor, last: Any) -> None:
    with tenant_context(alice.workspace.pk):
        cursor = change_feed.now()
        with pytest.raises(BadCursor):
            change_feed.read(altered(cursor, lambda v: [*v[:3], [v[1], v[2]], last]))


def test_old_batches_are_forgotten(alice: Actor) -> None:
    bring(alice.workspace, PEOPLE)
    with tenant_context(alice.workspace.pk):
        assert ChangeBatch.objects.count() == 1
        assert change_log.forget_batches(before=timezone.now() - timedelta(hours=1)) == 0
        assert change_log.forget_batches(before=timezone.now() + timedelta(hours=1)) == 1


def test_a_page_costs_the_same_in_a_large_workspace(alice: Actor) -> None:
    """It goes through the entries that it looks at, not through all contacts."""
    place = alice.workspace
    follower = Follower(place, most=10)
    rows = "".join(f"p{i}@example.com,P\n" for i in range(4_000))
    forget_statistics("contact", "contact_change", "change_batch")
    bring(place, f"email,first_name\n{rows}")
    with counted(12 * (10 + change_feed.STEP), only="change_batch x") as seen:  # a dozen nodes
        for _ in range(3):
            assert len(follower.page().changes) == 10
    assert len(seen) >= 3
