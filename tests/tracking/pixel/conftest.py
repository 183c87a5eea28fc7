"""A site, and both ways to send it a hit."""

from collections.abc import Callable, Iterator

import pytest

from tenants.models import Tenant
from tests.tracking import helpers
from tracking.models import Site
from tracking.pixel import inbox, sites

Ask = Callable[..., tuple[str, dict[str, str], bytes]]


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return helpers.site_of(tenant)


@pytest.fixture(params=["loop", "threads"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Both ways to take a hit answer alike."""
    return helpers.ask_in_loop if request.param == "loop" else helpers.ask


@pytest.fixture
def empty_inbox() -> Iterator[None]:
    """Other tests may not see what these have put in."""
    inbox.remove([e.id for e in inbox.read(10_000)])
    yield
    inbox.remove([e.id for e in inbox.read(10_000)])
    sites._known.clear()
