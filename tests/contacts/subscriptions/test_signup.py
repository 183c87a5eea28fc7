"""Subscribing with a confirmation, unsubscribing with one click, and what keeps programs and strangers out."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from contacts.consent import suppression
from contacts.models import BlacklistEntry, Category, ConsentRecord, Contact, SignupForm
from contacts.subscriptions import signup
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Outbox
from tests.cast import Actor
from tests.imports.helpers import bring


@pytest.fixture
def form(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> tuple[Actor, SignupForm]:
    monkeypatch.setattr(signup, "PER_HOUR", 1_000)
    with tenant_context(alice.workspace.pk):
        Category.objects.create(name="News")
    alice.post(
        "contacts/forms/", {"title": "Our news", "wording": "I agree to news.", "categories": ["News", "Nonsense"]}
    )
    with tenant_context(alice.workspace.pk):
        return alice, SignupForm.objects.get()


def fill(form: SignupForm, email: str = "Ann@Example.com", *, after: float = 5, **more: Any) -> Any:
    """Open the form, take so many seconds, and send it."""
    client = Client()
    with time_machine.travel(timezone.now() - timedelta(seconds=after), tick=False):
        page = client.get(f"/s/{form.key}/").content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen is not None
    values = {"email": email, "name": " Ann  Marie", "agree": "on", "seen": seen[1], "website": "", **more}
    return client.post(f"/s/{form.key}/", values)


def mails(who: Actor) -> list[Outbox]:
    with tenant_context(who.workspace.pk):
        return list(Outbox.objects.filter(key__startswith="subscribe-").order_by("pk"))


def link(mail: Outbox) -> str:
    found = re.search(r"https?://\S+/confirm/\S+", mail.body)
    assert found is not None
    return urlsplit(found[0]).path


def only(who: Actor) -> Contact:
    with tenant_context(who.workspace.pk):
        found: Contact = Contact.objects.get()
    return found


def test_not_confirmed_until_the_button_is_pressed(form: tuple[Actor, SignupForm]) -> None:
    alice, made = form
    assert made.categories == ["News"]
    answer = fill(made)
    assert "Check your e-mail" in answer.content.decode()
    ann = only(alice)
    assert (ann.email, ann.first_name) == ("ann@example.com", "Ann Marie")
    assert (ann.email_status, ann.origin) == ("not_confirmed", "form")
    (mail,) = mails(alice)
    assert mail.to == "ann@example.com"
    page = Client().get(link(mail)).content.decode()
    assert "Confirm subscription" in page
    assert "ann@example.com" in page
    assert only(alice).email_status == "not_confirmed"
    assert "You are subscribed" in Client().post(link(mail)).content.decode()
    ann = only(alice)
    assert (ann.email_status, ann.attributes["subscriptions"]) == ("active", ["News"])
    with tenant_context(alice.workspace.pk):
        assert ConsentRecord.objects.get().wording == "I agree to news."
    before = ann.changed_at
    Client().post(link(mail))
    assert only(alice).changed_at == before


def test_the_answer_is_the_same_for_everybody(form: tuple[Actor, SignupForm]) -> None:
    alice, made = form
    bring(alice.workspace, "email\nknown@example.com\n")
    found = [
        re.sub(f'{email}|"X-CSRFToken": "[^"]*"', "", fill(made, email).content.decode())
        for email in ("known@example.com", "other@example.com")
    ]
    assert found[0] == found[1]
    assert len(mails(alice)) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("active", "active"), ("unsubscribed", "active"), ("not_confirmed", "active"), ("spam", "spam"),
        ("blacklisted", "blacklisted"),
    ],
)  # fmt: skip
def test_somebody_whom_we_know(form: tuple[Actor, SignupForm], before: str, after: str) -> None:
    alice, made = form
    bring(alice.workspace, "email,first_name\nann@example.com,Annie\n")
    with tenant_context(alice.workspace.pk):
        Contact.objects.update(email_status=before)
    fill(made)
    ann = only(alice)
    assert (ann.email_status, ann.first_name) == (before, "Annie")
    Client().post(link(mails(alice)[0]))
    assert only(alice).email_status == after
    assert only(alice).attributes["subscriptions"] == ["News"]


def test_what_is_on_the_blacklist_stays_silent(form: tuple[Actor, SignupForm]) -> None:
    alice, made = form
    with tenant_context(alice.workspace.pk):
        BlacklistEntry.objects.create(kind="email", value="ann@example.com")
    fill(made)
    Client().post(link(mails(alice)[0]))
    assert only(alice).email_status == "blacklisted"


def test_who_was_erased_comes_back_only_by_themselves(form: tuple[Actor, SignupForm]) -> None:
    alice, made = form
    with tenant_context(alice.workspace.pk):
        suppression.add([("email", "ann@example.com")])
    fill(made)
    with tenant_context(alice.workspace.pk):
        assert not Contact.objects.exists()
    Client().post(link(mails(alice)[0]))
    assert only(alice).email_status == "active"


@pytest.mark.parametrize(
    ("values", "after"),
    [({"website": "https://spam.example"}, 5.0), ({}, 0.0), ({"seen": "x"}, 5.0), ({}, 90_000.0)],
)
def test_programs_are_answered_and_nothing_happens(
    form: tuple[Actor, SignupForm], values: dict[str, str], after: float
) -> None:
    alice, made = form
    assert fill(made, after=after, **values).status_code == 200
    with tenant_context(alice.workspace.pk):
        assert not Contact.objects.exists()
    assert mails(alice) == []


@pytest.mark.parametrize(
    ("values", "said"), [({"email": "ann@@x"}, "Enter an e-mail address such as"), ({"agree": ""}, "Tick the box")]
)
def test_what_is_missing_is_said(form: tuple[Actor, SignupForm], values: dict[str, Any], said: str) -> None:
    alice, made = form
    answer = fill(made, values.pop("email", "ann@example.com"), **values)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert mails(alice) == []


def test_an_embedded_form_needs_no_page(form: tuple[Actor, SignupForm]) -> None:
    alice, made = form
    page = alice.get("contacts/forms/").content.decode()
    assert "&lt;form method=" in page
    assert f"/s/{made.key}/" in page
    client = Client(enforce_csrf_checks=True)
    answer = client.post(f"/s/{made.key}/", {"embedded": "1", "email": "ann@example.com", "agree": "on", "website": ""})
    assert answer.status_code == 200
    assert len(mails(alice)) == 1


def test_nobody_is_flooded(form: tuple[Actor, SignupForm], monkeypatch: pytest.MonkeyPatch) -> None:
    alice, made = form
    for _ in range(signup.MAILS_PER_HOUR + 2):
        assert fill(made).status_code == 200
    assert len(mails(alice)) == signup.MAILS_PER_HOUR
    monkeypatch.setattr(signup, "PER_HOUR", 0)
    assert fill(made).status_code == 429


def test_links_that_are_over(form: tuple[Actor, SignupForm]) -> None:
    alice, made = form
    fill(made)
    path = link(mails(alice)[0])
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert Client().post(path).status_code == 410
    assert Client().post(path[:-3] + "xx/").status_code == 410
    assert Client().get("/confirm/x/").status_code == 410
    assert Client().get("/unsubscribe/x/").status_code == 410
    assert only(alice).email_status == "not_confirmed"


def test_a_closed_form_is_gone(form: tuple[Actor, SignupForm]) -> None:
    alice, made = form
    alice.post(f"contacts/forms/{made.pk}/archive/")
    assert Client().get(f"/s/{made.key}/").status_code == 404
    for key in ("x", "1-2", "zz-", "-", "ffffffffffffffff-1"):
        assert Client().get(f"/s/{key}/").status_code == 404


# --- unsubscribing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def subscriber(alice: Actor) -> tuple[Actor, str]:
    bring(alice.workspace, "email,subscriptions\nann@example.com,News|Offers\n")
    return alice, f"/unsubscribe/{signup.leave_token(only(alice))}/"


def test_a_look_changes_nothing(subscriber: tuple[Actor, str]) -> None:
    alice, path = subscriber
    page = Client().get(path).content.decode()
    assert "News" in page
    assert "Unsubscribe from everything" in page
    assert only(alice).email_status == "active"


def test_out_of_some(subscriber: tuple[Actor, str]) -> None:
    alice, path = subscriber
    Client().post(path, {"what": "some", "keep": ["News", "Else"]})
    assert (only(alice).email_status, only(alice).attributes["subscriptions"]) == ("active", ["News"])


@pytest.mark.parametrize("body", [{"what": "all"}, {"List-Unsubscribe": "One-Click"}])
def test_out_of_everything(subscriber: tuple[Actor, str], body: dict[str, str]) -> None:
    alice, path = subscriber
    answer = Client(enforce_csrf_checks=True).post(path, body)
    assert "You have unsubscribed" in answer.content.decode()
    assert (only(alice).email_status, only(alice).attributes) == ("unsubscribed", {})
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="contact.left").count() == 1
    before = only(alice).changed_at
    Client().post(path, body)
    assert only(alice).changed_at == before


def test_a_complaint_stays_one(subscriber: tuple[Actor, str]) -> None:
    alice, path = subscriber
    with tenant_context(alice.workspace.pk):
        Contact.objects.update(email_status="spam")
    Client().post(path, {"what": "all"})
    assert only(alice).email_status == "spam"


def test_a_deleted_contact_has_no_page(subscriber: tuple[Actor, str]) -> None:
    alice, path = subscriber
    with tenant_context(alice.workspace.pk):
        Contact.objects.update(deleted_at=timezone.now())
    assert Client().get(path).status_code == 410


@pytest.mark.parametrize("values", [{"title": "", "wording": "x"}, {"title": "x", "wording": " "}])
def test_a_form_needs_title_and_wording(alice: Actor, values: dict[str, str]) -> None:
    assert alice.post("contacts/forms/", values).status_code == 422
