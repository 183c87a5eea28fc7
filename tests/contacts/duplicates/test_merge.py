"""Making contacts one and taking them apart: values, statuses, what belongs to them, who finds them, two at once."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.duplicates import merge, survivorship
from contacts.errors import NotAllowed
from contacts.models import Alias, Attribute, Change, Contact, Merge, WriteLock
from contacts.profile import quick_actions
from contacts.values import channel_status
from imports.models import Import
from imports.pipeline import undo
from segments.models import Member
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring, work
from tests.workspace_copies import copy_workspace
from tracking.models import Event, Site, Visitor

HEADER = "external_id,email,phone,first_name,last_name,city,tier\n"
ANNA = "C-1,anna@example.com,+447400000001,Anna,Berzina,Riga,gold\n"
OTHER = "M-9,a.berzina@example.org,,Anna,Ozola,,silver\n"


def _two(alice: Actor) -> None:
    """Anna twice, made and changed one after the other, each in a segment of her own and one that both are in."""
    with tenant_context(alice.workspace.pk):
        Attribute.objects.create(key="tier", label="Tier", type="text")
    bring(alice.workspace, HEADER + ANNA, segment="First")
    bring(alice.workspace, HEADER + OTHER, segment="Second")
    bring(alice.workspace, "external_id\nC-1\nM-9\n", segment="Both")


@pytest.fixture
def two(alice: Actor) -> tuple[Actor, Contact, Contact]:
    """Both of them, the second one with a visitor and an event."""
    copy_workspace(alice, _two)
    with tenant_context(alice.workspace.pk):
        first, second = Contact.objects.order_by("pk")
        site = Site.objects.create(name="shop", key=f"k{alice.workspace.pk}")
        now = timezone.now()
        Visitor.objects.create(
            site_id=site.pk, device=f"00000000-0000-4000-8000-{alice.workspace.pk:012}", first_seen=now, last_seen=now,
            contact_id=second.pk, claimed_at=now, matched_by="email",
        )  # fmt: skip
        Event.objects.create(tenant_id=alice.workspace.pk, at=now, kind="order", name="N-1", contact_id=second.pk)
    return alice, first, second


def state(contact_ids: list[int]) -> dict[str, Any]:
    """Everything about contacts that a merge may touch, but when they changed."""
    contacts = Contact.objects.filter(pk__in=contact_ids).order_by("pk").values()
    return {
        "contacts": [{k: v for k, v in c.items() if k != "changed_at"} for c in contacts],
        "members": sorted(Member.objects.values_list("segment_id", "contact_id", "added_at", "import_id")),
        "visitors": sorted(Visitor.objects.values_list("pk", "contact_id")),
        "events": sorted(Event.objects.values_list("pk", "contact_id")),
        "aliases": sorted(Alias.objects.values_list("kind", "value", "contact_id")),
    }


def test_everything_becomes_one_and_comes_back(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    with tenant_context(alice.workspace.pk):
        ids = [first.pk, second.pk]
        before = state(ids)
        made = merge.merge(ids, user_id=alice.user.pk)
        assert made is not None
        one, gone = Contact.objects.get(pk=first.pk), Contact.objects.get(pk=second.pk)
        # The newest value wins; where the newer contact has none, the older one's stays.
        assert (one.external_id, one.email, one.phone) == ("M-9", "a.berzina@example.org", "+447400000001")
        assert (one.last_name, one.last_key) == ("Ozola", "ozola")
        assert one.attributes == {"city": "Riga", "tier": "silver"}
        assert (gone.merged_into, gone.deleted_reason) == (one.pk, f"Merged into contact {one.pk}")
        assert Contact.objects.living().count() == 1
        assert set(Member.objects.values_list("contact_id", flat=True)) == {one.pk}
        assert Member.objects.count() == 3
        assert {v.contact_id for v in Visitor.objects.all()} == {e.contact_id for e in Event.objects.all()} == {one.pk}
        assert set(Alias.objects.values_list("kind", "value")) == {
            ("external_id", "C-1"),
            ("email", "anna@example.com"),
        }
        assert merge.merged_ids(one.pk) == ids
        assert Change.objects.filter(contact_id=one.pk, at=one.changed_at).exists()
        assert merge.undo(made.pk, user_id=alice.user.pk) == 0
        assert state(ids) == before
        assert merge.undo(made.pk, user_id=alice.user.pk) == 0
        assert state(ids) == before
        verbs = AuditEntry.objects.filter(verb__in=(merge.MERGED, merge.UNMERGED)).order_by("pk")
        assert [v.verb for v in verbs] == [merge.MERGED, merge.UNMERGED]


@pytest.mark.parametrize(
    ("rule", "chosen", "expected"),
    [
        ("newest", {}, ("M-9", "Ozola", "silver")),
        ("oldest", {}, ("C-1", "Berzina", "gold")),
        ("fullest", {}, ("C-1", "Berzina", "gold")),
        ("newest", {"external_id": "first", "tier": "first"}, ("C-1", "Ozola", "gold")),
        ("oldest", {"last_name": "second", "phone": "second"}, ("C-1", "Ozola", "gold")),
    ],
)
def test_rules_and_choices(
    two: tuple[Actor, Contact, Contact], rule: str, chosen: dict[str, str], expected: tuple[str, str, str]
) -> None:
    alice, first, second = two
    picked = {key: (first if who == "first" else second).pk for key, who in chosen.items()}
    with tenant_context(alice.workspace.pk):
        merge.merge([first.pk, second.pk], rule=rule, chosen=picked, user_id=None)
        one = Contact.objects.get(pk=first.pk)
    assert (one.external_id, one.last_name, one.attributes["tier"]) == expected
    assert one.phone == "+447400000001"  # nobody can choose that a known value becomes empty


@pytest.mark.parametrize("channel", ["email", "phone"])
def test_the_stricter_status_wins_with_its_date_and_reason(two: tuple[Actor, Contact, Contact], channel: str) -> None:
    alice, first, second = two
    for mine in channel_status.ORDERS[channel]:
        for theirs in channel_status.ORDERS[channel]:
            with tenant_context(alice.workspace.pk):
                at = timezone.now()
                for contact, status in ((first, mine), (second, theirs)):
                    values = {f"{channel}_status": status, f"{channel}_status_at": at,
                              f"{channel}_status_reason": status}  # fmt: skip
                    Contact.objects.filter(pk=contact.pk).update(**values)
                made = merge.merge([first.pk, second.pk], user_id=None)
                assert made is not None
                one = Contact.objects.get(pk=first.pk)
                strict = max(mine, theirs, key=channel_status.ORDERS[channel].index)
                assert getattr(one, f"{channel}_status") == getattr(one, f"{channel}_status_reason") == strict
                merge.undo(made.pk, user_id=None)
                assert getattr(Contact.objects.get(pk=first.pk), f"{channel}_status") == mine
                assert getattr(Contact.objects.get(pk=second.pk), f"{channel}_status") == theirs


def test_what_somebody_has_changed_since_stays(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    with tenant_context(alice.workspace.pk):
        made = merge.merge([first.pk, second.pk], user_id=None)
        assert made is not None
        one = Contact.objects.get(pk=first.pk)
        one.attributes["tier"] = "platinum"
        one.save()
        assert merge.undo(made.pk, user_id=None) == 1
        one, other = Contact.objects.get(pk=first.pk), Contact.objects.get(pk=second.pk)
        assert (one.attributes["tier"], one.external_id, other.attributes["tier"]) == ("platinum", "C-1", "silver")


def test_merging_again_writes_nothing(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    ids = [first.pk, second.pk]
    with tenant_context(alice.workspace.pk):
        merge.merge(ids, user_id=None)
        before = (state(ids), WriteLock.objects.get().version, Merge.objects.count())
        assert merge.merge(ids, user_id=None) is None
        assert merge.merge([second.pk, second.pk], user_id=None) is None
        assert (state(ids), WriteLock.objects.get().version, Merge.objects.count()) == before


def test_chains_of_merges_come_apart_in_their_order_only(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    bring(alice.workspace, HEADER + "Z-1,zoe@example.com,,Zoe,Berzina,,\n")
    with tenant_context(alice.workspace.pk):
        third = Contact.objects.get(external_id="Z-1")
        ids = [first.pk, second.pk, third.pk]
        before = state(ids)
        inner = merge.merge([second.pk, third.pk], user_id=None)
        outer = merge.merge([first.pk, third.pk], user_id=None)  # leads to the second, and so on to the first
        assert inner is not None
        assert outer is not None
        assert (outer.contact_id, outer.losers) == (first.pk, [second.pk])
        assert merge.current_contact(Contact.objects.get(pk=third.pk)).pk == first.pk
        assert set(merge.merged_ids(first.pk)) == set(ids)
        with pytest.raises(NotAllowed, match="Undo that merge first"):
            merge.undo(inner.pk, user_id=None)
        merge.undo(outer.pk, user_id=None)
        merge.undo(inner.pk, user_id=None)
        assert state(ids) == before


def test_an_external_id_that_somebody_took_meanwhile_is_said(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    with tenant_context(alice.workspace.pk):
        made = merge.merge([first.pk, second.pk], rule="oldest", user_id=None)
        assert made is not None
        Alias.objects.filter(value="M-9").delete()
        Contact.objects.create(external_id="M-9", first_name="New", origin="manual")
        with pytest.raises(NotAllowed, match="now has the external ID M-9"):
            merge.undo(made.pk, user_id=None)
        Contact.objects.filter(external_id="M-9", deleted_at=None).update(external_id="M-10")
        Contact.objects.filter(pk=first.pk).update(external_id="M-9")
        with pytest.raises(NotAllowed, match="now has the external ID M-9"):
            merge.undo(made.pk, user_id=None)


def test_after_thirty_days_a_merge_is_final(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    with tenant_context(alice.workspace.pk):
        made = merge.merge([first.pk, second.pk], user_id=None)
        assert made is not None
        Merge.objects.update(made_at=timezone.now() - timedelta(days=31))
        with pytest.raises(NotAllowed, match="30 days"):
            merge.undo(made.pk, user_id=None)


def test_imports_and_searches_find_the_one_by_all_its_names(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    with tenant_context(alice.workspace.pk):
        merge.merge([first.pk, second.pk], rule="oldest", user_id=None)
    imp = bring(alice.workspace, "external_id,city\nM-9,Oslo\n")
    assert (imp.created, imp.updated) == (0, 1)
    imp = bring(alice.workspace, "email,city\nA.Berzina@Example.org,Bergen\nanna@example.com,Bergen\n")
    assert (imp.created, imp.updated, imp.duplicates) == (0, 1, 1)
    with tenant_context(alice.workspace.pk):
        one = Contact.objects.living().get()
        assert (one.pk, one.external_id, one.email) == (first.pk, "C-1", "anna@example.com")
        assert one.attributes["city"] == "Bergen"
    for typed in ("M-9", "a.berzina@example.org", "C-1"):
        assert [c.pk for c in alice.get("contacts/", data={"q": typed}).context["contacts"]] == [first.pk], typed
    # Somebody else who has the identifier as their own wins over the alias.
    with tenant_context(alice.workspace.pk):
        Contact.objects.create(email="a.berzina@example.org", origin="manual")
    imp = bring(alice.workspace, "email,city\na.berzina@example.org,Paris\n")
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get(email="a.berzina@example.org", deleted_at=None).attributes["city"] == "Paris"


def test_the_profile_of_one_who_was_merged_leads_on(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    with tenant_context(alice.workspace.pk):
        merge.merge([first.pk, second.pk], user_id=None)
        with pytest.raises(NotAllowed, match="Undo the merge"):
            quick_actions.restore(second.pk, user_id=alice.user.pk)
    answer = alice.get(f"contacts/{second.pk}/")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/contacts/{first.pk}/")
    page = alice.get(f"contacts/{first.pk}/").content.decode()
    assert f"Contact {second.pk} was merged into this one" in page
    assert "Previous identifiers" in page
    origins = alice.get(f"imports/origins/{first.pk}/")
    assert origins.status_code == 200


def test_an_import_that_writes_is_not_disturbed(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    with tenant_context(alice.workspace.pk):
        made = merge.merge([first.pk, second.pk], user_id=None)
        assert made is not None
        WriteLock.objects.update(holder=99)
        for act in (lambda: merge.merge([first.pk, second.pk], user_id=None),
                    lambda: merge.undo(made.pk, user_id=None)):  # fmt: skip
            with pytest.raises(NotAllowed, match="import is changing"):
                act()
        WriteLock.objects.update(holder=None)


def test_undoing_the_import_that_made_the_other_keeps_it(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    with tenant_context(alice.workspace.pk):
        made = merge.merge([first.pk, second.pk], user_id=None)
        assert made is not None
        second_import = Import.objects.order_by("pk")[1]
        undo.request(second_import, "undo", user=alice.user)
    work(alice.workspace, second_import)
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.filter(pk=second.pk).exists()
        merge.undo(made.pk, user_id=None)
        assert Contact.objects.living().count() == 2


def test_two_merges_that_meet_end_as_one(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    bring(alice.workspace, HEADER + "Z-1,zoe@example.com,,Zoe,Berzina,,\n")
    with tenant_context(alice.workspace.pk):
        third = Contact.objects.get(external_id="Z-1")
    problems: list[BaseException] = []

    def run(ids: list[int]) -> None:
        try:
            with tenant_context(alice.workspace.pk):
                merge.merge(ids, user_id=None)
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    pairs = ([first.pk, second.pk], [third.pk, second.pk], [third.pk, first.pk], [second.pk, first.pk])
    threads = [threading.Thread(target=run, args=(pair,)) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert problems == []
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.living().get().pk == first.pk
        assert Merge.objects.count() == 2


# --- pages ------------------------------------------------------------------------------------------------------------


def test_the_comparison_shows_what_will_be(two: tuple[Actor, Contact, Contact]) -> None:
    alice, first, second = two
    answer = alice.get(f"contacts/merge/?id={first.pk}&id={second.pk}&field.tier={first.pk}")
    assert answer.status_code == 200
    fields = {f.key: f for f in answer.context["fields"]}
    assert fields["tier"].result.value == "gold"
    assert fields["external_id"].result.value == "M-9"
    assert not fields["first_name"].differs
    assert answer.context["moves"] == [(1, "visitor"), (1, "event"), (2, "segments")]
    answer = alice.post("contacts/merge/", {"id": [first.pk, second.pk], "rule": "oldest", "field.tier": second.pk})
    assert answer.status_code == 302
    with tenant_context(alice.workspace.pk):
        one = Contact.objects.get(pk=first.pk)
        made = Merge.objects.get()
    assert (one.external_id, one.attributes["tier"]) == ("C-1", "silver")
    page = alice.get("contacts/duplicates/merged/").content.decode()
    assert f"contact {second.pk}" in page
    alice.post(f"contacts/merges/{made.pk}/undo/")
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.living().count() == 2


def test_who_may_not(two: tuple[Actor, Contact, Contact], charlie: Actor) -> None:
    alice, first, second = two
    assert charlie.post("contacts/merge/", {"id": [first.pk, second.pk]}).status_code == 404
    assert charlie.get(f"contacts/merge/?id={first.pk}&id={second.pk}").context["compared"] == []
    with tenant_context(alice.workspace.pk):
        assert Merge.objects.count() == 0
        made = merge.merge([first.pk, second.pk], user_id=None)
        assert made is not None
    assert charlie.post(f"contacts/merges/{made.pk}/undo/").status_code == 404


@pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30], ["1"]])
def test_nobody_to_compare(alice: Actor, ids: list[str]) -> None:
    answer = alice.get("contacts/merge/", data={"id": ids})
    assert (answer.status_code, answer.context["compared"]) == (200, [])


def test_values_are_chosen_the_same_way_whatever_the_order() -> None:
    now = timezone.now()
    made = [
        Contact(pk=pk, first_name=name, attributes={"x": pk}, created_at=now, changed_at=now)
        for pk, name in ((1, "A"), (2, None), (3, "C"))
    ]
    for rule in survivorship.RULES:
        answers = {
            tuple(f.result.value for f in survivorship.fields(order, labels={}, rule=rule, chosen={}) if f.result)
            for order in (made, made[::-1], [made[1], made[2], made[0]])
        }
        assert len(answers) == 1, rule


# --- letters of their own ---------------------------------------------------------------------------------------------


def _people(key: str, *values: str | None) -> list[Contact]:
    """Contacts of which the last one is the newest."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Contact(pk=i, changed_at=at + timedelta(days=i), created_at=at, attributes={}, **{key: value})
        for i, value in enumerate(values, start=1)
    ]


@pytest.mark.parametrize(
    ("key", "values", "kept"),
    [
        ("first_name", ("Łukasz", "Lukas"), "Łukasz"),
        ("first_name", ("Łukasz", "Lukasz"), "Łukasz"),
        ("first_name", ("Lukas", "Łukasz"), "Łukasz"),
        ("last_name", ("Król", "Krol"), "Król"),
        ("last_name", ("Müller", "Mueller"), "Müller"),
        ("last_name", ("Müller", "Muller", "MULLER"), "Müller"),
        ("last_name", ("Weiß", "Weiss"), "Weiß"),
        ("last_name", ("Bråthen", "Braathen"), "Bråthen"),
        ("last_name", ("Sørensen", "Soerensen"), "Sørensen"),
        ("last_name", ("Žukas", "Zhukas"), "Žukas"),
        ("first_name", ("José", "Jose", None), "José"),
        ("first_name", ("José", "Josè"), "Josè"),
        # Other values, not other letters: the rule decides.
        ("first_name", ("José", "Anna"), "Anna"),
        ("first_name", ("Łukasz", "Lena"), "Lena"),
        ("first_name", ("Anna", "ANNA"), "ANNA"),
        ("first_name", ("Philipp", "Filip"), "Filip"),
        ("first_name", ("Анна", "Anna"), "Anna"),
        # Identifiers are no spelling.
        ("email", ("josé@example.com", "jose@example.com"), "jose@example.com"),
        ("external_id", ("É-1", "E-1"), "E-1"),
    ],
)
def test_the_form_with_its_own_letters_is_kept(key: str, values: tuple[str | None, ...], kept: str) -> None:
    field = survivorship.fields(_people(key, *values), labels={}, rule="newest", chosen={})[0]
    assert field.result is not None
    assert field.result.value == kept


def test_letters_count_in_fields_of_the_workspace_and_never_over_a_choice() -> None:
    first, second = _people("first_name", "Łukasz", "Lukas")
    first.attributes, second.attributes = {"city": "Łódź", "n": 1}, {"city": "Lodz", "n": 2}
    found = {
        f.key: f.result
        for f in survivorship.fields([first, second], labels={}, rule="newest", chosen={"first_name": 2})
    }
    assert {key: value and value.value for key, value in found.items()} == {
        "first_name": "Lukas",
        "city": "Łódź",
        "n": 2,
    }
