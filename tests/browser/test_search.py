"""Smart search with the keyboard alone: a rule is put together line by line, counted as it grows, shown and kept."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from segments.models import Segment
from tenants.isolation.context import tenant_context
from tests.browser.conftest import Aside, Visit
from tests.browser.scene import Scene
from tests.browser.test_corrections_and_undo import press_until
from tests.imports.helpers import bring

pytestmark = pytest.mark.browser
FILE = "email,First name,City\nann@example.com,Ann,Riga\nbob@example.com,Bob,Oslo\ncid@example.com,Cid,Riga\n"


@pytest.fixture
def page(newcomer: Any, aside: Aside, visit: Callable[..., Visit]) -> tuple[Page, Any]:
    user, tenant = newcomer
    aside(lambda: bring(tenant, FILE, user=user))
    here = visit(aside(Scene(user, tenant).session))
    return here.open(f"/w/{tenant.slug}/contacts/"), tenant


def settled(page: Page) -> None:
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)


def test_a_search_by_keyboard(page: tuple[Page, Any], aside: Aside) -> None:
    page_, tenant = page
    press_until(page_, "Smart search")
    page_.keyboard.press("Enter")
    page_.get_by_role("heading", name="Smart search").wait_for()
    press_until(page_, "Field, activity or segment")
    page_.keyboard.type("City")
    page_.keyboard.press("Tab")
    page_.get_by_label("Value", exact=True).wait_for()
    settled(page_)
    press_until(page_, "Value")
    page_.keyboard.type("riga")
    page_.keyboard.press("Tab")
    page_.get_by_text("City is riga").wait_for()
    expect(page_.locator(".headline-figure")).to_have_text("2")
    settled(page_)
    press_until(page_, "Show contacts")
    page_.keyboard.press("Enter")
    page_.get_by_text("2 of 3 contacts").wait_for()
    expect(page_.get_by_role("link", name="Bob")).to_have_count(0)
    press_until(page_, "Save as segment")
    page_.keyboard.press("Enter")
    page_.get_by_role("heading", name="New segment").wait_for()
    page_.get_by_label("Name", exact=True).focus()
    page_.keyboard.type("In Riga")
    page_.keyboard.press("Enter")
    settled(page_)
    press_until(page_, "Save segment")
    page_.keyboard.press("Enter")
    page_.get_by_role("heading", name="In Riga").wait_for()

    def kept() -> list[str]:
        with tenant_context(tenant.pk):
            return list(Segment.objects.values_list("name", flat=True))

    assert aside(kept) == ["In Riga"]
