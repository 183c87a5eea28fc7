"""After an import: cells are mended where they stand, and the whole is taken back and brought back, by keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Aside, Visit
from tests.browser.scene import Scene
from tests.imports.helpers import bring

pytestmark = pytest.mark.browser
FILE = "email,First name\nann@example.com,Ann\nbob@@example.com,Bob\ncid@example,Cid\n"


@pytest.fixture
def done(newcomer: Any, aside: Aside, visit: Callable[..., Visit]) -> tuple[Page, Any]:
    """The result page of a small import with two rows in error."""
    user, tenant = newcomer
    imp = aside(lambda: bring(tenant, FILE, user=user))
    here = visit(aside(Scene(user, tenant).session))
    return here.open(f"/w/{tenant.slug}/imports/{imp.pk}/"), tenant


def press_until(page: Page, name: str, key: str = "Tab", most: int = 60) -> None:
    """Move on with the keyboard until the element of that name has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        focused = page.evaluate("(document.activeElement.ariaLabel || document.activeElement.innerText || '').trim()")
        if name in str(focused):
            return
    raise AssertionError(f"{name} cannot be reached")


def test_cells_are_mended_and_brought_again(done: tuple[Page, Any], worker: Any) -> None:
    page, tenant = done
    worker(tenant)
    press_until(page, "email, line 3")
    page.keyboard.press("Control+A")
    page.keyboard.type("bob@example")
    page.keyboard.press("Tab")
    page.get_by_text("Incomplete e-mail domain").nth(1).wait_for()
    # The row as the server has answered it, ready for the next change.
    page.locator("input[value='bob@example']").wait_for()
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)
    page.get_by_label("email, line 3").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("bob@example.com")
    page.keyboard.press("Tab")
    page.get_by_text("was bob@@example.com").wait_for()
    page.get_by_text("1 row corrected").wait_for()
    press_until(page, "Import 1 corrected row")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="1 row imported").wait_for()
    page.go_back()
    page.reload()
    page.get_by_role("link", name="imported again").wait_for()


def test_an_import_is_taken_back_and_brought_back(done: tuple[Page, Any], worker: Any) -> None:
    page, tenant = done
    worker(tenant)
    press_until(page, "Undo import")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert "Contacts that it created are removed" in dialog.inner_text()
    page.locator(":focus", has_text="Keep import").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Undone").wait_for()
    page.get_by_text("Rows undone completely").wait_for()
    press_until(page, "Redo import")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Redo import").click()
    page.get_by_role("heading", name="1 row imported").wait_for()
    page.get_by_text("This import was redone").wait_for()
