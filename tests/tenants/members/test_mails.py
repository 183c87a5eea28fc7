"""Every mail that the product sends, and every link in it: opened by whom it is for, it shows what the mail promises."""

import ast
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.contrib.staticfiles import finders
from django.core import mail
from django.core.cache import cache
from django.test import Client, override_settings
from django.utils import timezone

from api.models import Webhook
from api.webhooks import deliveries
from contacts.models import SignupForm
from destinations import endings
from destinations.models import Destination
from imports.models import Status
from tenants import outbox
from tenants.closing import export_job
from tenants.isolation.context import tenant_context
from tenants.models import User
from tests.cast import PASSWORD, Actor, person
from tests.destinations import scene
from tests.imports.helpers import bring
from tests.tenants import factors
from tests.tenants.simultaneous import together
from tests.tenants.single_sign_on.company import company, linked
from tests.tenants.single_sign_on.provider import running
from tracking.models import Site
from tracking.pixel import sites
from tracking.pixel.sites import new_key

ROOT = Path(__file__).resolve().parents[3]
SITE = "https://people.example.org"
LINK = re.compile(r"https?://\S+")


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    """An address that is not the one under which the tests ask."""
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]
    cache.clear()


def sent(who: Actor, to: str) -> str:
    """Send what waits, and return the body of the last mail to an address."""
    outbox.send_waiting(who.workspace.pk)
    return next(str(m.body) for m in reversed(mail.outbox) if m.to == [to])


def reset(_alice: Actor) -> tuple[str, Client, str]:
    user = person("Rita")
    Client(headers={"host": "evil.example.net"}).post("/password/forgotten/", {"email": user.email})
    (found,) = [m for m in mail.outbox if m.to == [user.email]]
    assert "evil" not in f"{found.subject} {found.body} {found.message()}"
    return str(found.body), Client(), "Choose a new password"


def unknown(_alice: Actor) -> tuple[str, Client, str]:
    email = f"{uuid.uuid4().hex}@example.com"
    Client(headers={"host": "evil.example.net"}).post("/password/forgotten/", {"email": email})
    (found,) = [m for m in mail.outbox if m.to == [email]]
    assert "evil" not in f"{found.subject} {found.body} {found.message()}"
    return str(found.body), Client(), "Sign in"


def invitation(alice: Actor) -> tuple[str, Client, str]:
    email = f"{uuid.uuid4().hex}@example.com"
    alice.post("members/invite/", {"email": email, "role": "viewer"}, headers={"host": "evil.example.net"})
    return sent(alice, email), Client(), f"Join {alice.workspace.name}"


def import_ended(alice: Actor) -> tuple[str, Client, str]:
    imp = bring(alice.workspace, "email\nann@example.com\n", user=alice.user)
    assert imp.status == Status.IMPORTED
    return sent(alice, alice.user.email), alice.client, imp.file_name


def export_ready(alice: Actor) -> tuple[str, Client, str]:
    from tests.contacts.bulk.test_actions import begin, work

    bring(alice.workspace, "email\nann@example.com\n")
    work(alice, begin(alice, "export", mode="safe", mark=True))
    return sent(alice, alice.user.email), alice.client, "/file/"


def confirmation(alice: Actor) -> tuple[str, Client, str]:
    alice.post("contacts/forms/", {"title": "Our news", "wording": "I agree to news."})
    with tenant_context(alice.workspace.pk):
        form = SignupForm.objects.get()
    client = Client(headers={"host": "evil.example.net"})
    with time_machine.travel(timezone.now() - timedelta(seconds=5), tick=False):
        page = client.get(f"/s/{form.key}/").content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    email = f"{uuid.uuid4().hex}@example.com"
    client.post(f"/s/{form.key}/", {"email": email, "name": "Ann", "agree": "on", "seen": seen[1], "website": ""})
    return sent(alice, email), Client(), "Confirm subscription"


# Where mails are written, and how each comes about.
def webhook_disabled(who: Actor) -> tuple[str, Client, str]:
    with tenant_context(who.workspace.pk):
        webhook = Webhook.objects.create(
            url="https://shop.example.com/hooks", event_types=["import.ended"], salt="x", created_by=who.user,
            contact_cursor="",
        )  # fmt: skip
        deliveries.disable(webhook, reason="Nothing has been accepted for 3 days.")
    return sent(who, who.user.email), who.client, "This webhook is disabled"


def sync_failed(who: Actor) -> tuple[str, Client, str]:
    with tenant_context(who.workspace.pk):
        sync = scene.sync_of(scene.segment_of())
        endings.tell(sync, subject="A data sync has failed", what="The list there is flagged.")
    return sent(who, who.user.email), who.client, "Data sync from"


def destination_expires(who: Actor) -> tuple[str, Client, str]:
    with tenant_context(who.workspace.pk):
        destination = Destination.objects.get(pk=scene.sync_of(scene.segment_of()).destination_id)
        endings.tell_of(destination, subject="A connection expires soon", what="Connect again.")
    return sent(who, who.user.email), who.client, "Data syncs to it"


def last(to: str) -> str:
    return next(str(m.body) for m in reversed(mail.outbox) if m.to == [to])


def new_browser(who: Actor) -> tuple[str, Client, str]:
    for _known, unknown in ((1, Client()), (2, Client())):
        client = factors.sign_in(who.user, client=unknown, headers={"host": "evil.example.net"})
    return last(who.user.email), client, "Signed-in browsers"


def app_set_up(who: Actor) -> tuple[str, Client, str]:
    client = factors.sign_in(who.user)
    factors.set_up(client)
    return last(who.user.email), client, "Signed-in browsers"


def password_changed(who: Actor) -> tuple[str, Client, str]:
    client = factors.sign_in(who.user)
    new = {"oldpassword": PASSWORD, "password1": "a wholly new one", "password2": "a wholly new one"}
    assert client.post("/account/password/", new).status_code == 302
    return last(who.user.email), client, "Signed-in browsers"


def address_asked(who: Actor) -> tuple[str, Client, str]:
    """What the old address is told."""
    return _asked(who)[0], who.client, "Signed-in browsers"


def address_confirmed(who: Actor) -> tuple[str, Client, str]:
    """What the new address gets."""
    return _asked(who)[1], who.client, "Change e-mail"


def address_changed(who: Actor) -> tuple[str, Client, str]:
    old, link = who.user.email, LINK.findall(_asked(who)[1])[0]
    assert who.client.post(link.removeprefix(SITE)).status_code == 302
    return last(old), Client(), "Reverse the change"


def address_taken(who: Actor) -> tuple[str, Client, str]:
    other = person("Rita")
    _ask(who, other.email)
    return last(other.email), Client(), "Sign in"


def _ask(who: Actor, new: str) -> None:
    factors.sign_in(who.user, client=who.client)
    factors.confirm(who.client)
    answer = who.client.post("/account/email/", {"email": new}, headers={"host": "evil.example.net"})
    assert answer.status_code == 302


def _asked(who: Actor) -> tuple[str, str]:
    new = f"{uuid.uuid4().hex}@example.com"
    _ask(who, new)
    return last(who.user.email), last(new)


def account_linked(alice: Actor) -> tuple[str, Client, str]:
    with running() as provider, override_settings(INSIDE_NETWORKS=["127.0.0.0/8"]):
        firm = company(alice, provider)
        user = firm.employee("lena")
        linked(Client(), firm, user.email)
    body = next(str(m.body) for m in mail.outbox if m.subject == "Your account is linked to your company")
    return body, factors.sign_in(user), "Signed-in browsers"


def workspace_closed(alice: Actor) -> tuple[str, Client, str]:
    alice.post("settings/workspace/close/", {"name": alice.workspace.name}, headers={"host": "evil.example.net"})
    return sent(alice, alice.user.email), alice.client, f"{alice.workspace.name} is closed"


def workspace_reopened(alice: Actor) -> tuple[str, Client, str]:
    alice.post("settings/workspace/close/", {"name": alice.workspace.name})
    alice.post("closed/reopen/", headers={"host": "evil.example.net"})
    return sent(alice, alice.user.email), alice.client, "Dashboard"


def workspace_exported(alice: Actor) -> tuple[str, Client, str]:
    with tenant_context(alice.workspace.pk):
        made, _is_new = export_job.ask(alice.user)
    export_job.work(alice.workspace.pk, made.pk)
    return sent(alice, alice.user.email), alice.client, "Download file"


MAILS: dict[str, list[Callable[[Actor], tuple[str, Client, str]]]] = {
    "tenants/members/auth_adapter.py": [reset, unknown, app_set_up, password_changed],
    "tenants/accounts/mails.py": [
        new_browser,
        address_asked,
        address_confirmed,
        address_changed,
        address_taken,
        account_linked,
    ],
    "tenants/members/invitations.py": [invitation],
    "tenants/closing/lifecycle.py": [workspace_closed, workspace_reopened],
    "tenants/closing/export_job.py": [workspace_exported],
    "imports/pipeline/notifications.py": [import_ended],
    "api/webhooks/deliveries.py": [webhook_disabled],
    "contacts/bulk/export.py": [export_ready],
    "destinations/endings.py": [sync_failed, destination_expires],
    "contacts/subscriptions/signup.py": [confirmation],
    # No link: it says what was done. tests/tenants/management/test_reset_second_factor.py reads it.
    "tenants/management/commands/reset_second_factor.py": [],
    # Its addresses are parts of code: test_the_code_in_the_mail_to_a_developer_leads_to_the_script.
    "tracking/views/sites.py": [],
}


@pytest.mark.parametrize("make", [make for found in MAILS.values() for make in found])
def test_every_link_of_every_mail_opens(alice: Actor, make: Callable[[Actor], tuple[str, Client, str]]) -> None:
    body, client, promised = make(alice)
    links = LINK.findall(body)
    assert links
    pages = []
    for link in links:
        assert link.startswith(f"{SITE}/"), link
        answer = client.get(link.removeprefix(SITE), follow=True)
        assert answer.status_code == 200, link
        pages.append(answer.content.decode())
    # A mail about an account leads to the password first, and then to what it promises.
    assert all(promised in page for page in pages[-1:]), links
    assert len(pages) == 1 or promised == "Signed-in browsers", links


def test_the_code_in_the_mail_to_a_developer_leads_to_the_script(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        site = Site.objects.create(name="shop.example.com", key=new_key(alice.workspace.pk))
    alice.post(f"sites/{site.pk}/mail/", {"email": "dev@example.com"}, headers={"host": "evil.example.net"})
    body = sent(alice, "dev@example.com")
    addresses = set(re.findall(r'https?://[^"\s]+', body))
    assert addresses == {f"{SITE}/static/pixel.js", f"{SITE}/p/{site.key}"}
    assert finders.find("pixel.js")
    known = sites.find(site.key)
    assert known is not None
    assert known.site_id == site.pk


def test_no_mail_is_written_that_the_test_above_does_not_know() -> None:
    """Whoever calls `put_mail`, `send_mail` or makes a message of Django's is in the table."""
    names = {"put_mail", "send_mail", "EmailMessage", "EmailMultiAlternatives", "render_mail"}
    writers = set()
    for app in (
        "core",
        "cdp",
        "tenants",
        "contacts",
        "tracking",
        "segments",
        "imports",
        "sources",
        "audiences",
        "destinations",
        "connectors",
        "api",
    ):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                called = node.func if isinstance(node, ast.Call) else None
                name = getattr(called, "attr", getattr(called, "id", ""))
                if name in names and path.name != "outbox.py":
                    writers.add(str(path.relative_to(ROOT)))
    assert writers == set(MAILS)


def test_the_link_out_of_a_confirmation_unsubscribes(alice: Actor) -> None:
    body, _client, _promised = confirmation(alice)
    confirmed = Client().post(LINK.findall(body)[0].removeprefix(SITE)).content.decode()
    leave = re.search(r'href="(/unsubscribe/[^"]+)"', confirmed)
    assert leave
    assert Client().get(leave[1]).status_code == 200
    assert "unsubscribed" in Client().post(leave[1]).content.decode().lower()


def test_reset_links_of_many_people_let_each_of_them_in() -> None:
    """The token holds a hyphen, and the number of an account may end in what looks like one: all are tried."""
    for number in range(120):
        user = person(f"P{number}")
        Client().post("/password/forgotten/", {"email": user.email}, REMOTE_ADDR=f"10.0.{number // 10}.{number % 10}")
        (link,) = LINK.findall(str(next(m.body for m in mail.outbox if m.to == [user.email])))
        client = Client(REMOTE_ADDR=f"10.0.{number // 10}.{number % 10}")
        form = client.get(urlsplit(link).path, follow=True)
        where = form.redirect_chain[-1][0]
        new = f"another long one {number}"
        saved = client.post(where, {"password1": new, "password2": new})
        assert saved.status_code == 302, link
        user.refresh_from_db()
        assert user.check_password(new)


@pytest.mark.parametrize("pk", [1, 35, 36, 1_295, 1_296, 46_655, 46_656, 2**31, 2**53, 2**62])
def test_reset_links_of_any_number_are_split_where_the_number_ends(pk: int) -> None:
    from allauth.account.adapter import get_adapter
    from allauth.account.utils import user_pk_to_url_str
    from django.urls import resolve

    number = user_pk_to_url_str(User(pk=pk))
    for key in ("cqp2gg-0c6d1e2f", "set-password", "-a-b-", "a--b"):
        url = get_adapter().get_reset_password_from_key_url(f"{number}-{key}")
        assert resolve(urlsplit(url).path).kwargs == {"uidb36": number, "key": key}


@pytest.mark.parametrize(
    "address", ["/password/new/1-x/", "/password/new/zzzzzzzzzzzz-x-y/", "/password/new/1-set-password/"]
)
def test_a_reset_link_that_is_not_ours_says_so(address: str) -> None:
    answer = Client().get(address)
    assert (answer.status_code, "This link no longer works" in answer.content.decode()) == (200, True)


def test_a_reset_link_works_once() -> None:
    user = person("Rita")
    Client().post("/password/forgotten/", {"email": user.email})
    (link,) = LINK.findall(str(mail.outbox[-1].body))
    forms = [Client(), Client()]
    places = [c.get(urlsplit(link).path, follow=True).redirect_chain[-1][0] for c in forms]
    new = {"password1": "another long one", "password2": "another long one"}
    assert forms[0].post(places[0], new).status_code == 302
    assert "This link no longer works" in forms[1].post(places[1], new).content.decode()
    assert "This link no longer works" in Client().get(urlsplit(link).path, follow=True).content.decode()
    assert Client().post("/login/", {"login": user.email, "password": "another long one"}).status_code == 302


def test_a_mail_server_that_does_not_answer_is_a_page_and_no_fault(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    for email in (person("Rita").email, "nobody@example.com"):
        answer = Client().post("/password/forgotten/", {"email": email})
        assert (answer.status_code, "is not responding" in answer.content.decode()) == (503, True)


def test_looks_of_letters_do_not_take_over_an_account() -> None:
    """A reset is sent to the address of the account, never to one that only looks alike."""
    tag = uuid.uuid4().hex
    User.objects.create_user(f"kissi.{tag}@example.com", PASSWORD)
    for alike in (f"\u212aissi.{tag}@example.com", f"ki\u017fsi.{tag}@example.com", f"k\u0131ssi.{tag}@example.com"):
        Client().post("/password/forgotten/", {"email": alike})
        assert all("password/new" not in str(m.body) for m in mail.outbox if m.to == [alike])


def test_many_ask_for_a_link_at_once() -> None:
    users = [person(f"P{n}") for n in range(6)]
    together([partial(Client().post, "/password/forgotten/", {"email": u.email}) for u in users])
    assert {m.to[0] for m in mail.outbox} >= {u.email for u in users}
