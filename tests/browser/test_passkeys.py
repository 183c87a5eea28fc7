"""Passkeys in a real browser with an authenticator of its own: added, asked for, and signing in alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Aside, Visit
from tests.browser.test_accessibility import judge
from tests.cast import PASSWORD, person, workspace

pytestmark = pytest.mark.browser


@pytest.fixture
def door(visit: Callable[..., Visit], base: str) -> Page:
    """The door at localhost: browsers give no passkeys to addresses in numbers."""
    here = visit()
    page = here.page
    here.base = base.replace("127.0.0.1", "localhost")
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return here.open("/login/")


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.goto(re.sub(r"(://[^/]+)/.*", r"\1/logout/", page.url))
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


@pytest.mark.parametrize("alone", [True, False])
def test_a_passkey_signs_in_alone_or_beside_the_password(door: Page, aside: Aside, alone: bool) -> None:
    page, made = door, aside(lambda: _member("Pia"))
    sign_in(page, made.email)
    page.get_by_role("link", name="Imports").first.wait_for()
    page.goto(re.sub(r"(://[^/]+)/.*", r"\1/account/second-factor/passkeys/add/", page.url))
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Sign in with this passkey alone").set_checked(alone)
    page.get_by_role("button", name="Add passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert page.locator(".codes li").count() == 10
    sign_out(page)
    if alone:
        page.get_by_role("button", name="Sign in with a passkey").click()
    else:
        sign_in(page, made.email)
        page.get_by_role("heading", name="Enter your code").wait_for()
        assert judge(page) == []
        page.set_viewport_size({"width": 1280, "height": 900})
        page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("link", name="Imports").first.wait_for()
    page.goto(re.sub(r"(://[^/]+)/.*", r"\1/account/confirm/passkey/?next=/account/email/", page.url))
    assert judge(page) == []
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("heading", name="Change e-mail").wait_for()


def test_a_passkey_that_is_none_is_said_on_the_page(door: Page) -> None:
    page = door
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("The passkey was not used").wait_for()


def _member(name: str) -> Any:
    user = person(name)
    workspace(user)
    return user
