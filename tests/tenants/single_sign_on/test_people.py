"""Signing in by a company's provider, as people meet it: new, known, linked, refused; and what it opens."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from tenants import provider_sessions
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Membership, ProviderLink, User
from tenants.single_sign_on import domains
from tests.cast import PASSWORD, Actor, actor, person
from tests.tenants.factors import code, set_up, sign_in
from tests.tenants.single_sign_on.company import Company, begin, come_back, company, go, leads_to, linked, words
from tests.tenants.single_sign_on.provider import Provider


def memberships(firm: Company) -> dict[str, str]:
    with tenant_context(firm.workspace.pk):
        return {m.user.email: m.role for m in Membership.objects.select_related("user")}


def verbs(firm: Company) -> list[str]:
    with tenant_context(firm.workspace.pk):
        return list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))


def test_somebody_new_joins_with_the_role_that_is_set(open_firm: Company) -> None:
    client, email = Client(), f"New@{open_firm.domain}"
    answer = go(client, open_firm, email, to=open_firm.actor.url("contacts/"))
    assert (answer.status_code, answer.headers["Location"]) == (302, open_firm.actor.url("contacts/"))
    assert client.get(open_firm.actor.url("contacts/")).status_code == 200
    assert memberships(open_firm)[f"new@{open_firm.domain}"] == "viewer"
    user = User.objects.get(email=f"new@{open_firm.domain}")
    assert (user.name, user.has_usable_password()) == ("Ann Lee", False)
    assert verbs(open_firm)[-1] == "member.joined"
    again = Client()
    assert go(again, open_firm, email).status_code == 302
    assert again.get(open_firm.actor.url("contacts/")).status_code == 200
    assert User.objects.filter(email__iexact=email).count() == 1


def test_where_no_one_may_join_an_invitation_is_needed(firm: Company) -> None:
    answer = go(Client(), firm, f"new@{firm.domain}")
    assert (answer.status_code, "You need an invitation" in words(answer)) == (400, True)
    assert not User.objects.filter(email=f"new@{firm.domain}").exists()
    outside = User.objects.create_user(f"out@{firm.domain}", PASSWORD)
    refused = go(Client(), firm, outside.email)
    assert (refused.status_code, "You need an invitation" in words(refused)) == (400, True)


def test_an_account_that_exists_is_linked_by_its_password_alone(firm: Company) -> None:
    user = firm.employee("ann")
    client = Client()
    answer = go(client, firm, user.email)
    assert answer.headers["Location"] == "/login/company/link/"
    assert client.get(firm.actor.url("contacts/")).status_code == 302, "not signed in yet"
    wrong = client.post("/login/company/link/", {"password": "wrong"})
    assert (wrong.status_code, "Wrong password" in words(wrong)) == (422, True)
    with tenant_context(firm.workspace.pk):
        assert not ProviderLink.objects.exists()
    assert client.post("/login/company/link/", {"password": PASSWORD}).status_code == 302
    assert client.get(firm.actor.url("contacts/")).status_code == 200
    assert verbs(firm)[-1] == "member.linked"
    assert any(m.subject == "Your account is linked to your company" and m.to == [user.email] for m in mail.outbox)
    later = Client()
    assert go(later, firm, user.email).headers["Location"] == firm.actor.url()
    assert later.get(firm.actor.url("contacts/")).status_code == 200


def test_linking_asks_for_the_second_factor_of_the_account(firm: Company) -> None:
    user = firm.employee("ann")
    secret = set_up(sign_in(user))
    client = Client()
    answer = linked(client, firm, user.email, amr=["mfa"])
    assert answer.headers["Location"] == "/account/second-factor/sign-in/"
    with tenant_context(firm.workspace.pk):
        assert not ProviderLink.objects.exists(), "the password alone links nothing"
    assert client.post("/account/second-factor/sign-in/", {"code": code(secret)}).status_code == 302
    with tenant_context(firm.workspace.pk):
        assert ProviderLink.objects.get().user_id == user.pk


def test_wrong_passwords_are_counted_when_linking(firm: Company) -> None:
    user, client = firm.employee("ann"), Client()
    go(client, firm, user.email)
    for _ in range(10):
        client.post("/login/company/link/", {"password": "wrong"})
    locked = client.post("/login/company/link/", {"password": PASSWORD})
    assert locked.status_code == 422
    with tenant_context(firm.workspace.pk):
        assert not ProviderLink.objects.exists()


def test_linking_waits_for_15_minutes_and_only_in_this_browser(firm: Company) -> None:
    user, client = firm.employee("ann"), Client()
    go(client, firm, user.email)
    assert Client().post("/login/company/link/", {"password": PASSWORD}).status_code == 400
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=True):
        assert client.post("/login/company/link/", {"password": PASSWORD}).status_code == 400


def test_a_provider_takes_no_account_of_another_domain(open_firm: Company, charlie: Actor) -> None:
    """Whatever it claims: neither one that exists, nor a new one."""
    for email in (charlie.user.email, "new@elsewhere.example.com", f"x@sub.{open_firm.domain}", open_firm.domain):
        client = Client()
        back = open_firm.provider.visit(begin(client, f"x@{open_firm.domain}"), email)
        answer = come_back(client, back)
        assert (answer.status_code, "is not of a domain" in words(answer)) == (400, True), email
        assert client.get("/account/").status_code == 302


def test_a_domain_that_is_not_approved_leads_nowhere(open_firm: Company) -> None:
    client, email = Client(), f"new@{open_firm.domain}"
    back = open_firm.provider.visit(begin(client, email), email)
    domains.approve(open_firm.workspace.pk, open_firm.domain, approved=False)
    answer = client.post("/login/company/", {"email": email})
    unknown = client.post("/login/company/", {"email": "new@unknown.example.com"})
    assert (answer.status_code, unknown.status_code) == (422, 422)
    assert words(answer).replace(email, "") == words(unknown).replace("new@unknown.example.com", "")
    assert come_back(client, back).status_code == 400


def test_a_removed_member_does_not_return_by_the_provider(open_firm: Company) -> None:
    email = f"new@{open_firm.domain}"
    client = Client()
    go(client, open_firm, email)
    with tenant_context(open_firm.workspace.pk):
        Membership.objects.filter(user__email=email).delete()
    assert client.get(open_firm.actor.url("contacts/")).status_code == 404
    answer = go(Client(), open_firm, email)
    assert (answer.status_code, "no longer a member" in words(answer)) == (400, True)
    assert email not in memberships(open_firm)


def test_an_account_that_is_inactive_stays_out(open_firm: Company) -> None:
    email = f"new@{open_firm.domain}"
    go(Client(), open_firm, email)
    User.objects.filter(email=email).update(is_active=False)
    client = Client()
    go(client, open_firm, email)
    assert client.get(open_firm.actor.url("contacts/")).status_code == 302


# --- what it opens ------------------------------------------------------------------------------------------------------


def test_the_provider_of_one_workspace_opens_no_other(open_firm: Company, charlie: Actor) -> None:
    """Whoever runs the provider can be anybody who is linked there; a member's other workspaces stay shut."""
    email = f"new@{open_firm.domain}"
    client = Client()
    go(client, open_firm, email)
    with tenant_context(charlie.workspace.pk):
        Membership.objects.create(user=User.objects.get(email=email), role="owner")
    shut = client.get(charlie.url("contacts/"))
    assert (shut.status_code, shut.headers["Location"].partition("?")[0]) == (
        302, f"/login/company/{charlie.workspace.slug}/",
    )  # fmt: skip
    page = words(client.get(shut.headers["Location"]))
    assert "no others" in page
    assert client.get(open_firm.actor.url("contacts/")).status_code == 200
    fragment = client.get(charlie.url("contacts/"), headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"].partition("?")[0]) == (
        401, f"/login/company/{charlie.workspace.slug}/",
    )  # fmt: skip
    assert charlie.workspace.name in client.get("/").content.decode()
    assert charlie.workspace.slug not in client.get("/operations/").content.decode()


def test_two_workspaces_with_one_provider_do_not_share_it(open_firm: Company, provider: Provider) -> None:
    """The same issuer, the same subject: a link of one is none of the other."""
    other = company(actor("Olga"), provider)
    email = f"new@{open_firm.domain}"
    go(Client(), open_firm, email)
    client = Client()
    back = provider.visit(begin(client, f"x@{other.domain}"), email, sub=f"sub of {email}")
    assert come_back(client, back).status_code == 400
    assert client.get("/account/").status_code == 302


def test_a_state_of_one_workspace_is_none_of_another(open_firm: Company, provider: Provider) -> None:
    other = company(actor("Olga"), provider, join_role="viewer")
    client, email = Client(), f"new@{open_firm.domain}"
    back = provider.visit(begin(client, email), email)
    swapped = back.replace(f"/{open_firm.workspace.pk}/back/", f"/{other.workspace.pk}/back/")
    assert swapped != back
    assert come_back(client, swapped).status_code == 400


def test_a_session_by_the_provider_ends_after_hours_and_changes_no_account(open_firm: Company) -> None:
    client, email = Client(), f"new@{open_firm.domain}"
    go(client, open_firm, email)
    for path in ("email/", "second-factor/app/", "second-factor/passkeys/add/"):
        assert client.get(f"/account/{path}").status_code in (302, 403), path
    assert client.get("/account/password/").status_code in (302, 403)
    with time_machine.travel(timezone.now() + timedelta(hours=provider_sessions.HOURS, minutes=1), tick=True):
        assert client.get(open_firm.actor.url("contacts/")).status_code == 302
        answer = client.post(f"/login/company/{open_firm.workspace.slug}/", {"next": open_firm.actor.url("contacts/")})
        back = come_back(client, open_firm.provider.visit(leads_to(answer), email))
        assert back.headers["Location"] == open_firm.actor.url("contacts/")
        assert client.get(open_firm.actor.url("contacts/")).status_code == 200


def test_a_password_session_keeps_what_it_opens(firm: Company, charlie: Actor) -> None:
    user = firm.employee("ann")
    with tenant_context(charlie.workspace.pk):
        Membership.objects.create(user=user, role="viewer")
    linked(Client(), firm, user.email)
    client = sign_in(user)
    assert go(client, firm, user.email).status_code == 302
    assert client.get(charlie.url("contacts/")).status_code == 200
    assert client.get(firm.actor.url("contacts/")).status_code == 200


def test_signing_in_by_password_afterwards_forgets_the_provider(firm: Company) -> None:
    user = firm.employee("ann")
    client = Client()
    linked(client, firm, user.email)
    firm.asks(needs_single_sign_on=True)
    assert client.get(firm.actor.url("contacts/")).status_code == 200
    sign_in(user, client=client)
    assert client.get(firm.actor.url("contacts/")).status_code == 302


# --- required -----------------------------------------------------------------------------------------------------------


def test_required_means_that_a_password_is_not_enough(firm: Company) -> None:
    user = firm.employee("ann")
    linked(Client(), firm, user.email)
    firm.asks(needs_single_sign_on=True)
    client = sign_in(user)
    shut = client.get(firm.actor.url("contacts/?q=x"))
    assert shut.headers["Location"].startswith(f"/login/company/{firm.workspace.slug}/?next=")
    page = client.get(shut.headers["Location"])
    assert "asks its members" in words(page)
    answer = client.post(f"/login/company/{firm.workspace.slug}/", {"next": firm.actor.url("contacts/?q=x")})
    back = come_back(client, firm.provider.visit(leads_to(answer), user.email))
    assert back.headers["Location"] == firm.actor.url("contacts/?q=x")
    assert client.get(firm.actor.url("contacts/?q=x")).status_code == 200
    assert Client().get(firm.actor.url("contacts/")).headers["Location"].startswith("/login/")


def test_an_owner_has_a_way_without_the_provider(firm: Company) -> None:
    firm.asks(needs_single_sign_on=True)
    owner = firm.actor.user
    client = sign_in(owner)
    shut = client.get(firm.actor.url("settings/single-sign-on/"))
    assert shut.status_code == 302
    assert "As an owner" in words(client.get(shut.headers["Location"]))
    secret = set_up(client)
    assert client.get(firm.actor.url("settings/single-sign-on/")).status_code == 200
    again = sign_in(owner, secret)
    assert again.get(firm.actor.url("settings/single-sign-on/")).status_code == 200
    admin = firm.employee("ada", "admin")
    second = sign_in(admin)
    set_up(second)
    assert second.get(firm.actor.url("contacts/")).status_code == 302, "owners alone"


def test_an_outsider_learns_nothing_by_the_page_of_a_workspace(firm: Company, charlie: Actor) -> None:
    theirs = charlie.client.get(f"/login/company/{firm.workspace.slug}/")
    nowhere = charlie.client.get("/login/company/no-such-workspace/")
    assert (theirs.status_code, nowhere.status_code) == (404, 404)
    assert theirs.content == nowhere.content
    assert charlie.client.post(f"/login/company/{firm.workspace.slug}/").status_code == 404


# --- the second factor --------------------------------------------------------------------------------------------------


def test_the_second_factor_is_still_asked_for(firm: Company) -> None:
    """By default, whatever the provider says."""
    user = firm.employee("ann")
    linked(Client(), firm, user.email)
    secret = set_up(sign_in(user))
    firm.asks(needs_second_factor=True)
    client = Client()
    assert go(client, firm, user.email, amr=["mfa"]).headers["Location"] == "/account/second-factor/sign-in/"
    assert client.get(firm.actor.url("contacts/")).status_code == 302
    assert client.post("/account/second-factor/sign-in/", {"code": code(secret)}).status_code == 302
    assert client.get(firm.actor.url("contacts/")).status_code == 200


def test_who_has_none_is_led_to_set_one_up(open_firm: Company) -> None:
    open_firm.asks(needs_second_factor=True)
    client = Client()
    go(client, open_firm, f"new@{open_firm.domain}", amr=["mfa"])
    shut = client.get(open_firm.actor.url("contacts/"))
    assert shut.headers["Location"].startswith("/account/second-factor/")
    assert "Choose a password" in words(client.get(shut.headers["Location"]))


@pytest.mark.parametrize(
    ("claims", "opens"),
    [
        ({"amr": ["pwd", "mfa"]}, True),
        ({"acr": "phr"}, True),
        ({"amr": ["pwd"]}, False),
        ({"amr": "mfa"}, False),
        ({}, False),
    ],
)
def test_a_workspace_may_trust_the_provider_with_it(open_firm: Company, claims: dict[str, Any], opens: bool) -> None:
    open_firm.asks(needs_second_factor=True, trusts_provider_factor=True)
    client = Client()
    go(client, open_firm, f"new@{open_firm.domain}", **claims)
    assert (client.get(open_firm.actor.url("contacts/")).status_code == 200) == opens


def test_trust_opens_no_other_workspace_and_ends_with_the_setting(firm: Company, charlie: Actor) -> None:
    user = firm.employee("ann")
    linked(Client(), firm, user.email)
    set_up(sign_in(user))
    with tenant_context(charlie.workspace.pk):
        Membership.objects.create(user=user, role="viewer")
    firm.asks(needs_second_factor=True, trusts_provider_factor=True)
    client = Client()
    assert go(client, firm, user.email, amr=["mfa"]).headers["Location"] == firm.actor.url()
    assert client.get(firm.actor.url("contacts/")).status_code == 200
    assert client.get(charlie.url("contacts/")).status_code == 302
    firm.asks(trusts_provider_factor=False)
    assert client.get(firm.actor.url("contacts/")).status_code == 302


def test_a_new_browser_is_told_by_mail(firm: Company) -> None:
    user = firm.employee("ann")
    linked(Client(), firm, user.email)
    mail.outbox.clear()
    go(Client(), firm, user.email)
    assert [m.subject for m in mail.outbox if m.to == [user.email]] == ["New sign-in to your account"]


def test_asking_for_domains_is_counted(firm: Company) -> None:
    client = Client()
    answers = [client.post("/login/company/", {"email": f"x@d{n}.example.com"}) for n in range(31)]
    assert "Too many tries" in words(answers[-1])
    assert "Too many tries" not in words(answers[-2])
    assert "Too many tries" in words(client.post("/login/company/", {"email": f"x@{firm.domain}"}))


def test_who_has_an_account_alone_is_no_member(firm: Company) -> None:
    """A person with an account elsewhere, whose address the provider may say: the membership is asked for, too."""
    stranger = person("Sam")
    User.objects.filter(pk=stranger.pk).update(email=f"sam@{firm.domain}")
    client = Client()
    assert go(client, firm, f"sam@{firm.domain}").status_code == 400


def test_the_provider_of_a_closed_workspace_signs_no_one_in(open_firm: Company) -> None:
    client, email = Client(), f"new@{open_firm.domain}"
    back = open_firm.provider.visit(begin(client, email), email)
    open_firm.asks(closed_at=timezone.now())
    assert come_back(client, back).status_code == 400
    assert client.post("/login/company/", {"email": email}).status_code == 422
    assert not User.objects.filter(email=email).exists()
