"""Contacts that come directly: the same people, values, statuses and problems as by a file; one answer an item."""

import csv
import io
import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from contacts import write_lock
from contacts.bulk import actions
from contacts.duplicates import merge
from contacts.models import Alias, Attribute, Change, Contact, StatusReason, WriteLock
from contacts.profile import quick_actions
from imports import direct_upsert
from imports.direct_upsert import Answer
from imports.models import Import, Phase, RowIssue
from imports.options import BadOption, Options
from imports.pipeline import transitions
from imports.problems.catalogue import PROBLEMS
from segments.models import Member, Segment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring, work
from tests.plans import counted, forget_statistics, mislead
from tests.segments.scene import static
from tests.tracking.helpers import device, hit, site_of, stored
from tests.workspace_copies import copy_workspace
from tracking.models import Event, Visitor

TARGETS = (
    "external_id", "email", "phone", "first_name", "last_name", "city", "birthday", "shoe_size", "score", "colors",
    "email_status", "phone_status", "row.segments",
)  # fmt: skip
POOLS: dict[str, Sequence[str]] = {
    "external_id": ("C-1", "C-2", "C-3", "C-4", "C-5", "c-1", "C-6", "x" * 130),
    "email": ("ann@example.com", "Ann@Example.com", "ben@example.com", "cay@example.com", "dee@example.com", "nobody@",
              "eve@example.com", "old@example.com", "gone@example.com", "erased@example.com", "fay@example.com"),
    "phone": ("+442079460011", "020 7946 0011", "+442079460012", "+442079460013", "12", "+442079460018"),
    "first_name": ("Ann", "Zoë", "Ben", "'=1+1"),
    "last_name": ("Lee", "O'Neil", "Ray"),
    "city": ("Riga", "Oslo", "a\tb", "\u202eRiga", "C:\\new"),
    "birthday": ("1988-04-03", "--05-31", "2988-01-01", "x"),
    "shoe_size": ("42", "007", "-1", "x", "42.5"),
    "score": ("12.50", "0.10", "123456789012345678901234.5", "x"),
    "colors": ("red", "Red|blue", "green", "red|pink"),
    "email_status": ("active", "unsubscribed", "spam", "no", "perhaps", "not_confirmed"),
    "phone_status": ("active", "blacklisted"),
    "row.segments": ("VIP", "VIP|Fair", "Fair"),
}  # fmt: skip
SETTINGS: dict[str, Sequence[str]] = {
    "mode": ("create_and_update", "create_and_update", "create_only", "update_only"),
    "existing": ("overwrite", "overwrite", "only_empty"),
    "blank": ("keep", "clear"),
    "duplicates": ("last", "first", "error"),
    "bad_value": ("error", "drop"),
    "deleted": ("skip", "restore"),
    "consent": ("stricter", "file"),
    "identify_by": ("all", "all", "email", "external_id", "phone"),
}
KNOWN = (
    "external_id,email,phone,first_name,city,email_status,shoe_size\n"
    "C-1,ann@example.com,+442079460011,Ann,Riga,,40\n"
    "C-2,ben@example.com,+442079460012,Ben,Oslo,unsubscribed,\n"
    ",cay@example.com,,Cay,,,\n"
    ",,+442079460013,Dee,,,\n"
    "C-5,old@example.com,,Eve,,,\n"
    ",fay@example.com,,Fay,,spam,\n"
    ",gone@example.com,,Gus,,,\n"
    ",erased@example.com,,Hal,,,\n"
)
RENAMED = "external_id,email\nC-5,eve@example.com\n"


def furnish(who: Actor) -> None:
    """Contacts of a file: one has replaced its address, one is deleted, one is erased, two were merged."""
    place = who.workspace
    with tenant_context(place.pk):
        Attribute.objects.create(key="shoe_size", label="Shoe size", type="integer")
        Attribute.objects.create(key="score", label="Score", type="decimal")
        Attribute.objects.create(
            key="colors", label="Colors", type="choices", options={"red": "Red", "blue": "Blue", "green": "Green"}
        )
        static("VIP", [])
    bring(place, KNOWN)
    bring(place, RENAMED)
    with tenant_context(place.pk):
        for name in ("Gus", "Hal"):
            quick_actions.delete(one(name).pk, reason="Other", user_id=who.user.pk)
        merge.merge([one("Cay").pk, one("Fay").pk], user_id=who.user.pk)
        action = actions.begin("erase", {"ids": [one("Hal").pk]}, user_id=who.user.pk)
    actions.work(place.pk, action.pk)


def one(name: str) -> Contact:
    found: Contact = Contact.objects.get(first_name=name)
    return found


def people(place: Tenant) -> Counter[Any]:
    """All that is known of the contacts, without what differs between two workspaces."""
    with tenant_context(place.pk):
        aliases: dict[int, list[Any]] = {}
        for alias in Alias.objects.order_by("kind", "value"):
            aliases.setdefault(alias.contact_id, []).append((alias.kind, alias.value, alias.status))
        names = dict(Segment.objects.values_list("pk", "name"))
        members: dict[int, list[str]] = {}
        for member in Member.objects.order_by("segment_id"):
            members.setdefault(member.contact_id, []).append(names[member.segment_id])
        return Counter(
            (
                c.external_id, c.email, c.email_written, c.phone, c.phone_written, c.first_name, c.last_name, c.first_key,
                c.last_key, repr(sorted(c.attributes.items())), c.email_status, c.phone_status, c.deleted_at is None,
                c.merged_into is None, str(aliases.get(c.pk)), str(sorted(members.get(c.pk, []))),
            )
            for c in Contact.objects.all()
        )  # fmt: skip


def told(place: Tenant, imp: Import) -> Counter[Any]:
    """The problems of an import's rows, by the number of an item."""
    with tenant_context(place.pk):
        return Counter(
            (i.row_no - 2, i.code, "" if i.column is None else TARGETS[i.column])
            for i in RowIssue.objects.filter(import_id=imp.pk)
        )


def answered(answers: Sequence[Answer]) -> Counter[Any]:
    return Counter((a.index, n.code.replace("_of_item", "_of_line"), n.key) for a in answers for n in a.problems)


def item_of(cells: Mapping[str, str], chance: random.Random, *, blank: str) -> dict[str, Any]:
    """The item that says what a row of a file says, with types of JSON where it has some."""
    item: dict[str, Any] = {}
    for key, text in cells.items():
        if not text:
            if blank == "clear" or chance.random() < 0.3:
                item[key] = None
        elif key == "shoe_size" and text in ("42", "-1") and chance.random() < 0.5:
            item[key] = int(text)
        elif key == "score" and text != "x" and chance.random() < 0.5:
            item[key] = Decimal(text)
        elif key in ("colors", "row.segments") and chance.random() < 0.5:
            item[key] = text.split("|")
        else:
            item[key] = text
    return item


def send(place: Tenant, items: Sequence[Mapping[str, Any]], **options: Any) -> list[Answer]:
    with tenant_context(place.pk):
        return direct_upsert.upsert(items, Options.parse(options)).answers


@pytest.mark.parametrize("number", range(24))
def test_a_file_and_items_that_say_the_same_do_the_same(alice: Actor, charlie: Actor, number: int) -> None:
    for who in (alice, charlie):
        copy_workspace(who, furnish)
    assert people(alice.workspace) == people(charlie.workspace)
    chance = random.Random(number)
    options: dict[str, Any] = {name: chance.choice(values) for name, values in SETTINGS.items()}
    rows = [_row(chance) for _ in range(chance.choice((3, 12, 40)))]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([TARGETS, *([cells[t] for t in TARGETS] for cells in rows)])
    imp = bring(alice.workspace, text.getvalue(), maps={t: t for t in TARGETS}, **options)
    assert imp.status == "imported"
    answers = send(charlie.workspace, [item_of(cells, chance, blank=options["blank"]) for cells in rows], **options)
    assert people(alice.workspace) == people(charlie.workspace)
    assert told(alice.workspace, imp) == answered(answers)
    counts = Counter(answer.outcome for answer in answers)
    assert [counts[name] for name in ("created", "updated", "unchanged", "duplicate", "skipped", "error")] == [
        imp.created, imp.updated, imp.unchanged, imp.duplicates, imp.skipped, imp.in_error
    ]  # fmt: skip


def _row(chance: random.Random) -> dict[str, str]:
    likely = {"external_id": 0.5, "email": 0.7, "phone": 0.4}
    bad = chance.random() < 0.3
    cells = {
        t: chance.choice(POOLS[t] if bad else POOLS[t][: max(2, len(POOLS[t]) // 2)])
        if chance.random() < likely.get(t, 0.4) else "" for t in TARGETS
    }  # fmt: skip
    return cells if any(cells.values()) else cells | {"city": "Riga"}


def test_the_files_of_that_test_are_of_every_kind() -> None:
    """What `_row` makes has each value of each pool somewhere, so that the comparison is one of something."""
    rows = [_row(random.Random(number)) for number in range(1_000)]
    seen = {target: {cells[target] for cells in rows} - {""} for target in TARGETS}
    assert seen == {target: set(pool) for target, pool in POOLS.items()}


def test_each_item_gets_its_own_answer(alice: Actor) -> None:
    copy_workspace(alice, furnish)
    answers = send(
        alice.workspace,
        [
            {"email": "new@example.com", "city": "Riga"},
            {"external_id": "C-1", "city": "Oslo"},
            {"external_id": "C-2", "city": "Oslo"},
            {"email": "NEW@example.com"},
            {"email": "gone@example.com"},
            {"email": "erased@example.com"},
            {"email": "nobody@", "shoe": 1, "city": {"a": 1}, "score": True},
            {"external_id": "C-1", "email": "ben@example.com"},
            {},
        ],
        duplicates="first",
    )
    with tenant_context(alice.workspace.pk):
        new, ann, ben = (Contact.objects.get(email=f"{name}@example.com").pk for name in ("new", "ann", "ben"))
    assert [(a.index, a.outcome, a.contact_id) for a in answers] == [
        (0, "created", new), (1, "updated", ann), (2, "unchanged", ben), (3, "duplicate", new), (4, "skipped", None),
        (5, "skipped", None), (6, "error", None), (7, "error", None), (8, "error", None),
    ]  # fmt: skip
    assert [[(n.key, n.code) for n in a.problems] for a in answers] == [
        [], [], [], [("", "duplicate_of_item")], [("", "contact_deleted")], [("", "contact_suppressed")],
        [("city", "not_a_value"), ("shoe", "unknown_target"), ("email", "not_an_email"), ("score", "not_a_number")],
        [("", "ambiguous_match")], [("", "no_identifier")],
    ]  # fmt: skip
    assert answers[7].problems[0].facts == {"contact": ann, "other": ben}


def test_types_of_json_are_kept_exactly(alice: Actor) -> None:
    copy_workspace(alice, furnish)
    item = {
        "external_id": 4711, "shoe_size": 42, "score": Decimal("0.10"), "colors": ["Red", "blue"], "birthday": "--05-31",
        "phone": "+442079460099", "first_name": "Zoë", "city": "C:\\new\t", "push_tokens": ["a", 7],
    }  # fmt: skip
    assert send(alice.workspace, [item])[0].outcome == "created"
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get(external_id="4711")
        assert (contact.phone, contact.first_name, contact.origin) == ("+442079460099", "Zoë", "api")
        assert repr(contact.attributes["score"]) == "Decimal('0.10')"
        assert contact.attributes | {"score": ""} == {
            "shoe_size": 42, "score": "", "colors": ["red", "blue"], "birthday": "--05-31", "city": "C:\\new",
            "push_tokens": ["a", "7"],
        }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        "\ud800", "\x00", "a\x00b", float("inf"), Decimal("1E+300"), 10**40, [[1]], [None], ["a|b"], {"a": 1}, "x" * 40_000,
        "\u202eabc", ["\udfff"], [{}], -(2**63) - 1, "Z" + "\u0301" * 30,
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["city", "first_name", "shoe_size", "score", "colors", "external_id", "row.segments"])
def test_no_value_breaks_the_road(alice: Actor, key: str, value: Any) -> None:
    """It is stored, or refused with a code that has words; the items beside it are taken in any case."""
    with tenant_context(alice.workspace.pk):
        for name, kind in (("shoe_size", "integer"), ("score", "decimal"), ("colors", "choices")):
            Attribute.objects.create(key=name, label=name, type=kind)
    answers = send(alice.workspace, [{"email": "ann@example.com", key: value}, {"email": "ben@example.com"}])
    assert answers[1].outcome == "created"
    assert answers[0].outcome == ("error" if answers[0].problems else "created")
    assert all(note.code in PROBLEMS for note in answers[0].problems)


def test_keys_that_are_no_fields_are_told_and_nothing_else(alice: Actor) -> None:
    keys = ("", "__proto__", "skip", "event.id", "event.properties", "row.nothing", "\ud800", "Email", "x" * 5_000)
    for key in keys:
        (answer,) = send(alice.workspace, [{"email": "ann@example.com", key: "1"}])
        assert [(n.key, n.code) for n in answer.problems] == [(key, "unknown_target")], key
    with tenant_context(alice.workspace.pk):
        assert not Contact.objects.exists()


def test_a_status_says_that_it_came_from_a_program(alice: Actor) -> None:
    copy_workspace(alice, furnish)
    items = [{"external_id": "C-1", "email_status": "unsubscribed"}, {"external_id": "C-2", "email_status": "active"}]
    answers = send(alice.workspace, items)
    assert [(a.outcome, [n.code for n in a.problems]) for a in answers] == [
        ("updated", []),
        ("unchanged", ["status_kept"]),
    ]
    with tenant_context(alice.workspace.pk):
        ann, ben = Contact.objects.get(external_id="C-1"), Contact.objects.get(external_id="C-2")
        assert (ann.email_status, ann.email_status_reason) == ("unsubscribed", StatusReason.API)
        assert (ben.email_status, ben.email_status_reason) == ("unsubscribed", StatusReason.IMPORT)


def test_a_status_of_a_program_goes_with_the_address_into_an_import_that_waited(alice: Actor) -> None:
    """Consent belongs to the address, also when it was set after the review (identity, rule 9)."""
    copy_workspace(alice, furnish)
    imp = bring(alice.workspace, "external_id,email\nC-9,ann@example.com\n", review=True, identify_by="external_id")
    send(alice.workspace, [{"external_id": "C-1", "email_status": "spam"}])
    with tenant_context(alice.workspace.pk):
        Import.objects.filter(pk=imp.pk).update(started=True)
        transitions_of = Import.objects.select_for_update().get(pk=imp.pk)
        transitions.move(transitions_of, Phase.QUEUED)
    work(alice.workspace, imp)
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get(external_id="C-9").email_status == "spam"


@pytest.mark.parametrize("mode", ["create_and_update", "create_only"])
def test_an_import_that_waited_meets_whom_a_program_has_made(alice: Actor, mode: str) -> None:
    """What was reviewed as new is somebody else's by then: one contact, not two."""
    rows = "email,city\nnew@example.com,Riga\nother@example.com,Riga\n"
    imp = bring(alice.workspace, rows, review=True, mode=mode)
    assert imp.created == 2
    (answer,) = send(alice.workspace, [{"email": "new@example.com", "city": "Oslo"}])
    with tenant_context(alice.workspace.pk):
        waiting = Import.objects.select_for_update().get(pk=imp.pk)
        waiting.started = True
        waiting.save()
        transitions.move(waiting, Phase.QUEUED)
    done = work(alice.workspace, imp)
    assert done.phase == Phase.REVIEW, "the figures have changed: the person is asked again"
    with tenant_context(alice.workspace.pk):
        waiting = Import.objects.select_for_update().get(pk=imp.pk)
        waiting.started = True
        waiting.save()
        transitions.move(waiting, Phase.QUEUED)
    done = work(alice.workspace, imp)
    assert (done.status, done.created) == ("imported", 1)
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get(email="new@example.com")
        assert (contact.pk, contact.attributes["city"]) == (
            answer.contact_id, "Oslo" if mode == "create_only" else "Riga",
        )  # fmt: skip


def test_segments_are_made_and_dynamic_ones_refused(alice: Actor) -> None:
    copy_workspace(alice, furnish)
    with tenant_context(alice.workspace.pk):
        Segment.objects.create(name="By rule", rule={"all": []})
    answers = send(
        alice.workspace,
        [
            {"external_id": "C-1", "row.segments": ["VIP", "A|B"]},
            {"external_id": "C-2", "row.segments": ["By rule"]},
            {"email": "new@example.com"},
        ],
        segments=["Everybody"],
    )
    assert [(a.outcome, [n.code for n in a.problems]) for a in answers] == [
        ("unchanged", []), ("error", ["segment_not_static"]), ("created", []),
    ]  # fmt: skip
    with tenant_context(alice.workspace.pk):
        names = dict(Segment.objects.values_list("pk", "name"))
        found = {(names[m.segment_id], Contact.objects.get(pk=m.contact_id).email) for m in Member.objects.all()}
        assert {m.import_id for m in Member.objects.all()} == {None}
    assert found == {
        ("VIP", "ann@example.com"), ("A|B", "ann@example.com"), ("Everybody", "ann@example.com"),
        ("Everybody", "new@example.com"),
    }  # fmt: skip
    with pytest.raises(BadOption, match="By rule is a dynamic segment"):
        send(alice.workspace, [{"email": "ann@example.com"}], segments=["By rule"])
    with pytest.raises(BadOption, match="The limit is 200"):
        send(alice.workspace, [{"email": "a@example.com", "row.segments": [f"s{i}" for i in range(201)]}])


def test_a_contact_is_not_made_without_a_required_value_but_changed(alice: Actor) -> None:
    copy_workspace(alice, furnish)
    with tenant_context(alice.workspace.pk):
        Attribute.objects.filter(key="score").update(required=True)
    items: list[dict[str, Any]] = [
        {"email": "new@example.com"}, {"email": "both@example.com", "score": 1}, {"external_id": "C-1", "city": "Oslo"},
        {"external_id": "C-1", "score": None},
    ]  # fmt: skip
    answers = send(alice.workspace, items[:3]) + send(alice.workspace, items[3:])
    assert [(a.outcome, [(n.key, n.code) for n in a.problems]) for a in answers] == [
        ("error", [("score", "required_empty")]), ("created", []), ("updated", []), ("error", [("score", "required_empty")]),
    ]  # fmt: skip


def test_visitors_find_their_contact(alice: Actor) -> None:
    site = site_of(alice.workspace)
    stored(site, hit(device(), "identify", email="ann@example.com"))
    (answer,) = send(alice.workspace, [{"email": "ann@example.com"}])
    with tenant_context(alice.workspace.pk):
        visitor = Visitor.objects.get()
        assert (visitor.contact_id, visitor.matched_by, visitor.import_id) == (answer.contact_id, "email", None)


ORDER = {"email": "ann@example.com", "event.id": "O-1", "event.amount": Decimal("12.50"), "event.currency": "eur",
         "event.time": "2026-05-31T10:00:00Z", "event.items": [{"name": "Tent", "quantity": 2}],
         "event.properties": {"gift": True, "note": {"lines": ["a", 1.5]}}}  # fmt: skip


def events(place: Tenant, items: Sequence[Mapping[str, Any]], **options: Any) -> direct_upsert.Result:
    with tenant_context(place.pk):
        return direct_upsert.upsert(items, Options.parse(options))


def test_events_are_stored_once_with_their_contact(alice: Actor) -> None:
    items = [ORDER, ORDER | {"event.id": "O-2"}, ORDER]
    items = [item | {"event.properties": {"gift": True}} for item in items]
    first, again = (events(alice.workspace, items, task="orders") for _ in range(2))
    assert (first.events, first.events_known, again.events, again.events_known) == (2, 1, 0, 3)
    assert Counter(a.outcome for a in first.answers) == {"created": 1, "duplicate": 2}
    with tenant_context(alice.workspace.pk):
        order = Event.objects.order_by("pk")[0]
        assert (order.kind, order.name, order.import_id) == ("order", "order", None)
        assert repr(order.properties["amount"]) == "Decimal('12.50')"
        assert order.properties["items"] == [{"name": "Tent", "quantity": 2}]
        assert (order.properties["gift"], order.properties["currency"]) == (True, "EUR")


def test_what_an_event_cannot_be_without_is_told(alice: Actor) -> None:
    place = alice.workspace
    assert events(place, [{"email": "a@example.com", "event.amount": 1}], task="orders").answers[0].problems[
        0
    ].code == ("order_without_id")
    deep: Any = 1
    for _ in range(2_000):
        deep = [deep]
    for bad in (
        {"a": deep},
        {"x" * 121: 1},
        {str(i): 1 for i in range(101)},
        [1],
        {"a": "\ud800"},
        {"a": float("inf")},
    ):
        answer = events(place, [ORDER | {"event.properties": bad}], task="orders").answers[0]
        assert answer.problems[0].code in ("properties_unreadable", "not_a_value"), bad
    answer = events(place, [ORDER | {"event.items": [deep]}], task="orders").answers[0]
    assert answer.problems[0].code in ("items_unreadable", "not_a_value")
    with tenant_context(place.pk):
        assert not Event.objects.exists()


def test_nobody_is_waited_for_longer_than_a_moment(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an import writes, nothing is written and nothing stays locked."""
    monkeypatch.setattr(write_lock, "PATIENCE_SECONDS", 0)
    with tenant_context(alice.workspace.pk):
        write_lock.lock()
        WriteLock.objects.update(holder=7)
    with tenant_context(alice.workspace.pk), pytest.raises(write_lock.Held):
        direct_upsert.upsert([{"email": "ann@example.com"}], Options())
    with tenant_context(alice.workspace.pk):
        assert not Contact.objects.exists()
        write_lock.release(7, written=False)
    assert send(alice.workspace, [{"email": "ann@example.com"}])[0].outcome == "created"


def test_two_at_once_make_one_contact(alice: Actor) -> None:
    """Both are sure that nobody is there; the second one waits and then finds the contact of the first."""
    found: list[Answer] = []

    def one_call() -> None:
        try:
            found.extend(send(alice.workspace, [{"email": "ann@example.com", "city": "Riga"}]))
        finally:
            connection.close()

    threads = [threading.Thread(target=one_call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.outcome for a in found) == ["created", "unchanged", "unchanged", "unchanged"]
    assert len({a.contact_id for a in found}) == 1


def test_a_call_takes_as_many_statements_for_many_items_as_for_few(alice: Actor) -> None:
    def statements(count: int) -> int:
        items = [
            {"email": f"p{i}@example.com", "external_id": f"{count}-{i}", "row.segments": [f"s{i % 5}"]}
            for i in range(count)
        ]
        seen: list[str] = []

        def note(execute: Any, sql: Any, *more: Any) -> Any:
            seen.append(str(sql))
            return execute(sql, *more)

        with connection.execute_wrapper(note):
            send(alice.workspace, items)
        return len(seen)

    statements(5)  # the segments are there then
    assert statements(10) == statements(direct_upsert.FEW) >= statements(300)


def test_nothing_is_left_behind(alice: Actor) -> None:
    send(alice.workspace, [{"email": "ann@example.com"}])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE %s", [f"t{alice.workspace.pk}\\_direct\\_%"])
        assert cursor.fetchone() == (0,)
    with tenant_context(alice.workspace.pk):
        assert Change.objects.count() == 1
        assert write_lock.version() == 1


def test_more_items_than_a_call_takes(alice: Actor) -> None:
    with pytest.raises(BadOption, match=r"5,001 items are too many"):
        send(alice.workspace, [{"email": "ann@example.com"}] * 5_001)


def test_a_file_and_items_with_nothing_but_our_number_find_their_contacts(alice: Actor) -> None:
    copy_workspace(alice, furnish)
    with tenant_context(alice.workspace.pk):
        ann = Contact.objects.get(external_id="C-1").pk
    imp = bring(alice.workspace, f"our,city\n{ann},Oslo\n", maps={"our": "contact_id"})
    assert (imp.status, imp.updated) == ("imported", 1)
    assert [(a.outcome, a.contact_id) for a in send(alice.workspace, [{"contact_id": ann, "city": "Riga"}])] == [
        ("updated", ann)
    ]


@pytest.mark.parametrize("is_misled", [False, True])
def test_a_call_with_few_items_does_not_go_through_the_workspace(alice: Actor, is_misled: bool) -> None:
    """Nor where what the planner knows is that of other workspaces."""
    people_of = "".join(f"C-{i},p{i}@example.com,P{i}\n" for i in range(4_000))
    bring(alice.workspace, f"external_id,email,first_name\n{people_of}")
    forget_statistics("contact", "alias", "visitor_identifier", "segment_member", "event")
    if is_misled:
        mislead()
    items = [
        {"external_id": f"C-{i}", "email": f"p{i}@example.com", "city": "Riga", "email_status": "unsubscribed"}
        for i in range(5)
    ]
    items += [{"email": f"new{i}@example.com"} for i in range(5)]
    with counted(1_000) as seen:
        outcomes = Counter(a.outcome for a in send(alice.workspace, items, segments=["All"]))
    forget_statistics("contact")
    assert outcomes == {"updated": 5, "created": 5}
    assert len(seen) > 20


def test_a_file_and_a_program_at_once_make_each_contact_once(alice: Actor) -> None:
    """Nothing else says who these people are than their address, of which the database would take two."""
    emails = [f"p{i}@example.com" for i in range(1_500)]
    done: list[Import] = []

    def one_import() -> None:
        try:
            done.append(bring(alice.workspace, "email,city\n" + "".join(f"{email},Riga\n" for email in emails)))
        finally:
            connection.close()

    thread = threading.Thread(target=one_import)
    thread.start()
    for start in range(0, len(emails), 50):
        items = [{"email": email, "city": "Oslo"} for email in reversed(emails[start : start + 50])]
        while True:
            try:
                answers = send(alice.workspace, items)
                break
            except write_lock.Held:
                continue
        assert {a.outcome for a in answers} <= {"created", "updated", "unchanged"}
    thread.join(timeout=60)
    assert done[0].status == "imported"
    with tenant_context(alice.workspace.pk):
        assert Counter(Contact.objects.values_list("email", flat=True)) == dict.fromkeys(emails, 1)
