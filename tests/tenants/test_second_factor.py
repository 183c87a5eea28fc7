"""The second factor: set up, asked for, replaced by a recovery code, taken away; and what a workspace makes of it."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from redis.exceptions import ConnectionError as RedisAway

from core import encryption
from tenants import second_factor
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Membership, Tenant
from tests.cast import PASSWORD, Actor, actor, person
from tests.imports.helpers import bring
from tests.tenants.factors import code, confirm, set_up, sign_in

CODES = re.compile(r'<li class="mono">(\d{8})</li>')


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


def codes_of(client: Client) -> list[str]:
    return CODES.findall(client.get("/account/second-factor/codes/").content.decode())


def needs(tenant: Tenant, *, needed: bool = True) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(needs_second_factor=needed)


def test_with_an_app_the_password_alone_opens_nothing(alice: Actor) -> None:
    secret = set_up(sign_in(alice.user))
    client = Client()
    assert client.post("/login/", {"login": alice.user.email, "password": PASSWORD}).status_code == 302
    for path in ("/", alice.url("contacts/"), "/account/", "/account/second-factor/", "/account/second-factor/codes/"):
        answer = client.get(path)
        assert (answer.status_code, "/login/" in answer.headers["Location"]) == (302, True), path
    client.post("/login/", {"login": alice.user.email, "password": PASSWORD})
    wrong = client.post("/account/second-factor/sign-in/", {"code": "000000"})
    assert "Wrong code" in wrong.content.decode()
    assert client.get(alice.url("contacts/")).status_code == 302
    sign_in(alice.user, secret, client=client)
    assert client.get(alice.url("contacts/")).status_code == 200


def test_a_code_works_once(alice: Actor) -> None:
    secret = set_up(sign_in(alice.user))
    now = code(secret)
    answers = []
    for client in (Client(), Client()):
        client.post("/login/", {"login": alice.user.email, "password": PASSWORD})
        answers.append(client.post("/account/second-factor/sign-in/", {"code": now}).status_code)
    assert answers == [302, 200]


def test_recovery_codes_are_shown_once_and_work_once(alice: Actor) -> None:
    client = sign_in(alice.user)
    set_up(client)
    codes = codes_of(client)
    assert len(set(codes)) == 10
    assert codes_of(client) == []
    for number, expected in enumerate([302, 200, 302]):
        door = Client()
        door.post("/login/", {"login": alice.user.email, "password": PASSWORD})
        used = codes[0] if number < 2 else codes[1]
        assert door.post("/account/second-factor/sign-in/", {"code": used}).status_code == expected
    confirm(client)
    assert client.post("/account/second-factor/codes/new/").status_code == 302
    fresh = codes_of(client)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    door = Client()
    door.post("/login/", {"login": alice.user.email, "password": PASSWORD})
    assert door.post("/account/second-factor/sign-in/", {"code": codes[2]}).status_code == 200


def test_no_secret_is_stored_in_the_clear(alice: Actor) -> None:
    client = sign_in(alice.user)
    secret = set_up(client)
    codes = codes_of(client)
    stored = str(list(Authenticator.objects.filter(user=alice.user).values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in codes)
    app = Authenticator.objects.get(user=alice.user, type="totp")
    assert encryption.decrypt(app.data["secret"], purpose=second_factor.PURPOSE) == secret


def test_a_secret_that_cannot_be_read_says_so(alice: Actor) -> None:
    secret = set_up(sign_in(alice.user))
    Authenticator.objects.filter(user=alice.user, type="totp").update(data={"secret": "1:broken"})
    Authenticator.objects.filter(user=alice.user, type="recovery_codes").delete()
    client = Client()
    client.post("/login/", {"login": alice.user.email, "password": PASSWORD})
    answer = client.post("/account/second-factor/sign-in/", {"code": code(secret)})
    assert "cannot be read" in answer.content.decode()


def test_wrong_codes_are_counted(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = set_up(sign_in(alice.user))
    good, client = code(secret), Client()
    client.post("/login/", {"login": alice.user.email, "password": PASSWORD})
    pages = [client.post("/account/second-factor/sign-in/", {"code": "000000"}) for _ in range(10)]
    assert all("Wrong code" in page.content.decode() for page in pages)
    assert "Too many wrong" in client.post("/account/second-factor/sign-in/", {"code": good}).content.decode()
    cache.clear()

    def away(*_args: object, **_kwargs: object) -> bool:
        raise RedisAway("away")

    monkeypatch.setattr("django.core.cache.backends.redis.RedisCache.add", away)
    assert "You cannot sign in right now" in client.post(
        "/account/second-factor/sign-in/", {"code": good}
    ).content.decode()  # fmt: skip


@pytest.mark.parametrize(
    "path",
    ["second-factor/app/", "second-factor/passkeys/add/", "second-factor/codes/new/", "email/", "second-factor/app/remove/"],
)  # fmt: skip
def test_changes_ask_for_the_password_again(alice: Actor, path: str) -> None:
    if path in ("second-factor/codes/new/", "second-factor/app/remove/"):
        secret = set_up(sign_in(alice.user))
        client = sign_in(alice.user, secret)
    else:
        client = sign_in(alice.user)
    for method in ("get", "post"):
        answer = getattr(client, method)(f"/account/{path}")
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/account/confirm/")
    assert confirm(client, "wrong").status_code == 200
    assert client.get(f"/account/{path}").status_code == 302
    confirm(client)
    assert client.get(f"/account/{path}").status_code == 200


def test_removing_the_app_removes_the_codes_and_is_told(alice: Actor) -> None:
    client = sign_in(alice.user)
    set_up(client)
    assert client.post("/account/second-factor/app/remove/").status_code == 302
    assert not Authenticator.objects.filter(user=alice.user).exists()
    subjects = [m.subject for m in mail.outbox if m.to == [alice.user.email]]
    assert subjects[-2:] == ["Authenticator app set up", "Authenticator app removed"]
    sign_in(alice.user)


# --- a workspace that needs one ---------------------------------------------------------------------------------------


def test_a_workspace_that_needs_one_lets_nobody_in_without(alice: Actor, bob: Actor) -> None:
    needs(alice.workspace)
    client = sign_in(bob.user)
    answer = client.get(bob.url("contacts/"))
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        f"/account/second-factor/?for={bob.workspace.slug}",
    )
    assert alice.workspace.name in client.get("/account/second-factor/").content.decode()
    fragment = client.get(bob.url("contacts/"), headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (401, answer.headers["Location"])
    set_up(client)
    assert client.get(bob.url("contacts/")).status_code == 200, "the code that set it up has shown it"


def test_a_session_that_is_older_than_the_factor_shows_it_first(alice: Actor, bob: Actor) -> None:
    old, new = sign_in(bob.user), sign_in(bob.user)
    secret = set_up(new)
    needs(alice.workspace)
    assert new.get(bob.url("contacts/")).status_code == 200
    answer = old.get(bob.url("contacts/?q=x"))
    assert answer.headers["Location"].startswith("/account/confirm/code/?next=")
    posted = old.post(bob.url("notices/read/"))
    assert posted.headers["Location"].endswith(f"next=%2Fw%2F{bob.workspace.slug}%2F")
    assert confirm(old).status_code == 302
    assert old.get(bob.url("contacts/")).status_code == 302, "the password is no second factor"
    shown = old.post(answer.headers["Location"], {"code": code(secret)})
    assert shown.headers["Location"] == bob.url("contacts/?q=x")
    assert old.get(bob.url("contacts/")).status_code == 200


def test_who_removes_it_is_out_again(alice: Actor, bob: Actor) -> None:
    needs(alice.workspace)
    client = sign_in(bob.user)
    set_up(client)
    assert client.get(bob.url("contacts/")).status_code == 200
    client.post("/account/second-factor/app/remove/")
    assert client.get(bob.url("contacts/")).status_code == 302


def test_recovery_codes_alone_are_no_factor(alice: Actor) -> None:
    set_up(sign_in(alice.user))
    Authenticator.objects.filter(user=alice.user, type="totp").delete()
    assert not second_factor.exists(alice.user.pk)
    needs(alice.workspace)
    assert sign_in(alice.user).get(alice.url("contacts/")).status_code == 302


def test_other_workspaces_stay_open(alice: Actor, charlie: Actor) -> None:
    with tenant_context(charlie.workspace.pk):
        Membership.objects.create(user=alice.user, role="viewer")
    needs(alice.workspace)
    client = sign_in(alice.user)
    assert client.get(charlie.url("contacts/")).status_code == 200
    assert client.get(alice.url("contacts/")).status_code == 302


def test_the_operations_page_shows_nothing_of_it(alice: Actor) -> None:
    """A page over all workspaces is no way around: nor are its fragment, its file and its incidents."""
    bring(alice.workspace, "email\nann@example.com\n", user=alice.user)
    paths = [reverse(name) for name in ("operations", "operations_live", "operations_csv", "operations_incidents")]
    client = sign_in(alice.user)
    seen = [_body(client.get(path)) for path in paths]
    assert any(alice.workspace.slug in text for text in seen)
    needs(alice.workspace)
    assert not any(alice.workspace.slug in _body(client.get(path)) for path in paths)
    set_up(client)
    assert any(alice.workspace.slug in _body(client.get(path)) for path in paths)


def _body(answer: Any) -> str:
    assert answer.status_code == 200
    return bytes(answer.getvalue()).decode()


def test_an_invitation_does_not_go_around_it(alice: Actor) -> None:
    """The link and the password of a known account are one factor: the second is asked for as at the door."""
    ann = person("Ann")
    set_up(sign_in(ann))
    alice.post("members/invite/", {"email": ann.email, "role": "viewer"})
    from tenants.members import invitations
    from tenants.models import Invitation

    with tenant_context(alice.workspace.pk):
        row = Invitation.objects.get(email=ann.email)
    from django.core import signing

    token = signing.dumps([alice.workspace.pk, row.pk, row.sent], salt=invitations.SALT)
    client = Client()
    answer = client.post(f"/invitation/{token}/", {"password": PASSWORD})
    assert answer.headers["Location"] == "/account/second-factor/sign-in/"
    assert client.get(alice.url()).headers["Location"].startswith("/login/")


def test_a_new_password_by_mail_does_not_go_around_it(alice: Actor, settings: Any) -> None:
    set_up(sign_in(alice.user))
    client = Client()
    client.post("/password/forgotten/", {"email": alice.user.email})
    link = next(word for word in str(mail.outbox[-1].body).split() if "/password/new/" in word)
    where = client.get(link.removeprefix(settings.SITE_URL), follow=True).redirect_chain[-1][0]
    assert client.post(where, {"password1": "a wholly new one", "password2": "a wholly new one"}).status_code == 302
    assert client.get(alice.url()).status_code == 302
    answer = client.post("/login/", {"login": alice.user.email, "password": "a wholly new one"})
    assert answer.headers["Location"] == "/account/second-factor/sign-in/"


def test_the_setting_asks_for_ones_own_first_and_is_noted(alice: Actor, bob: Actor) -> None:
    wanted = {"needs_second_factor": "on"}
    refused = alice.post("settings/access/save/", wanted)
    assert (refused.status_code, "Set up your own second factor first" in refused.content.decode()) == (422, True)
    assert bob.get("settings/access/").status_code == 404
    client = sign_in(alice.user)
    set_up(client)
    page = client.get(alice.url("settings/access/")).content.decode()
    assert bob.user.email in page
    assert alice.user.email not in page.partition("Without a second factor</h2>")[2]
    for _twice in range(2):
        assert client.post(alice.url("settings/access/save/"), wanted).status_code == 302
    assert Tenant.objects.get(pk=alice.workspace.pk).needs_second_factor
    assert client.post(alice.url("settings/access/save/")).status_code == 302
    with tenant_context(alice.workspace.pk):
        entries = AuditEntry.objects.filter(verb="settings.second_factor").order_by("pk")
        assert [entry.detail["after"] for entry in entries] == [True, False]


def test_holders_are_those_with_a_factor(alice: Actor) -> None:
    other = actor("Dora")
    set_up(sign_in(alice.user))
    assert second_factor.holders([alice.user.pk, other.user.pk]) == {alice.user.pk}
