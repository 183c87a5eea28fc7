"""Everything that writes what a rule can ask about tells the segments: after each, their members are whom their rules mean.

One case for each writer, through the function that its page, worker or consumer calls. No case lets a segment be compared
as a whole for no reason: what its writer did not tell about would stay unseen for a day.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.bulk import actions
from contacts.consent import blacklist
from contacts.duplicates import merge
from contacts.fields import custom_fields
from contacts.linkage import queries, schedule
from contacts.models import Attribute, BlacklistEntry, BulkAction, Contact, Merge, SignupForm
from contacts.profile import edit, quick_actions
from contacts.subscriptions import signup
from imports import direct_upsert
from imports.models import Import, Status
from imports.options import Options
from imports.pipeline import undo
from segments import member_edits
from segments.models import Segment, SegmentEdit
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InList, InSegment, Node, Period
from sources import refresh as source_refresh
from sources.models import Origin, Source, SourceType
from tenants import import_rules
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.contacts.test_change_feed import Follower
from tests.imports.helpers import bring, work
from tests.segments import members
from tests.segments.scene import static
from tests.tracking.helpers import device, hit, site_of, stored
from tests.workspace_copies import copy_workspace
from tracking import claims, quarantine, retention, visitor_paths
from tracking.email import rating, webhooks
from tracking.models import Event, Quarantine, Site, Visitor

PEOPLE = (
    "external_id,email,phone,first_name,city,shoe_size\n"
    "C-1,ann@example.com,+442079460011,Ann,Riga,40\n"
    "C-2,ben@example.com,+442079460012,Ben,Oslo,41\n"
    "C-3,cay@example.com,+442079460013,Cay,Riga,\n"
    "C-4,dee@example.com,+442079460014,Dee,Oslo,43\n"
)
LETTERS = "Letters"


def _furnish(alice: Actor) -> None:
    """Four contacts of a file, each with something of its own, and a segment for everything that a rule can ask."""
    place = alice.workspace
    with tenant_context(place.pk):
        Attribute.objects.create(key="shoe_size", label="Shoe size", type="integer")
    imp = bring(place, PEOPLE)
    site = site_of(place)
    stored(site, *(hit(device(), "identify", email=f"{name}@example.com") for name in ("ann", "dee")), at=_ago(days=2))
    with tenant_context(place.pk):
        vip = static("VIP", [one("Ann").pk, one("Dee").pk])
        SignupForm.objects.create(key=signup.new_key(place.pk), title="Letters", categories=[LETTERS], wording="Yes.")
        source = Source.objects.create(
            name="Club", type=SourceType.CUSTOMERS, origin=Origin.SEGMENTS, segments=[vip.pk], created_by=alice.user
        )
        source_refresh.begin(source)
    source_refresh.work(place.pk, source.pk)
    for name, part in rules(vip, source, imp).items():
        members.make(place, Group("all", (part,)), name)
    with tenant_context(place.pk):
        city = Segment.objects.get(name="city")
    members.make(place, Group("none", (InSegment(city.pk),)), "not in city")
    members.run_all(place)


def rules(vip: Segment, source: Source, imp: Import) -> dict[str, Node]:
    """A condition on everything that somebody writes."""
    today = timezone.now().date().isoformat()

    def did(what: str, **more: Any) -> Node:
        return ActivityCondition(what, "at_least", "1", **more)

    return {
        "city": FieldCondition("city", "is", ("Riga",)),
        "size": FieldCondition("shoe_size", "filled"),
        "email": FieldCondition("email", "contains", ("ann",)),
        "blacklisted": FieldCondition("email_status", "is", ("blacklisted",)),
        "silent": FieldCondition("email_status", "is_not", ("active",)),
        "phone status": FieldCondition("phone_status", "is_not", ("active",)),
        "rating": FieldCondition("rating", "at_least", ("3",)),
        "letters": FieldCondition("subscriptions", "any_of", (LETTERS,)),
        "changed": FieldCondition("city", "changed", ("5",)),
        "created": FieldCondition("created_at", "on", (today,)),
        "duplicate": FieldCondition("probable_duplicate", "yes"),
        "matched": FieldCondition("visit.matched", "yes"),
        "views": FieldCondition("visit.pages", "at_least", ("1",)),
        "no views": FieldCondition("visit.pages", "at_most", ("0",)),
        "viewed": did("page"),
        "clicked": did("track", name="Clicked"),
        "ordered": did("order"),
        "ordered recently": did("order", period=Period("last", 30)),
        "spent": ActivityCondition("order_total", "at_least", "100"),
        "never ordered": ActivityCondition("order", "never", ""),
        "read": did("read"),
        "static": InSegment(vip.pk),
        "not static": InSegment(vip.pk, "not_in"),
        "source": InList("source", source.pk),
        "import": InList("import", imp.pk),
        "everybody": FieldCondition("created_at", "filled"),
    }


def one(name: str) -> Contact:
    found: Contact = Contact.objects.get(first_name=name)
    return found


def _ago(**span: float) -> float:
    return (timezone.now() - timedelta(**span)).timestamp()


@pytest.fixture
def alice(alice: Actor) -> Actor:
    copy_workspace(alice, _furnish)
    return alice


Act = Callable[["Scene"], None]


class Scene:
    """The workspace and what is written into it."""

    def __init__(self, who: Actor) -> None:
        self.who, self.place, self.user_id = who, who.workspace, who.user.pk

    @property
    def site(self) -> Site:
        with tenant_context(self.place.pk):
            found: Site = Site.objects.get()
            return found

    def members(self) -> dict[str, set[int]]:
        with tenant_context(self.place.pk):
            return {s.name: members.ids(s) for s in Segment.objects.dynamic()}

    def settle(self) -> None:
        """The workers do all that they know of; the members are then whom the rules mean."""
        members.run_all(self.place)
        with tenant_context(self.place.pk):
            wrong = {
                s.name: (members.ids(s) ^ members.meant(s), s.state)
                for s in Segment.objects.dynamic() if s.state != "ready" or members.ids(s) != members.meant(s)
            }  # fmt: skip
        assert wrong == {}

    def bulk(self, kind: str, asked: dict[str, Any], **options: Any) -> BulkAction:
        with tenant_context(self.place.pk):
            action = actions.begin(kind, asked, user_id=self.user_id, **options)
        return self.worked(action)

    def worked(self, action: BulkAction) -> BulkAction:
        while True:
            actions.work(self.place.pk, action.pk)
            with tenant_context(self.place.pk):
                action.refresh_from_db()
            if not action.active:
                return action

    def undo_bulk(self, action: BulkAction) -> None:
        with tenant_context(self.place.pk):
            actions.undo(action.pk, user_id=self.user_id)
        self.worked(action)

    def turn(self, direction: str) -> None:
        """Undo or redo the last import."""
        with tenant_context(self.place.pk):
            imp = Import.objects.order_by("-pk")[0]
            assert undo.request(imp, direction, user=None)
        assert work(self.place, imp).status == (Status.UNDONE if direction == "undo" else Status.IMPORTED)


# --- contacts ----------------------------------------------------------------------------------------------------------


def _create(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        edit.create({"first_name": "Eve", "city": "Riga"}, user_id=scene.user_id)


def _edit(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        ben = one("Ben")
        edit.change(ben.pk, {"city": "Riga"}, seen=ben.changed_at, user_id=scene.user_id)


def _undo_edit(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        ben = one("Ben")
        entry = edit.change(ben.pk, {"city": "Riga"}, seen=ben.changed_at, user_id=scene.user_id)
    scene.settle()
    with tenant_context(scene.place.pk):
        assert entry is not None
        edit.undo(one("Ben"), entry.detail, user_id=scene.user_id)


def _delete(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        quick_actions.delete(one("Ann").pk, reason="Asked", user_id=scene.user_id)


def _restore(scene: Scene) -> None:
    _delete(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        quick_actions.restore(one("Ann").pk, user_id=scene.user_id)


def _deleted_in_bulk(scene: Scene) -> BulkAction:
    with tenant_context(scene.place.pk):
        ids = [one("Ann").pk, one("Cay").pk]
        Contact.objects.filter(pk__in=ids).update(email_status="spam")
    return scene.bulk("delete", {"ids": ids}, reason="Asked")


def _bulk_delete(scene: Scene) -> None:
    assert _deleted_in_bulk(scene).done == 2


def _undo_bulk_delete(scene: Scene) -> None:
    action = _deleted_in_bulk(scene)
    scene.settle()
    scene.undo_bulk(action)


def _bulk_restore(scene: Scene) -> None:
    _delete(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        ids = [one("Ann").pk]
    scene.bulk("restore", {"ids": ids})


def _bulk_unsubscribe(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        ids = list(Contact.objects.values_list("pk", flat=True))
    scene.bulk("unsubscribe", {"ids": ids})


def _bulk_segments(scene: Scene) -> BulkAction:
    with tenant_context(scene.place.pk):
        vip = Segment.objects.get(name="VIP")
        ids = list(Contact.objects.values_list("pk", flat=True))
    return scene.bulk("segments", {"ids": ids}, segments=[vip.pk])


def _bulk_add(scene: Scene) -> None:
    _bulk_segments(scene)


def _undo_bulk_add(scene: Scene) -> None:
    action = _bulk_segments(scene)
    scene.settle()
    scene.undo_bulk(action)


def _erase(scene: Scene) -> None:
    """Who is like an erased contact has no probable duplicate any longer."""
    _pair(scene)
    scene.settle()
    _delete(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        quick_actions.restore(one("Ann").pk, user_id=scene.user_id)
    scene.settle()
    with tenant_context(scene.place.pk):
        quick_actions.delete(one("Ann").pk, reason="Asked", user_id=scene.user_id)
        ids = [one("Ann").pk]
    scene.bulk("erase", {"ids": ids})


def _merge(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        made = merge.merge([one("Cay").pk, one("Ann").pk], user_id=scene.user_id)
        assert made is not None


def _merge_into_another(scene: Scene) -> None:
    """The one who stays gets segments, sources and visitors that it did not have."""
    with tenant_context(scene.place.pk):
        made = merge.merge([one("Cay").pk, one("Dee").pk], user_id=scene.user_id)
        assert made is not None
        cay = Contact.objects.living().get(email__in=["cay@example.com", "dee@example.com"])
        assert made.contact_id == cay.pk


def _undo_merge(scene: Scene) -> None:
    _merge_into_another(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        merge.undo(Merge.objects.get().pk, user_id=scene.user_id)


def _blacklist(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        blacklist.add("email", ["ann@example.com"], reason="", user_id=scene.user_id)
        blacklist.add("phone", ["+442079460012"], reason="", user_id=scene.user_id)


def _leave_blacklist(scene: Scene) -> None:
    _blacklist(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        for entry in BlacklistEntry.objects.all():
            blacklist.remove(entry.pk, user_id=scene.user_id)


def _subscribe(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        form = SignupForm.objects.get()
        signup.confirm(signup.SignupRequest(scene.place.pk, form.pk, "ann@example.com", "Ann"))
        signup.ask(form, email="new@example.com", name="New")


def _unsubscribe(scene: Scene) -> None:
    _subscribe(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        signup.leave(Contact.objects.select_for_update().get(first_name="Ann"), keep=None)


def _rate(scene: Scene) -> None:
    """A message that was not read: of so many, the rating falls."""
    _mail(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        ann = one("Ann").pk
        for n in range(9):
            Event.objects.create(
                tenant_id=scene.place.pk, at=timezone.now(), kind="message", contact_id=ann,
                properties={"id": f"n{n}", "status": "delivered"},
            )  # fmt: skip
        assert rating.recompute_rating([ann]) == 1


def _retyped(scene: Scene, type_key: str) -> BulkAction | None:
    with tenant_context(scene.place.pk):
        row = Attribute.objects.get(key="shoe_size")
        _field, action = custom_fields.change(row.pk, row.label, type_key, "", user_id=scene.user_id)
    return action


def _large(scene: Scene) -> Segment:
    segment = members.make(scene.place, Group("all", (FieldCondition("shoe_size", "at_least", ("41",)),)), "large")
    scene.settle()
    return segment


def _unreadable(scene: Scene, segment: Segment) -> None:
    """A rule that its field can no longer answer fails, and says so."""
    members.run_all(scene.place)
    with tenant_context(scene.place.pk):
        segment.refresh_from_db()
        assert (segment.state, segment.reason) == ("failed", "“Shoe size” does not support this condition.")


def _retype(scene: Scene) -> None:
    segment = _large(scene)
    action = _retyped(scene, "text")
    assert action is not None
    scene.worked(action)
    _unreadable(scene, segment)
    with tenant_context(scene.place.pk):
        ben = one("Ben")
        edit.change(ben.pk, {"shoe_size": "43"}, seen=ben.changed_at, user_id=scene.user_id)
    action = _retyped(scene, "integer")
    assert action is not None
    scene.worked(action)
    scene.settle()
    _edit(scene)


def _retype_without_values(scene: Scene) -> None:
    """No contact changes with the field."""
    segment = _large(scene)
    with tenant_context(scene.place.pk):
        for contact in Contact.objects.order_by("pk"):
            edit.change(contact.pk, {"shoe_size": None}, seen=contact.changed_at, user_id=scene.user_id)
    scene.settle()
    assert _retyped(scene, "text") is None
    _unreadable(scene, segment)
    assert _retyped(scene, "integer") is None
    scene.settle()
    _edit(scene)


def _undo_retype(scene: Scene) -> None:
    segment = _large(scene)
    action = _retyped(scene, "text")
    assert action is not None
    scene.worked(action)
    _unreadable(scene, segment)
    with tenant_context(scene.place.pk):
        ben = one("Ben")
        edit.change(ben.pk, {"shoe_size": "43"}, seen=ben.changed_at, user_id=scene.user_id)
    scene.undo_bulk(action)
    scene.settle()
    _edit(scene)


# --- imports -----------------------------------------------------------------------------------------------------------

MORE = "email,first_name,city\ncay@example.com,Cay,Oslo\nnew@example.com,New,Riga\n"


def _import(scene: Scene) -> None:
    bring(scene.place, MORE, segment="VIP")


def _undo_import(scene: Scene) -> None:
    _import(scene)
    scene.settle()
    scene.turn("undo")


def _redo_import(scene: Scene) -> None:
    _undo_import(scene)
    scene.settle()
    scene.turn("redo")


def _direct(scene: Scene) -> None:
    items = [
        {"email": "cay@example.com", "city": "Oslo", "email_status": "unsubscribed"},
        {"email": "new@example.com", "city": "Riga"},
    ]
    with tenant_context(scene.place.pk):
        direct_upsert.upsert(items, Options.parse({"segments": ["VIP"]}))


def _direct_segment(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        direct_upsert.upsert([{"external_id": "C-2", "row.segments": ["VIP"]}], Options())


def _direct_orders(scene: Scene) -> None:
    item = {"external_id": "C-2", "event.id": "O-77", "event.amount": 150, "event.time": timezone.now().isoformat()}
    with tenant_context(scene.place.pk):
        direct_upsert.upsert([item], Options.parse({"task": "orders"}))


def _undo_first_import(scene: Scene) -> None:
    scene.turn("undo")


# --- visitors ----------------------------------------------------------------------------------------------------------


def _hits(scene: Scene) -> None:
    on = device()
    order = replace(hit(on, "order"), properties={"amount": 150, "currency": "EUR"})
    clicked = hit(on, "track", name="Clicked")
    stored(scene.site, hit(on), clicked, order, hit(on, "identify", email="cay@example.com"), at=_ago(hours=1))


def _more_hits(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        on = str(Visitor.objects.get(contact_id=one("Ann").pk).device)
    stored(scene.site, hit(on), hit(on, "track", name="Clicked"), at=_ago(minutes=5))


def _release(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        ann = one("Ann").pk
        visitor = Visitor.objects.get(contact_id=ann)
        assert claims.release(visitor.pk, ann, user_id=scene.user_id, now=timezone.now())


def _undo_release(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        ann = one("Ann").pk
        visitor = Visitor.objects.get(contact_id=ann)
    _release(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        assert claims.undo_release(visitor.pk, ann)


def _decide(scene: Scene) -> None:
    stored(scene.site, hit(device()), at=_ago(hours=1))
    with tenant_context(scene.place.pk):
        visitor = Visitor.objects.get(contact_id=None)
        assert claims.decide(visitor.pk, one("Ben").pk, now=timezone.now())


def _undo_decision(scene: Scene) -> None:
    _decide(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        ben = one("Ben").pk
        assert claims.undo_decision(Visitor.objects.get(contact_id=ben).pk, ben)


def _forget_visitor(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        visitor_paths.forget(Visitor.objects.get(contact_id=one("Ann").pk).pk, now=timezone.now())


def _retain(scene: Scene) -> None:
    _hits(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        Site.objects.update(retention_days=1)
    assert retention.tidy(scene.place.pk, now=timezone.now() + timedelta(days=3))["events"]


def _quarantine(scene: Scene) -> None:
    """The last device of too many takes the others along."""
    devices = [hit(device(), "identify", email="ben@example.com") for _ in range(quarantine.MOST_DEVICES + 1)]
    stored(scene.site, *devices[:-1], at=_ago(hours=1))
    scene.settle()
    stored(scene.site, devices[-1], at=_ago(minutes=5))
    with tenant_context(scene.place.pk):
        assert Quarantine.objects.exists()


def _release_quarantine(scene: Scene) -> None:
    _quarantine(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        quarantine.release(Quarantine.objects.get().pk, user_id=scene.user_id)


def _mail(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        hook = webhooks.add("postmark")
    at = f"{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    post = {"RecordType": "Open", "Recipient": "ann@example.com", "MessageID": "m", "ReceivedAt": at}
    sent = scene.who.client.post(f"/hooks/{hook.key}/", json.dumps(post), content_type="application/json")
    assert sent.status_code == 200


# --- lists and decisions -----------------------------------------------------------------------------------------------


def _static(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        vip = Segment.objects.get(name="VIP")
        member_edits.add(vip, [one("Ben").pk], user_id=scene.user_id)
        member_edits.remove(vip, [one("Dee").pk], user_id=scene.user_id)


def _undo_static(scene: Scene) -> None:
    _static(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        for made in SegmentEdit.objects.order_by("-pk"):
            member_edits.undo(made, user_id=scene.user_id)


def _replace_static(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        vip = member_edits.lock(Segment.objects.get(name="VIP").pk)
        assert vip is not None
        edit = member_edits.replace(vip, [one("Ben").pk, one("Dee").pk], user_id=scene.user_id)
        assert (edit.entered, edit.departed) == (1, 1)


def _source(scene: Scene) -> None:
    _static(scene)
    with tenant_context(scene.place.pk):
        source = Source.objects.get()
        source_refresh.begin(source)
    source_refresh.work(scene.place.pk, source.pk)


def _pair(scene: Scene) -> None:
    with tenant_context(scene.place.pk):
        low, high = sorted([one("Ann").pk, one("Cay").pk])
        pair = {"low": low, "high": high, "group": low, "strength": 9.0, "bits": 9.0, "head": True, "detail": {},
                "print": "x"}  # fmt: skip
        queries.replace_pairs([pair])


def _no_pair(scene: Scene) -> None:
    _pair(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        queries.replace_pairs([])


def _decide_pair(scene: Scene) -> None:
    _pair(scene)
    scene.settle()
    with tenant_context(scene.place.pk):
        low = min(one("Ann").pk, one("Cay").pk)
        assert schedule.decide(low, "not_same", user_id=scene.user_id)


def _delete_one_of_a_pair(scene: Scene) -> None:
    _pair(scene)
    scene.settle()
    _delete(scene)


# --- settings ----------------------------------------------------------------------------------------------------------


def _claimed_orders(scene: Scene) -> None:
    _hits(scene)
    scene.settle()
    assert scene.who.post("sites/claimed/", {"count": "on"}).status_code == 302


def _time_zone(scene: Scene) -> None:
    """So far to the east, or to the west, that another day is the day of every contact."""
    zone = "Pacific/Kiritimati" if timezone.now().hour >= 10 else "Etc/GMT+12"
    with tenant_context(scene.place.pk):
        assert import_rules.save(scene.place, {"time_zone": zone}, user_id=scene.user_id) == ["time_zone"]


WRITERS: dict[str, Act] = {
    "create": _create, "edit": _edit, "undo edit": _undo_edit, "delete": _delete, "restore": _restore,
    "bulk delete": _bulk_delete, "undo bulk delete": _undo_bulk_delete, "bulk restore": _bulk_restore,
    "bulk unsubscribe": _bulk_unsubscribe, "add to segments": _bulk_add, "undo add to segments": _undo_bulk_add,
    "erase": _erase, "merge": _merge, "merge into another": _merge_into_another,
    "undo merge": _undo_merge, "blacklist": _blacklist, "leave blacklist": _leave_blacklist,
    "subscribe": _subscribe, "unsubscribe": _unsubscribe, "rate": _rate, "retype": _retype,
    "retype without values": _retype_without_values,
    "undo retype": _undo_retype, "import": _import, "undo import": _undo_import, "redo import": _redo_import,
    "undo the first import": _undo_first_import, "direct": _direct, "direct segment": _direct_segment,
    "direct orders": _direct_orders, "hits": _hits, "more hits": _more_hits, "release": _release,
    "undo release": _undo_release, "decide": _decide, "undo decision": _undo_decision,
    "forget visitor": _forget_visitor, "retention": _retain, "quarantine": _quarantine,
    "release quarantine": _release_quarantine, "mail": _mail, "static": _static, "undo static": _undo_static,
    "replace static": _replace_static,
    "source": _source, "pair": _pair, "no pair": _no_pair, "decide pair": _decide_pair,
    "delete one of a pair": _delete_one_of_a_pair, "claimed orders": _claimed_orders, "time zone": _time_zone,
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
def test_members_are_whom_the_rules_mean_after_each_writer(alice: Actor, writer: str) -> None:
    scene = Scene(alice)
    scene.settle()
    history: list[dict[str, set[int]]] = [scene.members()]
    settle = scene.settle

    def noted() -> None:
        settle()
        history.append(scene.members())

    scene.settle = noted  # type: ignore[method-assign]
    rows, follower = _rows(scene.place), Follower(scene.place)
    WRITERS[writer](scene)
    before = history[-1]
    scene.settle()
    assert history[-1] != before, "the writer has changed no segment"
    after = _rows(scene.place)
    written = {pk for pk in rows.keys() | after.keys() if rows.get(pk) != after.get(pk)}
    told = {change.contact_id for change in follower.all()}
    assert written <= told, "whoever follows the contacts is told of everything that was written"


def _rows(place: Any) -> dict[int, Any]:
    """What a contact is, by its number. The rating is worked out of events, and is not told."""
    with tenant_context(place.pk):
        return {row["id"]: {**row, "rating": None} for row in Contact.objects.values()}
