"""A sign-in by a company that fails is listed for the admins of that workspace, where it was one of a member."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client

from tenants.isolation.context import tenant_context
from tenants.models import FailedSignIn, Membership, User
from tenants.single_sign_on import domains
from tests.cast import Actor, workspace
from tests.tenants.single_sign_on.company import Company, begin, come_back, go, leads_to, linked, words

PAGE = "audit/failed-sign-ins/"


def noted(who: Actor) -> list[tuple[int, str]]:
    with tenant_context(who.workspace.pk):
        return list(FailedSignIn.objects.order_by("pk").values_list("user_id", "reason"))


def lists(firm: Company, user: User, reason: str) -> None:
    """The page lists this one attempt, in words."""
    assert noted(firm.actor) == [(user.pk, reason)]
    page = " ".join(firm.actor.get(PAGE).content.decode().split())
    assert user.display_name in page
    assert FailedSignIn.Reason(reason).label in page


def test_an_answer_that_is_not_accepted(firm: Company) -> None:
    user = firm.employee("ann")
    firm.provider.signing = rsa.generate_private_key(65537, 2048)
    assert go(Client(), firm, user.email.upper()).status_code == 400
    lists(firm, user, "provider")


def test_a_provider_that_does_not_answer(firm: Company) -> None:
    user = firm.employee("ann")
    firm.provider.status = 500
    assert Client().post("/login/company/", {"email": user.email}).status_code == 400
    lists(firm, user, "provider")


def test_a_code_that_the_provider_refuses(firm: Company) -> None:
    user, client = firm.employee("ann"), Client()
    back = firm.provider.visit(begin(client, user.email), user.email)
    firm.provider.codes.clear()
    assert "refuses" in words(come_back(client, back))
    lists(firm, user, "provider")


@pytest.mark.parametrize(("error", "reason"), [("access_denied", "canceled"), ("server_error", "provider")])
def test_a_provider_that_answers_with_an_error(firm: Company, error: str, reason: str) -> None:
    user, client = firm.employee("ann"), Client()
    back = firm.provider.visit(begin(client, user.email), user.email)
    path, state = back.partition("?code=")[0], back.partition("&state=")[2]
    assert come_back(client, f"{path}?error={error}&state={state}").status_code == 400
    lists(firm, user, reason)


def test_a_state_that_fits_to_none_is_of_the_sign_in_that_was_begun_last(firm: Company) -> None:
    user, client = firm.employee("ann"), Client()
    back = firm.provider.visit(begin(client, user.email), user.email)
    assert come_back(client, f"{back}x").status_code == 400
    lists(firm, user, "state")


def test_of_two_that_were_begun_the_one_that_comes_back_counts(firm: Company) -> None:
    ann, ben, client = firm.employee("ann"), firm.employee("ben"), Client()
    back = firm.provider.visit(begin(client, ann.email), ann.email)
    begin(client, ben.email)
    firm.provider.codes.clear()
    come_back(client, back)
    assert noted(firm.actor) == [(ann.pk, "provider")]


def test_a_state_that_this_browser_has_not_is_nobodys(firm: Company) -> None:
    """Else a link would be enough to write into the list of a workspace."""
    user, client = firm.employee("ann"), Client()
    back = firm.provider.visit(begin(client, user.email), user.email)
    assert come_back(Client(), back).status_code == 400
    assert come_back(client, back).headers["Location"] == "/login/company/link/"
    assert noted(firm.actor) == []


def test_an_address_of_nobody_who_is_a_member_is_the_attempt_of_who_began(firm: Company) -> None:
    user = firm.employee("ann")
    client = Client()
    back = firm.provider.visit(begin(client, user.email), f"new@{firm.domain}")
    assert "You need an invitation" in words(come_back(client, back))
    lists(firm, user, "stranger")
    assert f"new@{firm.domain}" not in firm.actor.get(PAGE).content.decode()


def test_an_address_of_another_domain(firm: Company, charlie: Actor) -> None:
    user = firm.employee("ann")
    client = Client()
    back = firm.provider.visit(begin(client, user.email), charlie.user.email)
    assert "is not of a domain" in words(come_back(client, back))
    lists(firm, user, "domain")
    assert noted(charlie) == [], "a provider says nothing about people of others"
    assert charlie.user.email not in firm.actor.get(PAGE).content.decode()


def test_a_domain_that_is_no_longer_approved(firm: Company) -> None:
    user, client = firm.employee("ann"), Client()
    back = firm.provider.visit(begin(client, f"other@{firm.domain}"), user.email)
    domains.approve(firm.workspace.pk, firm.domain, approved=False)
    assert come_back(client, back).status_code == 400
    lists(firm, user, "domain")


def test_strangers_and_former_members_leave_no_trace(firm: Company, charlie: Actor) -> None:
    firm.provider.without = ("email",)
    go(Client(), firm, f"new@{firm.domain}")
    firm.provider.without = ()
    go(Client(), firm, f"new@{firm.domain}")
    former = firm.employee("ann")
    linked(Client(), firm, former.email)
    with tenant_context(firm.workspace.pk):
        Membership.objects.filter(user=former).delete()
    assert go(Client(), firm, former.email).status_code == 400
    assert noted(firm.actor) == []
    with tenant_context(charlie.workspace.pk):
        assert not FailedSignIn.objects.exists()


def test_only_the_workspace_of_the_provider_is_told(firm: Company) -> None:
    user = firm.employee("ann")
    other = workspace(user)
    firm.provider.signing = rsa.generate_private_key(65537, 2048)
    go(Client(), firm, user.email)
    assert noted(firm.actor) == [(user.pk, "provider")]
    with tenant_context(other.pk):
        assert not FailedSignIn.objects.exists()


def test_who_is_led_to_the_provider_from_a_workspace_is_known(firm: Company) -> None:
    user, client = firm.employee("ann"), Client()
    client.force_login(user)
    asked = client.post(f"/login/company/{firm.workspace.slug}/")
    back = firm.provider.visit(leads_to(asked), user.email)
    firm.provider.codes.clear()
    assert come_back(client, back).status_code == 400
    lists(firm, user, "provider")


def test_who_was_switched_off_is_listed(firm: Company) -> None:
    user = firm.employee("ann")
    linked(Client(), firm, user.email)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert go(Client(), firm, user.email).headers["Location"] == "/inactive/"
    lists(firm, user, "inactive")


def test_who_comes_in_is_not_listed(firm: Company) -> None:
    user = firm.employee("ann")
    linked(Client(), firm, user.email)
    assert go(Client(), firm, user.email).status_code == 302
    assert noted(firm.actor) == []


def test_one_a_minute(firm: Company) -> None:
    user = firm.employee("ann")
    firm.provider.status = 500
    for _attempt in range(3):
        Client().post("/login/company/", {"email": user.email})
    assert len(noted(firm.actor)) == 1
    cache.clear()
    Client().post("/login/company/", {"email": user.email})
    assert len(noted(firm.actor)) == 2
