"""What each of these tests has: a provider on this machine, and companies that use it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from tests.cast import Actor
from tests.tenants.single_sign_on.company import Company, company
from tests.tenants.single_sign_on.provider import Provider, running


@pytest.fixture(autouse=True)
def fresh(settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    settings.SITE_URL = "http://testserver"
    cache.clear()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as found:
        yield found


@pytest.fixture
def firm(alice: Actor, provider: Provider) -> Company:
    """A company whose members alone sign in."""
    return company(alice, provider)


@pytest.fixture
def open_firm(alice: Actor, provider: Provider) -> Company:
    """A company whose new people join as viewers."""
    return company(alice, provider, join_role="viewer")
