"""What is on a blacklist gets no messages, whoever has it now or later; and it can come off again."""

import pytest

from contacts.consent import blacklist
from contacts.models import BlacklistEntry, Contact, StatusReason
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.contacts.profile.test_edit import ANN
from tests.imports.helpers import bring

ROWS = "external_id,email,phone,first_name\nC-1,ann@example.com,+447911123456,Ann\nC-2,bob@example.com,,Bob\n"


def statuses(who: Actor) -> dict[str, tuple[str, str]]:
    with tenant_context(who.workspace.pk):
        return {c.external_id: (c.email_status, c.phone_status) for c in Contact.objects.all()}


def put(who: Actor, kind: str, *values: str) -> None:
    with tenant_context(who.workspace.pk):
        blacklist.add(kind, values, reason="", user_id=who.user.pk)


def test_contacts_that_have_it_now(alice: Actor, charlie: Actor) -> None:
    bring(alice.workspace, ROWS)
    bring(charlie.workspace, ROWS)
    alice.post("contacts/blacklist/add/", {"values": " Ann@Example.com \n\nann@example.com", "reason": "bounces"})
    assert statuses(alice) == {"C-1": ("blacklisted", "active"), "C-2": ("active", "active")}
    assert statuses(charlie) == {"C-1": ("active", "active"), "C-2": ("active", "active")}
    page = alice.get("contacts/blacklist/").content.decode()
    assert "ann@example.com" in page
    assert "bounces" in page
    with tenant_context(alice.workspace.pk):
        assert BlacklistEntry.objects.count() == 1
        assert AuditEntry.objects.filter(verb="blacklist.added").count() == 1


def test_contacts_that_come_to_have_it(alice: Actor) -> None:
    put(alice, "phone", "+447911123456")
    put(alice, "email", "bob@example.com", "new@example.com")
    bring(alice.workspace, ROWS)
    assert statuses(alice) == {"C-1": ("active", "blacklisted"), "C-2": ("blacklisted", "active")}
    bring(alice.workspace, "external_id,email\nC-1,new@example.com\n")
    assert statuses(alice)["C-1"] == ("blacklisted", "blacklisted")
    alice.post("contacts/new/", {**ANN, "external_id": "C-3", "email": "new@example.com", "phone": ""})
    assert statuses(alice)["C-3"] == ("blacklisted", "active")


def test_a_reason_reads_otherwise_and_undo_still_finds_its_contacts(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stored code never changes, so rows of an earlier version are found too; pages show its label."""
    bring(alice.workspace, ROWS)
    put(alice, "email", "ann@example.com")
    with tenant_context(alice.workspace.pk):
        ann = Contact.objects.get(external_id="C-1")
        assert ann.email_status_reason == "on the blacklist"
        entry = BlacklistEntry.objects.get()
    monkeypatch.setattr(StatusReason.BLACKLIST, "_label_", "listed under Blacklist")
    assert "listed under Blacklist" in alice.get(f"contacts/{ann.pk}/").text
    assert alice.post(f"contacts/blacklist/{entry.pk}/remove/").status_code == 302
    assert statuses(alice)["C-1"] == ("active", "active")


def test_a_reason_that_is_no_code_is_shown_as_it_is() -> None:
    assert StatusReason.text_of("set by hand") == "set manually"
    assert (StatusReason.text_of("bounced twice"), StatusReason.text_of(None)) == ("bounced twice", None)


def test_off_again_everybody_is_as_before(alice: Actor) -> None:
    bring(alice.workspace, ROWS)
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(external_id="C-2").update(email_status="not_confirmed")
    put(alice, "email", "ann@example.com", "bob@example.com")
    assert {s[0] for s in statuses(alice).values()} == {"blacklisted"}
    with tenant_context(alice.workspace.pk):
        entries = list(BlacklistEntry.objects.values_list("pk", flat=True))
    for pk in entries:
        assert alice.post(f"contacts/blacklist/{pk}/remove/").status_code == 302
    assert statuses(alice) == {"C-1": ("active", "active"), "C-2": ("not_confirmed", "active")}
    assert alice.post(f"contacts/blacklist/{entries[0]}/remove/").status_code == 404


def test_stricter_statuses_stay(alice: Actor) -> None:
    bring(alice.workspace, ROWS)
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(external_id="C-1").update(email_status="spam")
    put(alice, "email", "ann@example.com")
    assert statuses(alice)["C-1"][0] == "spam"


def test_one_click_lists_the_value_and_its_undo_takes_it_off(alice: Actor) -> None:
    bring(alice.workspace, ROWS + "C-4,ann@example.com,,Anna\n")
    with tenant_context(alice.workspace.pk):
        ann = Contact.objects.get(external_id="C-1")
    alice.post(f"contacts/{ann.pk}/act/blacklist-email/")
    assert (statuses(alice)["C-1"][0], statuses(alice)["C-4"][0]) == ("blacklisted", "blacklisted")
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="contact.email_blacklisted")
        assert BlacklistEntry.objects.get().value == "ann@example.com"
    alice.post(f"contacts/undo/{entry.pk}/")
    assert (statuses(alice)["C-1"][0], statuses(alice)["C-4"][0]) == ("active", "active")
    with tenant_context(alice.workspace.pk):
        assert not BlacklistEntry.objects.exists()


MANY = [f"p{i}@example.com" for i in range(30)]
WRONG = [f"bad{i}" for i in range(25)]


@pytest.mark.parametrize(
    ("kind", "values", "added", "bad"),
    [
        ("", "ann@@example.com\n Bob@example.com \n\nnobody\n", {"bob@example.com"}, ["ann@@example.com", "nobody"]),
        ("", "\n".join(["<b>", *MANY]), set(MANY), ["<b>"]),
        ("", "\n".join([*WRONG, "good@example.com"]), {"good@example.com"}, WRONG),
        ("", "nobody", set(), ["nobody"]),
        ("phone/", "12\n07911 123456\nring me", {"+447911123456"}, ["12", "ring me"]),
        ("phone/", "12", set(), ["12"]),
    ],
)  # fmt: skip
def test_good_lines_are_added_and_bad_ones_listed(
    alice: Actor, kind: str, values: str, added: set[str], bad: list[str]
) -> None:
    answer = alice.post(f"contacts/blacklist/{kind}add/", {"values": values, "reason": "asked"})
    assert answer.status_code == 422
    with tenant_context(alice.workspace.pk):
        assert set(BlacklistEntry.objects.values_list("value", flat=True)) == added
        assert set(BlacklistEntry.objects.values_list("reason", flat=True)) == ({"asked"} if added else set())
    assert answer.context["typed"].splitlines() == bad
    assert (answer.context["bad"], answer.context["more_bad"]) == (bad[:20], max(0, len(bad) - 20))
    assert (f"{len(added)} added" if added else "Nothing was added") in answer.text
    assert "<b></li>" not in answer.text


def test_what_is_mended_and_what_was_there(alice: Actor) -> None:
    put(alice, "email", "ann@example.com")
    answer = alice.post("contacts/blacklist/add/", {"values": "ann@example.com\nbob@example.com"}, follow=True)
    assert "1 added. They will receive no messages. 1 was already on the blacklist." in answer.text
    answer = alice.post("contacts/blacklist/add/", {"values": "ann@example.com"}, follow=True)
    assert "All were already on the blacklist." in answer.text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (" \n", "Enter at least one"),
        ("\n".join(f"p{i}@example.com" for i in range(1_001)), "Add up to 1,000 at once. Nothing was added."),
    ],
)
def test_nothing_and_too_much_are_refused(alice: Actor, values: str, said: str) -> None:
    answer = alice.post("contacts/blacklist/add/", {"values": values})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    with tenant_context(alice.workspace.pk):
        assert not BlacklistEntry.objects.exists()


def test_pages_and_search(alice: Actor) -> None:
    put(alice, "email", *(f"p{i:03}@example.com" for i in range(60)))
    first = alice.get("contacts/blacklist/").content.decode()
    assert "p059@" in first
    assert "p005@" not in first
    with tenant_context(alice.workspace.pk):
        before = BlacklistEntry.objects.order_by("-pk")[49].pk
    assert "p005@" in alice.get(f"contacts/blacklist/?before={before}").content.decode()
    assert "p005@" in alice.get("contacts/blacklist/?q=P005@example.com").content.decode()
    assert "is not on the blacklist" in alice.get("contacts/blacklist/?q=zzz").content.decode()
