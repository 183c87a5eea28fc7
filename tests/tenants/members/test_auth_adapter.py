"""Signing in, being invited, being told: accounts as people meet them."""

from pathlib import Path
from typing import Any

from django.test import Client

from tenants import outbox
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Notice, Outbox, User
from tests.cast import PASSWORD, Actor


def sign_in(email: str, password: str, client: Client | None = None) -> int:
    response = (client or Client()).post("/login/", {"login": email, "password": password})
    return int(response.status_code)


def test_sign_in_and_out(alice: Actor) -> None:
    client = Client()
    assert sign_in(alice.user.email.upper(), PASSWORD, client) == 302
    assert client.get("/").headers["Location"] == alice.url()
    assert client.post("/logout/").status_code == 302
    assert client.get(alice.url("imports/")).status_code == 302


def test_a_wrong_password_says_so_without_saying_which(alice: Actor) -> None:
    known = Client().post("/login/", {"login": alice.user.email, "password": "wrong"})
    unknown = Client().post("/login/", {"login": "nobody@example.com", "password": "wrong"})
    assert (known.status_code, unknown.status_code) == (200, 200)
    assert "not correct" in known.content.decode()
    assert "not correct" in unknown.content.decode()


def test_nobody_signs_up_alone() -> None:
    response = Client().post("/signup/", {"email": "new@example.com", "password1": "correct horse battery"})
    assert not User.objects.filter(email="new@example.com").exists()
    assert response.status_code in (200, 302, 403)


def test_several_workspaces_are_listed(alice: Actor, charlie: Actor) -> None:
    with tenant_context(charlie.workspace.pk):
        Membership.objects.create(user=alice.user, role="viewer")
    page = alice.client.get("/").content.decode()
    assert alice.workspace.slug in page
    assert charlie.workspace.slug in page


def test_a_mail_goes_out_once_and_is_shown_to_the_owner(alice: Actor, settings: Any) -> None:
    # pytest-django keeps mails in memory; the product writes files where no server is set up.
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    with tenant_context(alice.workspace.pk):
        for _ in range(2):
            outbox.put_mail("one", to="ann@example.com", subject="Hello\nBcc: x@example.com", body="Good day")
    before = len(list(Path(settings.EMAIL_FILE_PATH).glob("*")))
    assert outbox.send_waiting(alice.workspace.pk) == 1
    assert outbox.send_waiting(alice.workspace.pk) == 0
    with tenant_context(alice.workspace.pk):
        mail = Outbox.objects.get(key="one")
    assert (mail.subject, mail.error) == ("Hello Bcc: x@example.com", "")
    assert mail.sent_at is not None
    assert len(list(Path(settings.EMAIL_FILE_PATH).glob("*"))) == before + 1
    assert "Good day" in alice.get("mail/").content.decode()


def test_notices_belong_to_their_person(alice: Actor, bob: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        outbox.put_notice(alice.user, text="Only for Alice", url="")
    assert "Only for Alice" in alice.get("notices/").content.decode()
    assert "Only for Alice" not in bob.get("notices/").content.decode()
    alice.post("notices/read/")
    with tenant_context(alice.workspace.pk):
        assert not Notice.objects.filter(read_at=None).exists()
