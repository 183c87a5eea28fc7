"""The lists of contacts: status filters with their counts, pages in both directions, one-click acts and the way back."""

from collections import Counter
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from contacts import change_log
from contacts.duplicates import merge
from contacts.errors import NotAllowed
from contacts.listing import contact_list, status_filters
from contacts.listing.contact_list import ListQuery
from contacts.listing.status_filters import FILTERS
from contacts.models import Change, Contact, WriteLock
from contacts.profile import quick_actions
from imports.models import Phase
from imports.options import Options
from imports.pipeline import undo
from imports.wizard import column_choices, upload
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.cast import Actor, actor
from tests.imports.helpers import bring, receive, work, work_until
from tests.workspace_copies import copy_workspace

# name → (e-mail status or None, phone status or None, deleted)
PEOPLE: dict[str, tuple[str | None, str | None, bool]] = {
    "Anna": ("active", "active", False),
    "Bert": ("unsubscribed", None, False),
    "Cara": ("spam", "blacklisted", False),
    "Dora": ("not_confirmed", None, False),
    "Emil": ("blacklisted", None, False),
    "Fine": (None, "active", False),
    "Gina": ("active", None, True),
    "Hans": ("spam", "active", True),
    "Inga": ("active", None, False),
}


def _people_of(alice: Actor) -> None:
    lines = [
        f"{f'{name.lower()}@example.com' if email else ''},{f'+4474000000{i:02}' if phone else ''},{name}"
        for i, (name, (email, phone, _gone)) in enumerate(PEOPLE.items())
    ]
    rows = "".join(f"{line}\n" for line in lines)
    bring(alice.workspace, "email,phone,first_name\n" + rows, user=alice.user)
    with tenant_context(alice.workspace.pk):
        for name, (email, phone, gone) in PEOPLE.items():
            found = {"deleted_at": timezone.now(), "deleted_reason": "Other"} if gone else {}
            if email:
                found |= {"email_status": email}
            if phone:
                found |= {"phone_status": phone}
            Contact.objects.filter(first_name=name).update(**found)
        WriteLock.objects.update(version=100)


@pytest.fixture
def people_of(alice: Actor) -> Actor:
    copy_workspace(alice, _people_of)
    return alice


def names(actor_: Actor, query: str) -> list[str]:
    response = actor_.get(f"contacts/?{query}")
    assert response.status_code == 200
    return [c.first_name for c in response.context["contacts"]]


def meant(key: str, *, deleted: bool) -> set[str]:
    """Who stands under a filter, by the words of the issue and not by the code."""
    channel, _dot, status = key.partition(".")
    found = set()
    for name, (email, phone, gone) in PEOPLE.items():
        has = email if channel == "email" else phone
        if channel and (has is None or (status and has != status)):
            continue
        if gone == deleted or (key == "email" and not deleted):
            found.add(name)
    return found


@pytest.mark.parametrize("deleted", [False, True], ids=["all", "deleted"])
@pytest.mark.parametrize("key", [key for key, found in FILTERS.items() if not found.over])
def test_filters_show_who_they_mean_and_count_them(people_of: Actor, key: str, deleted: bool) -> None:
    wanted = meant(key, deleted=deleted)
    for order in contact_list.DELETED_ORDERS if deleted else contact_list.LIVING_ORDERS:
        query = f"status={key}&order={order}&show={'deleted' if deleted else ''}"
        assert set(names(people_of, query)) == wanted
    context = people_of.get(f"contacts/?{query}").context
    assert context["total"] == len(wanted)
    shown = {f["url"]: f["count"] for group in context["rail"] for f in group["filters"]}
    assert len(wanted) in shown.values()
    current = [f["count"] for group in context["rail"] for f in group["filters"] if f["current"]]
    assert current == [len(wanted)]


def test_counts_follow_what_is_written(people_of: Actor) -> None:
    with tenant_context(people_of.workspace.pk):
        before = Counter(
            {key: status_filters.count(status_filters.cells(), f, deleted=False) for key, f in FILTERS.items()}
        )
        anna = Contact.objects.get(first_name="Anna")
        quick_actions.perform(anna.pk, quick_actions.QUICK_ACTIONS["unsubscribe"], user_id=people_of.user.pk)
        after = Counter(
            {key: status_filters.count(status_filters.cells(), f, deleted=False) for key, f in FILTERS.items()}
        )
    assert after - before == Counter({"email.unsubscribed": 1})
    assert before - after == Counter({"email.active": 1})


def test_a_filter_and_a_search_hold_together(people_of: Actor) -> None:
    assert names(people_of, "q=b&status=email.unsubscribed") == ["Bert"]
    assert names(people_of, "q=bert&status=email.spam") == []
    assert names(people_of, "q=hans") == []
    assert names(people_of, "q=hans&show=deleted") == ["Hans"]


@pytest.mark.parametrize(
    "query", ["status=nobody&order=up&size=7&show=x", "after=x&before=y", "after=1_2&order=changed"]
)
def test_what_makes_no_sense_is_left_out(people_of: Actor, query: str) -> None:
    assert set(names(people_of, query)) == meant("", deleted=False)


def many(tenant: Tenant, count: int) -> None:
    bring(tenant, "email\n" + "".join(f"p{i:03}@example.com\n" for i in range(count)))
    with tenant_context(tenant.pk):
        now = timezone.now()
        for contact in Contact.objects.order_by("pk")[: count // 2]:
            contact.changed_at = now
            contact.deleted_at, contact.email_status = now, "spam"
            contact.save()
            Change.objects.create(tenant_id=tenant.pk, at=now, contact_id=contact.pk)
        Contact.objects.annotate(place=F("pk") % 4).filter(place__gt=0).update(rating=F("pk") % 4)
        WriteLock.objects.update(version=100)


@pytest.mark.parametrize(
    "query",
    [
        *(f"order={order}" for order in contact_list.LIVING_ORDERS),
        *(f"show=deleted&order={order}" for order in contact_list.DELETED_ORDERS),
        "status=email.spam&show=deleted&order=deleted",
        "status=email&order=-changed",
        "q=p&order=changed",
    ],
)
def test_pages_there_and_back(alice: Actor, query: str) -> None:
    """Forward to the end and back to the beginning, everybody once in the same order, whatever many have in common."""
    many(alice.workspace, 150)
    with tenant_context(alice.workspace.pk):
        given = dict(pair.split("=") for pair in query.split("&"))
        asked = ListQuery.of({**given, "size": "25"}, region=None)
        first = contact_list.page(asked)
        pages, shown = [first], first
        while shown.older:
            shown = contact_list.page(ListQuery.of({**given, "size": "25", "after": shown.older}, region=None))
            pages.append(shown)
        back = [shown]
        while shown.newer:
            shown = contact_list.page(ListQuery.of({**given, "size": "25", "before": shown.newer}, region=None))
            back.append(shown)
        everybody = [c.pk for page in pages for c in page.contacts]
        assert everybody == [c.pk for page in reversed(back) for c in page.contacts]
        assert len(everybody) == len(set(everybody)) == contact_list.matching(asked).count()
        assert [first.newer, back[-1].newer] == [None, None]


# --- acts -----------------------------------------------------------------------------------------------------------------


def contact_of(who: Actor, name: str) -> Contact:
    with tenant_context(who.workspace.pk):
        found: Contact = Contact.objects.get(first_name=name)
        return found


def entry_of(who: Actor, verb: str) -> AuditEntry:
    with tenant_context(who.workspace.pk):
        found: AuditEntry = AuditEntry.objects.filter(verb=verb).latest("pk")
        return found


@pytest.mark.parametrize(
    ("act", "name", "channel", "before", "after"),
    [
        ("unsubscribe", "Anna", "email", "active", "unsubscribed"),
        ("unsubscribe", "Dora", "email", "not_confirmed", "unsubscribed"),
        ("clear-spam", "Cara", "email", "spam", "active"),
        ("blacklist-email", "Anna", "email", "active", "blacklisted"),
        ("blacklist-phone", "Fine", "phone", "active", "blacklisted"),
    ],
)
def test_one_click_and_its_undo(people_of: Actor, act: str, name: str, channel: str, before: str, after: str) -> None:
    contact = contact_of(people_of, name)
    page = people_of.post(f"contacts/{contact.pk}/act/{act}/", follow=True)
    assert "Undo" in page.content.decode()
    changed = contact_of(people_of, name)
    assert getattr(changed, f"{channel}_status") == after
    assert getattr(changed, f"{channel}_status_at") is not None
    assert changed.changed_at > contact.changed_at
    entry = entry_of(people_of, quick_actions.QUICK_ACTIONS[act].verb)
    assert (entry.user_id, entry.object) == (people_of.user.pk, f"contact {contact.pk}")
    people_of.post(f"contacts/undo/{entry.pk}/")
    again = contact_of(people_of, name)
    assert getattr(again, f"{channel}_status") == before
    assert getattr(again, f"{channel}_status_at") == getattr(contact, f"{channel}_status_at")
    assert names(people_of, "order=-changed")[0] == name
    assert "Nothing was undone" in people_of.post(f"contacts/undo/{entry.pk}/", follow=True).content.decode()


@pytest.mark.parametrize(
    ("act", "name"), [("unsubscribe", "Bert"), ("clear-spam", "Anna"), ("blacklist-phone", "Bert")]
)
def test_an_act_that_makes_no_sense_changes_nothing(people_of: Actor, act: str, name: str) -> None:
    contact = contact_of(people_of, name)
    page = people_of.post(f"contacts/{contact.pk}/act/{act}/", follow=True).content.decode()
    assert "this action no longer applies" in page
    assert contact_of(people_of, name).changed_at == contact.changed_at


def test_deleted_restored_and_back_again(people_of: Actor) -> None:
    contact = contact_of(people_of, "Anna")
    assert "Delete Anna?" in people_of.get(f"contacts/{contact.pk}/delete/").content.decode()
    assert people_of.post(f"contacts/{contact.pk}/delete/", {"reason": "because"}).status_code == 422
    people_of.post(f"contacts/{contact.pk}/delete/", {"reason": "Duplicate"})
    gone = contact_of(people_of, "Anna")
    assert (gone.deleted_at is not None, gone.deleted_reason) == (True, "Duplicate")
    assert "Anna" not in names(people_of, "")
    assert names(people_of, "show=deleted")[0] == "Anna"
    assert f"Duplicate, by {people_of.user.display_name}" in people_of.get("contacts/?show=deleted").text
    assert f"by {people_of.user.display_name}" in people_of.get(f"contacts/{contact.pk}/").text
    people_of.post(f"contacts/undo/{entry_of(people_of, quick_actions.DELETED).pk}/")
    assert contact_of(people_of, "Anna").deleted_at is None
    people_of.post(f"contacts/{contact.pk}/delete/", {"reason": "Duplicate"})
    people_of.post(f"contacts/{contact.pk}/restore/")
    assert contact_of(people_of, "Anna").deleted_at is None
    people_of.post(f"contacts/undo/{entry_of(people_of, quick_actions.RESTORED).pk}/")
    again = contact_of(people_of, "Anna")
    assert (again.deleted_at is not None, again.deleted_reason) == (True, "Duplicate")


def _taken(alice: Actor) -> None:
    bring(alice.workspace, "external_id,first_name,city\nC-1,Old,Riga\n")
    old = contact_of(alice, "Old")
    alice.post(f"contacts/{old.pk}/delete/", {"reason": "Other"})
    bring(alice.workspace, "external_id,first_name\nC-2,New\n")
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(first_name="New").update(external_id="C-1")


@pytest.fixture
def taken(alice: Actor) -> tuple[Actor, Contact, Contact]:
    """Somebody deleted, whose external ID another contact has meanwhile."""
    copy_workspace(alice, _taken)
    return alice, contact_of(alice, "Old"), contact_of(alice, "New")


def test_nobody_comes_back_unasked_while_somebody_else_has_the_id(taken: tuple[Actor, Contact, Contact]) -> None:
    alice, old, _new = taken
    answer = alice.post(f"contacts/{old.pk}/restore/")
    assert answer.status_code == 422
    assert "two contacts cannot share an external ID" in answer.text
    assert "Merge with New" in answer.text
    assert contact_of(alice, "Old").deleted_at is not None
    with tenant_context(alice.workspace.pk), pytest.raises(NotAllowed, match="now has the external ID C-1"):
        quick_actions.restore(old.pk, user_id=alice.user.pk)


def test_somebody_comes_back_without_the_id(taken: tuple[Actor, Contact, Contact]) -> None:
    alice, old, _new = taken
    alice.post(f"contacts/{old.pk}/restore/", {"how": "alone"})
    back = contact_of(alice, "Old")
    assert (back.deleted_at, back.external_id) == (None, None)
    assert contact_of(alice, "New").external_id == "C-1"
    alice.post(f"contacts/undo/{entry_of(alice, quick_actions.RESTORED).pk}/")
    again = contact_of(alice, "Old")
    assert (again.deleted_at is not None, again.external_id, again.deleted_reason) == (True, "C-1", "Other")


def test_somebody_comes_back_as_part_of_who_has_the_id(taken: tuple[Actor, Contact, Contact]) -> None:
    alice, old, new = taken
    answer = alice.post(f"contacts/{old.pk}/restore/", {"how": "merge"})
    assert answer.headers["Location"].endswith(f"/contacts/{new.pk}/")
    with tenant_context(alice.workspace.pk):
        only = Contact.objects.living().get()
        assert (only.external_id, only.attributes["city"]) == ("C-1", "Riga")
        assert merge.current_contact(Contact.objects.get(pk=old.pk)).pk == only.pk


def test_a_plan_made_before_is_out_of_date(people_of: Actor) -> None:
    with tenant_context(people_of.workspace.pk):
        before = WriteLock.objects.get().version
        quick_actions.delete(contact_of_pk(people_of, "Anna"), reason="Other", user_id=people_of.user.pk)
        assert WriteLock.objects.get().version == before + 1


def contact_of_pk(who: Actor, name: str) -> int:
    return int(Contact.objects.values_list("pk", flat=True).get(first_name=name))


@pytest.mark.parametrize("path", ["act/unsubscribe/", "delete/", "restore/"])
def test_who_may_not(people_of: Actor, path: str) -> None:
    contact = contact_of(people_of, "Anna")
    for other in (actor("Vera", people_of.workspace, role="viewer"), actor("Charlie")):
        assert other.post(f"contacts/{contact.pk}/{path}", {"reason": "Other"}).status_code == 404
    assert contact_of(people_of, "Anna").changed_at == contact.changed_at
    assert "/act/" in people_of.get("contacts/").content.decode()
    assert "/act/" not in actor("Vera", people_of.workspace, role="viewer").get("contacts/").content.decode()


@pytest.mark.parametrize(
    "next_", ["//evil.example/", "https://evil.example/", "/w/other/contacts/", "javascript:alert(1)", "\\\\evil"]
)
def test_nobody_is_sent_elsewhere(people_of: Actor, next_: str) -> None:
    contact = contact_of(people_of, "Anna")
    answer: Any = people_of.post(f"contacts/{contact.pk}/act/unsubscribe/", {"next": next_})
    assert answer.headers["Location"] == people_of.url(f"contacts/{contact.pk}/")


def test_entries_that_are_no_act_cannot_be_undone(people_of: Actor) -> None:
    with tenant_context(people_of.workspace.pk):
        entry = AuditEntry.objects.create(verb="member.role", detail={"contact": contact_of_pk(people_of, "Anna")})
    assert "cannot be undone" in people_of.post(f"contacts/undo/{entry.pk}/", follow=True).content.decode()
    assert people_of.post("contacts/undo/999999999/").status_code == 404


def test_while_an_import_writes_consent_only_becomes_stricter(alice: Actor) -> None:
    """Between plan and writing a person unsubscribes, complains about or deletes somebody: that stays."""
    names_ = ("Anna", "Bert", "Cara")
    bring(alice.workspace, "email,first_name\n" + "".join(f"{n.lower()}@example.com,{n}\n" for n in names_))
    rows = "".join(
        f"{n.lower()}@example.com,{s}\n" for n, s in zip(names_, ("blacklisted", "blacklisted", ""), strict=True)
    )
    imp = receive(alice.workspace, "email,email_status\n" + rows)
    with tenant_context(alice.workspace.pk):
        options = Options.parse({"deleted": "restore"})
        mapped = column_choices.apply_choices(imp, {"email_status": "email_status"}, options=options)
        upload.start(imp, options=options, columns=mapped, auto_start=True)
    work_until(alice.workspace, imp, Phase.APPLY)
    with tenant_context(alice.workspace.pk):
        quick_actions.perform(
            contact_of_pk(alice, "Anna"), quick_actions.QUICK_ACTIONS["unsubscribe"], user_id=alice.user.pk
        )
        quick_actions.delete(contact_of_pk(alice, "Cara"), reason="Other", user_id=alice.user.pk)
    assert work(alice.workspace, imp).status == "imported"
    assert contact_of(alice, "Anna").email_status == "unsubscribed"
    assert contact_of(alice, "Bert").email_status == "blacklisted"
    assert contact_of(alice, "Cara").deleted_at is not None


def by_change(tenant: Tenant, order: str = "changed") -> list[int]:
    with tenant_context(tenant.pk):
        return [c.pk for c in contact_list.page(ListQuery.of({"order": order, "size": "200"}, region=None)).contacts]


def test_the_order_of_changes_is_tidied_and_an_undo_still_finds_its_place(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "SPARE", 5)
    rows = [f"p{i}@example.com" for i in range(30)]
    bring(tenant, "email,city\n" + "".join(f"{email},Riga\n" for email in rows))
    before = by_change(tenant)
    later = bring(tenant, "email,city\n" + "".join(f"{email},Oslo\n" for email in [*rows[:20], "new@example.com"]))
    with tenant_context(tenant.pk):
        entries = Change.objects.count()
    assert entries == 31, "each contact has one place"
    assert len(by_change(tenant)) == 31
    with tenant_context(tenant.pk):
        assert undo.request(later, "undo", user=None)
    work(tenant, later)
    assert sorted(by_change(tenant)) == sorted(before)
    assert by_change(tenant, "-changed") == by_change(tenant)[::-1]
    with tenant_context(tenant.pk):
        assert undo.request(later, "redo", user=None)
    work(tenant, later)
    assert len(by_change(tenant)) == 31


def test_where_few_stand_on_the_way_they_are_sorted(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    many(tenant, 60)
    expected = by_change(tenant)
    monkeypatch.setattr(change_log, "STEP", 5)
    monkeypatch.setattr(change_log, "MOST_STEPS", 2)
    assert by_change(tenant) == expected
    assert len(expected) == 30


def test_over_the_limit_of_the_plan(alice: Actor) -> None:
    bring(alice.workspace, "external_id,email\n" + "".join(f"C-{i},p{i}@example.com\n" for i in range(5)) + "C-9,\n")
    assert "Over the limit" not in alice.get("contacts/").content.decode()
    Tenant.objects.filter(pk=alice.workspace.pk).update(contact_limit=3)
    page = " ".join(alice.get("contacts/?status=email.over").text.split())
    assert "<b>2</b> of 6 contacts" in page
    assert ("p3@example.com" in page, "p4@example.com" in page, "p2@example.com" in page) == (True, True, False)
    Tenant.objects.filter(pk=alice.workspace.pk).update(contact_limit=50)
    page = " ".join(alice.get("contacts/?status=email.over").text.split())
    assert "<b>0</b> of 6 contacts" in page
