"""Another e-mail address: confirmed at the new one, told to the old one, reversed from there."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tenants.models import User
from tests.cast import PASSWORD, person
from tests.tenants.factors import confirm, sign_in

LINK = re.compile(r"https?://[^/\s]+(/account/email/\S+)")


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


def link_to(address: str) -> str:
    body = next(str(m.body) for m in reversed(mail.outbox) if m.to == [address])
    return str(LINK.findall(body)[0])


def asked(client: Client, new: str = "") -> str:
    """Ask for a new address, and return it."""
    new = new or f"{uuid.uuid4().hex}@example.com"
    confirm(client)
    assert client.post("/account/email/", {"email": new}).status_code == 302
    return new


def test_nothing_changes_until_the_link_is_opened_and_confirmed() -> None:
    ann = person("Ann")
    old, client = ann.email, sign_in(ann)
    new = asked(client)
    subjects = [m.subject for m in mail.outbox if m.to == [old]]
    assert subjects == ["Someone wants to change your e-mail address"]
    link = link_to(new)
    assert client.get(link).status_code == 200
    ann.refresh_from_db()
    assert ann.email == old
    assert client.post(link).status_code == 302
    ann.refresh_from_db()
    assert ann.email == new
    assert Client().post("/login/", {"login": new, "password": PASSWORD}).status_code == 302
    assert Client().post("/login/", {"login": old, "password": PASSWORD}).status_code == 200
    assert client.post(link).status_code == 410, "it works once"


def test_the_link_is_for_the_account_alone_and_for_a_day() -> None:
    ann, eve = person("Ann"), person("Eve")
    client = sign_in(ann)
    new = asked(client)
    link = link_to(new)
    assert sign_in(eve).post(link).status_code == 410
    assert Client().post(link).status_code == 302, "signed out: the door"
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        assert client.post(link).status_code == 410
    for wrong in ("/account/email/confirm/x/", link[:-3] + "xx/", link.replace("confirm", "reverse")):
        assert client.post(wrong).status_code == 410
    ann.refresh_from_db()
    assert ann.email != new


def test_whether_an_address_has_an_account_is_not_said() -> None:
    ann, ben = person("Ann"), person("Ben")
    client = sign_in(ann)
    said = []
    for new in (ben.email.upper(), f"{uuid.uuid4().hex}@example.com"):
        confirm(client)
        answer = client.post("/account/email/", {"email": new}, follow=True)
        said.append(answer.content.decode().count("We sent a link to"))
    assert said == [1, 1]
    (found,) = [m for m in mail.outbox if m.to == [ben.email]]
    assert found.subject == "This address has an account already"
    assert not LINK.search(str(found.body))
    own = client.post("/account/email/", {"email": ann.email})
    assert (own.status_code, "already" in own.content.decode()) == (422, True)


def test_an_address_that_was_taken_in_between_stays_with_its_account() -> None:
    ann = person("Ann")
    client = sign_in(ann)
    new = asked(client)
    User.objects.create_user(new, PASSWORD)
    assert "in the meantime" in client.post(link_to(new), follow=True).content.decode()
    assert Client().post("/login/", {"login": new, "password": PASSWORD}).status_code == 302
    ann.refresh_from_db()
    assert ann.email != new


def test_the_old_address_reverses_it_for_a_week() -> None:
    ann = person("Ann")
    old, thief = ann.email, sign_in(ann)
    new = asked(thief)
    thief.post(link_to(new))
    link = link_to(old)
    assert "/reverse/" in link
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        assert Client().get(link).status_code == 410
    assert Client().get(link).status_code == 200
    ann.refresh_from_db()
    assert ann.email == new, "looking changes nothing"
    assert Client().post(link).status_code == 200
    ann.refresh_from_db()
    assert (ann.email, ann.has_usable_password()) == (old, False)
    assert thief.get("/account/").status_code == 302
    assert Client().post(link).status_code == 410
    Client().post("/password/forgotten/", {"email": old})
    assert any("/password/new/" in str(m.body) for m in mail.outbox if m.to == [old])
