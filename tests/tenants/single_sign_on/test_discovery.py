"""The document of a provider: what is wrong with it, in words."""

from typing import Any

import pytest

from tenants.single_sign_on import discovery
from tenants.single_sign_on.discovery import BadProvider
from tests.tenants.single_sign_on.provider import Provider


def test_a_good_one_is_read(provider: Provider) -> None:
    assert discovery.read(provider.issuer)["token_endpoint"] == f"{provider.issuer}/token"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"issuer": "https://other.example.com"}, "calls itself https://other.example.com"),
        ({"issuer": None}, "calls itself None"),
        ({"token_endpoint": None}, "does not say its token_endpoint"),
        ({"jwks_uri": 7}, "does not say its jwks_uri"),
        ({"token_endpoint": "http://10.0.0.1/token"}, "inside a private network"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri of the provider cannot be used"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint of the provider cannot be used"),
        ({"response_types_supported": ["id_token"]}, "does not support signing in by a code"),
    ],
)
def test_a_bad_one_is_said(provider: Provider, document: dict[str, Any], said: str) -> None:
    provider.document = document
    with pytest.raises(BadProvider, match=said):
        discovery.read(provider.issuer)


def test_the_issuer_is_compared_letter_by_letter(provider: Provider) -> None:
    with pytest.raises(BadProvider, match="as the provider writes it"):
        discovery.read(f"{provider.issuer}/")


def test_an_answer_that_is_no_document(provider: Provider) -> None:
    provider.status = 500
    with pytest.raises(BadProvider, match="answers with status 500"):
        discovery.read(provider.issuer)


def test_addresses_inside_and_without_encryption_are_refused(provider: Provider, settings: Any) -> None:
    settings.INSIDE_NETWORKS = []
    for issuer in (
        provider.issuer,
        "http://93.184.216.34",
        "https://10.1.2.3",
        "https://169.254.169.254",
        "ftp://x",
        "",
    ):
        with pytest.raises(BadProvider):
            discovery.read(issuer)
    assert provider.requests == []


def test_a_provider_that_is_not_there() -> None:
    with pytest.raises(BadProvider, match="does not answer"):
        discovery.read("http://127.0.0.1:9")
