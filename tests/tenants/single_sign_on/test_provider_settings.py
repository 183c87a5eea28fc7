"""The settings: who may set what, what is stored how, and when it can be required."""

from typing import Any

import pytest
from django.test import Client

from core import encryption
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, IdentityProvider, Tenant
from tenants.single_sign_on import domains
from tenants.single_sign_on.exchange import PURPOSE
from tests.cast import Actor, actor
from tests.tenants.factors import set_up, sign_in
from tests.tenants.single_sign_on.company import Company, linked, words
from tests.tenants.single_sign_on.provider import Provider

PAGE = "settings/single-sign-on/"


def values(provider: Provider, **more: Any) -> dict[str, Any]:
    return {"issuer": provider.issuer, "client_id": "cdp", "secret": "very secret", "join_role": "viewer", **more}


def stored(who: Actor) -> IdentityProvider:
    with tenant_context(who.workspace.pk):
        found: IdentityProvider = IdentityProvider.objects.get()
        return found


def test_an_owner_sets_it_and_the_secret_is_not_readable(alice: Actor, provider: Provider) -> None:
    for _twice in range(2):
        assert alice.post(f"{PAGE}save/", values(provider)).status_code == 302
    found = stored(alice)
    assert "very secret" not in found.secret
    assert encryption.decrypt(found.secret, purpose=PURPOSE) == "very secret"
    page = alice.get(PAGE).content.decode()
    assert "very secret" not in page
    assert found.secret not in page
    assert f"/login/company/{alice.workspace.pk}/back/" in page
    assert alice.post(f"{PAGE}save/", values(provider, secret="", trusts_factor="on")).status_code == 302
    assert encryption.decrypt(stored(alice).secret, purpose=PURPOSE) == "very secret"
    assert Tenant.objects.get(pk=alice.workspace.pk).trusts_provider_factor
    with tenant_context(alice.workspace.pk):
        detail = str([entry.detail for entry in AuditEntry.objects.filter(verb="settings.single_sign_on")])
    assert "very secret" not in detail
    assert provider.issuer in detail


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": ""}, "Issuer"),
        ({"issuer": "http://93.184.216.34"}, "begins with https"),
        ({"issuer": "https://10.0.0.1"}, "inside a private network"),
        ({"issuer": "https://127.0.0.1/.well-known/openid-configuration"}, "without the path"),
        ({"issuer": "https://127.0.0.1/?x=1"}, "without the path"),
        ({"secret": ""}, "Client secret"),
        ({"client_id": ""}, "Client ID"),
        ({"join_role": "owner"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said(alice: Actor, provider: Provider, changes: dict[str, str], said: str) -> None:
    answer = alice.post(f"{PAGE}save/", values(provider) | changes)
    assert (answer.status_code, said in words(answer)) == (422, True), words(answer)
    with tenant_context(alice.workspace.pk):
        assert not IdentityProvider.objects.exists()


def test_admins_see_it_and_only_owners_change_it(firm: Company) -> None:
    admin = actor("Ada", firm.workspace, "admin")
    page = words(admin.get(PAGE))
    assert "Only owners can change" in page
    assert "Add domain" not in page
    for path in ("save/", "off/", "required/", "domains/add/", "domains/remove/"):
        assert admin.post(PAGE + path, values(firm.provider)).status_code == 404, path
    assert admin.client.post(f"/login/company/{firm.workspace.slug}/test/").status_code == 404
    assert actor("Max", firm.workspace, "marketer").get(PAGE).status_code == 404


def test_testing_says_what_is_wrong(firm: Company, charlie: Actor) -> None:
    url = f"/login/company/{firm.workspace.slug}/test/"
    good = firm.actor.client.post(url, follow=True)
    assert "its document is good" in words(good)
    assert stored(firm.actor).tested_at is not None
    firm.provider.document = {"issuer": "https://other.example.com"}
    assert "calls itself https://other.example.com" in words(firm.actor.client.post(url, follow=True))
    asked = len(firm.provider.requests)
    assert charlie.client.post(url).status_code == 404
    assert Client().post(url).status_code == 302
    assert len(firm.provider.requests) == asked


def test_it_is_required_only_when_it_works_and_the_owner_has_another_way(firm: Company) -> None:
    owner = firm.actor

    def wanted(client: Client, on: str = "on") -> str:
        return words(client.post(owner.url(f"{PAGE}required/"), {"required": on}, follow=True))

    firm.set(is_on=False)
    assert "Save the provider first" in wanted(owner.client)
    firm.set(is_on=True)
    domains.approve(firm.workspace.pk, firm.domain, approved=False)
    assert "None of your domains is approved" in wanted(owner.client)
    domains.approve(firm.workspace.pk, firm.domain, approved=True)
    assert "No one has signed in by the provider" in wanted(owner.client)
    linked(Client(), firm, firm.employee("ann").email)
    assert "Set up your own second factor first" in wanted(owner.client)
    assert not Tenant.objects.get(pk=firm.workspace.pk).needs_single_sign_on
    client = sign_in(owner.user)
    set_up(client)
    assert "now required" in wanted(client)
    assert Tenant.objects.get(pk=firm.workspace.pk).needs_single_sign_on
    assert owner.get(PAGE).status_code == 302, "the other session has shown no factor"
    assert "no longer required" in wanted(client, "")


def test_turning_it_off_stops_it_and_keeps_everything(firm: Company) -> None:
    user = firm.employee("ann")
    linked(Client(), firm, user.email)
    firm.asks(needs_single_sign_on=True)
    client = sign_in(firm.actor.user)
    set_up(client)
    assert client.post(firm.actor.url(f"{PAGE}off/")).status_code == 302
    assert not Tenant.objects.get(pk=firm.workspace.pk).needs_single_sign_on
    assert sign_in(user).get(firm.actor.url("contacts/")).status_code == 200
    assert Client().post("/login/company/", {"email": user.email}).status_code == 422
    form = {"issuer": firm.provider.issuer, "client_id": "cdp"}
    assert client.post(firm.actor.url(f"{PAGE}save/"), form).status_code == 302
    assert Client().post("/login/company/", {"email": user.email}).status_code == 200


def test_another_issuer_has_to_be_linked_again(firm: Company) -> None:
    """Or else an owner could enter a provider of their own, and be anybody who was linked before."""
    from tests.tenants.single_sign_on.company import go
    from tests.tenants.single_sign_on.provider import running

    user = firm.employee("ann")
    linked(Client(), firm, user.email)
    with running() as evil:
        firm.set(issuer=evil.issuer)
        firm.provider = evil
        assert go(Client(), firm, user.email).headers["Location"] == "/login/company/link/"
