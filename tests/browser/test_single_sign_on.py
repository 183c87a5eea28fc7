"""Signing in by a company in a real browser: on to the provider past the policy of the page, back, and the pages between."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import Aside, Visit
from tests.browser.test_accessibility import judge
from tests.cast import PASSWORD, actor
from tests.tenants.single_sign_on.company import Company, company
from tests.tenants.single_sign_on.provider import Provider, running

pytestmark = pytest.mark.browser


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as found:
        yield found


@pytest.fixture
def firm(aside: Aside, provider: Provider) -> Company:
    made: Company = aside(lambda: company(actor("Clara"), provider))
    return made


def answer_as_provider(page: Page, firm: Company, email: str) -> None:
    """The page of the provider: whoever comes is signed in there already, and is sent back at once."""

    def back(route: Route) -> None:
        address = firm.provider.visit(route.request.url, email)
        route.fulfill(status=302, headers={"Location": address})

    page.route(re.compile(re.escape(firm.provider.issuer) + "/authorize.*"), back)


def test_a_member_links_the_account_and_signs_in(visit: Callable[..., Visit], firm: Company, aside: Aside) -> None:
    user = aside(lambda: firm.employee("clara"))
    page = visit().open("/login/")
    answer_as_provider(page, firm, user.email)
    page.get_by_role("button", name="Sign in with your company").click()
    page.get_by_label("E-mail at work").fill(user.email)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Is this account yours?").wait_for()
    assert judge(page) == []
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Link and sign in").click()
    page.wait_for_url(re.compile(rf"/w/{firm.workspace.slug}/"))


def test_the_door_of_a_workspace_that_requires_it(visit: Callable[..., Visit], firm: Company, aside: Aside) -> None:
    user = aside(lambda: firm.employee("dora"))
    aside(lambda: firm.asks(needs_single_sign_on=True))
    page = visit().open(f"/login/?next=/w/{firm.workspace.slug}/contacts/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name=f"Sign in to {firm.workspace.name}").wait_for()
    assert judge(page) == []
    answer_as_provider(page, firm, user.email)
    page.get_by_role("button", name="Sign in with your company").click()
    page.get_by_role("heading", name="Is this account yours?").wait_for()
