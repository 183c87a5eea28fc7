"""Signing in, being invited, being told: accounts as people meet them."""

import re
import uuid
from pathlib import Path
from typing import Any

from django.core import signing
from django.core.cache import cache
from django.test import Client

from tenants import invitations, outbox
from tenants.context import tenant_context
from tenants.models import AuditEntry, Membership, Notice, Outbox, User
from tests.cast import PASSWORD, Actor, actor


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


def test_guessing_is_slowed_down(alice: Actor) -> None:
    cache.clear()
    for _ in range(6):
        sign_in(alice.user.email, "wrong")
    locked = Client().post("/login/", {"login": alice.user.email, "password": PASSWORD})
    assert locked.status_code == 200
    assert "Too many failed" in locked.content.decode()
    cache.clear()


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


def invited(alice: Actor, email: str) -> str:
    """Invite and return the path of the link in the mail."""
    assert alice.post("members/invite/", {"email": email, "role": "marketer"}).status_code == 302
    outbox.send_waiting(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        body = Outbox.objects.get(to=email).body
    found = re.search(r"(/invitation/\S+)", body)
    assert found
    return found[1]


def test_an_invitation_lets_somebody_new_in_once(alice: Actor) -> None:
    email = f"new.{uuid.uuid4().hex[:8]}@example.com"
    link = invited(alice, email)
    client = Client()
    assert client.get(link).status_code == 200
    weak = client.post(link, {"name": "Nina", "password": "password"})
    assert weak.status_code == 422
    assert client.post(link, {"name": "Nina", "password": PASSWORD}).status_code == 302
    assert client.get(alice.url("imports/")).status_code == 200
    assert Client().get(link).status_code == 404
    with tenant_context(alice.workspace.pk):
        assert Membership.objects.get(user__email=email).role == "marketer"
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"member.invited", "member.joined"} <= verbs


def test_an_invitation_for_a_known_person_asks_for_nothing(alice: Actor, charlie: Actor) -> None:
    link = invited(alice, charlie.user.email)
    assert charlie.client.post(link).status_code == 302
    assert charlie.client.get(alice.url("imports/")).status_code == 200


def test_links_that_are_not_ours_lead_nowhere(alice: Actor) -> None:
    forged = signing.dumps([alice.workspace.pk, 1], salt="something else")
    for token in ("nonsense", forged, signing.dumps([alice.workspace.pk, 10**9], salt=invitations.SALT)):
        assert Client().get(f"/invitation/{token}/").status_code == 404


def test_only_owners_make_owners_and_the_last_one_stays(alice: Actor) -> None:
    admin = actor("Adam", alice.workspace, "admin")
    with tenant_context(alice.workspace.pk):
        mine = Membership.objects.get(user=alice.user)
        theirs = Membership.objects.get(user=admin.user)
    assert admin.post(f"members/{theirs.pk}/role/", {"role": "owner"}).status_code == 404
    assert admin.post(f"members/{mine.pk}/role/", {"role": "viewer"}).status_code == 404
    alice.post(f"members/{mine.pk}/role/", {"role": "viewer"})
    with tenant_context(alice.workspace.pk):
        assert Membership.objects.get(user=alice.user).role == "owner"
    alice.post(f"members/{theirs.pk}/role/", {"role": "owner"})
    with tenant_context(alice.workspace.pk):
        assert Membership.objects.get(user=admin.user).role == "owner"


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
