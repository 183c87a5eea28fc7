"""Invitations: used once by one person, withdrawn, sent again, too old; and whom they sign in."""

import re
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tenants.isolation.context import tenant_context
from tenants.members import invitations
from tenants.models import AuditEntry, Invitation, Membership, Outbox, User
from tests.cast import PASSWORD, Actor, actor
from tests.tenants.simultaneous import together

NEW = {"name": "Nina", "password": PASSWORD}


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


def address() -> str:
    return f"new.{uuid.uuid4().hex[:8]}@example.com"


def links_to(alice: Actor, email: str) -> list[str]:
    """The links of all mails to an address, the oldest first."""
    with tenant_context(alice.workspace.pk):
        bodies = list(Outbox.objects.filter(to=email).order_by("pk").values_list("body", flat=True))
    return [link for body in bodies for link in re.findall(r"(/invitation/\S+)", body)]


def invited(alice: Actor, email: str, role: str = "marketer") -> str:
    """Invite and return the path of the link in the mail."""
    assert alice.post("members/invite/", {"email": email, "role": role}).status_code == 302
    return links_to(alice, email)[-1]


def open_invitation(alice: Actor, email: str) -> Invitation:
    with tenant_context(alice.workspace.pk):
        found: Invitation = Invitation.objects.get(email=email, accepted_at=None, withdrawn_at=None)
    return found


def signed_in(client: Client) -> str:
    """The address of who is signed in, or nothing."""
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).email if pk else ""


def test_an_invitation_lets_somebody_new_in_once(alice: Actor) -> None:
    email = address()
    link = invited(alice, email)
    client = Client()
    assert client.get(link).status_code == 200
    weak = client.post(link, {"name": "Nina", "password": "password"})
    assert weak.status_code == 422
    accepted = client.post(link, NEW)
    assert (accepted.status_code, accepted.headers["Location"]) == (302, alice.url())
    assert signed_in(client) == email
    assert client.get(alice.url("imports/")).status_code == 200
    for method in ("get", "post"):
        other = Client()
        again = getattr(other, method)(link, NEW)
        assert (again.status_code, signed_in(other)) == (410, "")
        assert "no longer works" in again.content.decode()
    with tenant_context(alice.workspace.pk):
        assert Membership.objects.get(user__email=email).role == "marketer"
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"member.invited", "member.joined"} <= verbs


def test_two_who_use_one_link_at_once(alice: Actor) -> None:
    """One gets in; the other is told, and is not signed in as the first."""
    for _round in range(8):
        email = address()
        link = invited(alice, email)
        clients = [Client(), Client(), Client()]
        answers = together([partial(c.post, link, {**NEW, "name": f"N{n}"}) for n, c in enumerate(clients)])
        statuses = [answer.status_code for answer in answers]
        assert sorted(statuses)[0] == 302
        assert set(sorted(statuses)[1:]) <= {410, 422, 302}
        assert sorted(signed_in(c) for c in clients) == ["", "", email]


def test_one_address_invited_by_two_workspaces_accepts_both_at_once(alice: Actor, charlie: Actor) -> None:
    for _round in range(4):
        email = address()
        links = [invited(alice, email), invited(charlie, email)]
        clients = [Client(), Client()]
        together([partial(c.post, to, NEW) for c, to in zip(clients, links, strict=True)])
        assert User.objects.filter(email=email).count() == 1
        # Whoever came second is asked for the password of the account that the first has made.
        for client, to in zip(clients, links, strict=True):
            if not signed_in(client):
                assert "Sign in with its password" in client.get(to).content.decode()
                assert client.post(to, {"password": PASSWORD}).status_code == 302
            assert signed_in(client) == email
        for where in (alice, charlie):
            with tenant_context(where.workspace.pk):
                assert Membership.objects.filter(user__email=email).count() == 1


def test_a_known_person_who_is_signed_in_only_joins(alice: Actor, charlie: Actor) -> None:
    link = invited(alice, charlie.user.email)
    assert charlie.client.post(link).headers["Location"] == alice.url()
    assert charlie.client.get(alice.url("imports/")).status_code == 200


def test_a_known_person_says_the_password_and_is_signed_in(alice: Actor, charlie: Actor) -> None:
    link = invited(alice, charlie.user.email)
    client = Client()
    for wrong in ({}, {"password": "wrong"}, {"name": "Mallory", "password": "another long one"}):
        assert client.post(link, wrong).status_code == 422
        assert signed_in(client) == ""
    assert client.post(link, {"password": PASSWORD}).status_code == 302
    assert signed_in(client) == charlie.user.email
    assert Client().post(link, {"password": PASSWORD}).status_code == 410


def test_somebody_else_who_is_signed_in_does_not_take_it(alice: Actor, bob: Actor, charlie: Actor) -> None:
    link = invited(alice, charlie.user.email)
    assert bob.client.post(link).status_code == 422
    assert signed_in(bob.client) == bob.user.email
    assert bob.client.post(link, {"password": PASSWORD}).status_code == 302
    assert signed_in(bob.client) == charlie.user.email
    new = address()
    assert alice.client.post(invited(alice, new), NEW).status_code == 302
    assert signed_in(alice.client) == new


def test_guessing_by_the_link_of_an_invitation_is_counted_as_signing_in(alice: Actor, charlie: Actor) -> None:
    link = invited(alice, charlie.user.email)
    for number in range(10):
        assert Client().post(link, {"password": f"wrong {number}"}).status_code == 422
    locked = Client().post(link, {"password": PASSWORD})
    assert "Too many wrong passwords" in locked.content.decode()


def test_an_account_that_is_switched_off_stays_out(alice: Actor, charlie: Actor) -> None:
    link = invited(alice, charlie.user.email)
    User.objects.filter(pk=charlie.user.pk).update(is_active=False)
    client = Client()
    assert "is disabled" in client.post(link, {"password": PASSWORD}).content.decode()
    assert signed_in(client) == ""


def test_withdrawn(alice: Actor) -> None:
    email = address()
    link = invited(alice, email)
    pk = open_invitation(alice, email).pk
    assert alice.post(f"members/invitations/{pk}/withdraw/").status_code == 302
    client = Client()
    assert (client.get(link).status_code, client.post(link, NEW).status_code) == (410, 410)
    assert signed_in(client) == ""
    assert f"The invitation to {email} was withdrawn" in alice.get("members/").content.decode()
    assert email not in alice.get("members/").content.decode()
    assert links_to(alice, email) == []  # The mail had not gone out, and does not any more.
    for way in ("withdraw", "again"):
        alice.post(f"members/invitations/{pk}/{way}/")
        assert "no longer open" in alice.get("members/").content.decode()
    assert not User.objects.filter(email=email).exists()


def test_withdrawn_while_the_page_is_open(alice: Actor) -> None:
    for _round in range(6):
        email = address()
        link = invited(alice, email)
        pk = open_invitation(alice, email).pk
        client = Client()
        together([partial(client.post, link, NEW), partial(alice.post, f"members/invitations/{pk}/withdraw/")])
        with tenant_context(alice.workspace.pk):
            invitation = Invitation.objects.get(pk=pk)
            member = Membership.objects.filter(user__email=email).exists()
        assert (invitation.accepted_at is None) != (invitation.withdrawn_at is None)
        assert member == (invitation.accepted_at is not None) == (signed_in(client) == email)


def test_sent_again(alice: Actor) -> None:
    email = address()
    first = invited(alice, email)
    pk = open_invitation(alice, email).pk
    assert alice.post(f"members/invitations/{pk}/again/").status_code == 302
    _old, second = links_to(alice, email)
    assert first != second
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    # Inviting the same address anew is the same: one invitation, with the role of the last time.
    third = invited(alice, email, role="viewer")
    assert (Client().get(second).status_code, open_invitation(alice, email).sent) == (410, 3)
    client = Client()
    assert client.post(third, NEW).status_code == 302
    with tenant_context(alice.workspace.pk):
        assert Membership.objects.get(user__email=email).role == "viewer"
        assert Invitation.objects.filter(email=email).count() == 1


def test_two_who_invite_one_address_at_once(alice: Actor) -> None:
    admin = actor("Adam", alice.workspace, "admin")
    email = address()
    together([partial(who.post, "members/invite/", {"email": email, "role": "ops"}) for who in (alice, admin)])
    assert open_invitation(alice, email).sent == 2


@pytest.mark.parametrize("days", [7.01, 8, 400])
def test_too_old(alice: Actor, days: float) -> None:
    email = address()
    link = invited(alice, email)
    with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
        client = Client()
        assert client.post(link, NEW).status_code == 410
        assert not User.objects.filter(email=email).exists()
    # Sending again makes it good again.
    pk = open_invitation(alice, email).pk
    with tenant_context(alice.workspace.pk):
        Invitation.objects.filter(pk=pk).update(sent_at=timezone.now() - timedelta(days=days))
    assert "Expired" in alice.get("members/").content.decode()
    alice.post(f"members/invitations/{pk}/again/")
    assert Client().get(links_to(alice, email)[-1]).status_code == 200


def test_who_is_a_member_is_not_invited(alice: Actor, bob: Actor) -> None:
    answer = alice.post("members/invite/", {"email": bob.user.email.upper(), "role": "viewer"})
    assert (answer.status_code, "already a member" in answer.content.decode()) == (422, True)


def test_who_became_a_member_meanwhile_keeps_the_role(alice: Actor, charlie: Actor) -> None:
    link = invited(alice, charlie.user.email, role="viewer")
    with tenant_context(alice.workspace.pk):
        Membership.objects.create(user=charlie.user, role="admin")
    assert charlie.client.post(link).status_code == 302
    with tenant_context(alice.workspace.pk):
        assert Membership.objects.get(user=charlie.user).role == "admin"


def test_links_that_are_not_ours_lead_nowhere(alice: Actor) -> None:
    forged = signing.dumps([alice.workspace.pk, 1, 1], salt="something else")
    ours: list[Any] = [[alice.workspace.pk, 10**9, 1], [10**9, 1, 1], "text", [], [1], {"a": 1}, 7, None]
    tokens = ["nonsense", forged, *(signing.dumps(value, salt=invitations.SALT) for value in ours)]
    for token in tokens:
        assert Client().get(f"/invitation/{token}/").status_code == 410


@pytest.mark.parametrize("role", ["marketer", "ops", "viewer"])
def test_who_does_not_manage_members_withdraws_nothing(alice: Actor, role: str) -> None:
    email = address()
    invited(alice, email)
    pk = open_invitation(alice, email).pk
    somebody = actor("Somebody", alice.workspace, role)
    for way in ("withdraw", "again"):
        assert somebody.post(f"members/invitations/{pk}/{way}/").status_code == 404
    assert open_invitation(alice, email).sent == 1


def test_invitations_of_others_are_not_there(alice: Actor, charlie: Actor) -> None:
    email = address()
    invited(alice, email)
    pk = open_invitation(alice, email).pk
    for way in ("withdraw", "again"):
        assert charlie.post(f"members/invitations/{pk}/{way}/").status_code == 404
