"""What a provider says of who signed in: each way in which it can be wrong, by real requests to a real provider."""

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from tenants.isolation.context import tenant_context
from tenants.models import IdentityProvider
from tests.tenants.single_sign_on.company import Company, begin, come_back, go, words
from tests.tenants.single_sign_on.provider import SECRET, Provider


def is_refused(firm: Company, said: str, **claims: Any) -> None:
    """A sign-in after which nobody is signed in, and the page says why, as do the settings."""
    client, email = Client(), f"new@{firm.domain}"
    answer = go(client, firm, email, **claims)
    assert (answer.status_code, said in words(answer)) == (400, True), words(answer)
    assert client.get("/account/").status_code == 302
    with tenant_context(firm.workspace.pk):
        assert said in IdentityProvider.objects.get().error


def test_one_that_is_right_is_taken(open_firm: Company) -> None:
    """Otherwise the tests below could not fail."""
    assert go(Client(), open_firm, f"new@{open_firm.domain}").status_code == 302


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://elsewhere.example.com"}, "another issuer"),
        ({"aud": "another"}, "another program"),
        ({"aud": ["cdp", "another"]}, "other programs"),
        ({"azp": "another"}, "other programs"),
        ({"exp": int(time.time()) - 3_600}, "too old"),
        ({"iat": int(time.time()) + 7_200}, "cannot be read"),
        ({"nonce": "another"}, "another sign-in"),
        ({"email_verified": False}, "is verified"),
        ({"email_verified": None}, "is verified"),
        ({"email_verified": 1 and "yes"}, "is verified"),
        ({"email": ""}, "does not say the e-mail"),
        ({"email": 7}, "does not say the e-mail"),
        ({"sub": ""}, "cannot be read"),
        ({"sub": "x" * 300}, "cannot be read"),
        ({"sub": "a\0b"}, "cannot be read"),
    ],
)
def test_wrong_claims_are_refused(open_firm: Company, claims: dict[str, Any], said: str) -> None:
    is_refused(open_firm, said, **claims)


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "sub", "nonce", "email", "email_verified"])
def test_missing_claims_are_refused(open_firm: Company, name: str) -> None:
    open_firm.provider.without = (name,)
    is_refused(open_firm, "")


def test_a_signature_by_another_key_is_refused(open_firm: Company) -> None:
    open_firm.provider.signing = rsa.generate_private_key(65537, 2048)
    is_refused(open_firm, "signature of the ID token is wrong")


def test_a_token_without_signature_is_refused(open_firm: Company) -> None:
    open_firm.provider.algorithm = "none"
    is_refused(open_firm, "signature of the ID token is wrong")


def test_a_signature_by_our_own_secret_is_refused(open_firm: Company) -> None:
    open_firm.provider.algorithm, open_firm.provider.signing = "HS256", SECRET * 4
    is_refused(open_firm, "signature of the ID token is wrong")


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", 7, ["x"]])
def test_an_answer_without_a_readable_token_is_refused(open_firm: Company, token: Any) -> None:
    open_firm.provider.answer = {"id_token": token}
    is_refused(open_firm, "")


@pytest.mark.parametrize("answer", [{"expires_in": "soon"}, {"access_token": ""}, {"access_token": None}])
def test_an_answer_that_makes_no_sense_is_no_failure_of_ours(open_firm: Company, answer: dict[str, Any]) -> None:
    open_firm.provider.answer = answer
    client = Client()
    assert go(client, open_firm, f"new@{open_firm.domain}").status_code in (302, 400)


# --- state, PKCE, code --------------------------------------------------------------------------------------------------


def test_a_sign_in_works_once_and_in_the_browser_that_began_it(open_firm: Company) -> None:
    email, client = f"new@{open_firm.domain}", Client()
    back = open_firm.provider.visit(begin(client, email), email)
    thief = Client()
    assert come_back(thief, back).status_code == 400
    assert thief.get("/account/").status_code == 302
    assert come_back(client, back).status_code == 302
    again = come_back(client, back)
    assert (again.status_code, "used before" in words(again)) == (400, True)


def test_a_code_of_somebody_else_is_refused(open_firm: Company) -> None:
    """An injected code: the state is right, the verifier is another one."""
    email, client, other = f"new@{open_firm.domain}", Client(), Client()
    own = open_firm.provider.visit(begin(client, email), email)
    theirs = open_firm.provider.visit(begin(other, email), email)
    mixed = f"{theirs.partition('&state=')[0]}&state={own.partition('&state=')[2]}"
    answer = come_back(client, mixed)
    assert (answer.status_code, "refuses" in words(answer)) == (400, True)


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?state=x", "?error=access_denied", "?error=server_error&state=x", "?code=x&state=%00"]
)
def test_what_no_sign_in_began_is_refused(open_firm: Company, query: str) -> None:
    answer = Client().get(f"/login/company/{open_firm.workspace.pk}/back/{query}")
    assert answer.status_code == 400
    with tenant_context(open_firm.workspace.pk):
        assert IdentityProvider.objects.get().error == "", "anybody can ask this: nothing is noted"


def test_canceling_at_the_provider_says_so(open_firm: Company) -> None:
    email, client = f"new@{open_firm.domain}", Client()
    back = open_firm.provider.visit(begin(client, email), email)
    answer = come_back(client, f"{back.partition('?')[0]}?error=access_denied&state={back.partition('&state=')[2]}")
    assert (answer.status_code, "You canceled" in words(answer)) == (400, True)


def test_a_wrong_secret_is_said(open_firm: Company, provider: Provider) -> None:
    from core import encryption
    from tenants.single_sign_on.exchange import PURPOSE

    open_firm.set(secret=encryption.encrypt("wrong", purpose=PURPOSE))
    is_refused(open_firm, "client ID and secret may be wrong")
    open_firm.set(secret="1:unreadable")
    answer = Client().post("/login/company/", {"email": f"new@{open_firm.domain}"})
    assert (answer.status_code, "cannot be read" in words(answer)) == (400, True)


def test_no_workspace_no_provider_no_sign_in(open_firm: Company) -> None:
    for number in (0, 999_999_999):
        assert Client().get(f"/login/company/{number}/back/?code=x&state=x").status_code == 400
    open_firm.set(is_on=False)
    assert Client().post("/login/company/", {"email": f"x@{open_firm.domain}"}).status_code == 422
