"""The builder of an audience in a browser: by keyboard, without reloading, with the focus where it was."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Aside, Visit
from tests.browser.scene import Scene
from tests.browser.test_accessibility import judge

pytestmark = pytest.mark.browser


def test_an_audience_is_built_by_keyboard_and_saved(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    here = visit(aside(scene.session))
    page = here.open(scene.path("audiences/new/"))
    page.get_by_label("Name").fill("By keyboard")
    page.locator("#include-0").focus()
    page.locator("#include-0").select_option(label="Fair guests")
    # The form has renewed itself: the list has a size, what was typed is there, and the focus is where it was.
    page.locator("#audience-funnel .remain").wait_for()
    assert page.get_by_label("Name").input_value() == "By keyboard"
    page.locator("#include-0:focus").wait_for()
    page.locator("#add-include-segment").focus()
    page.keyboard.press("Enter")
    page.locator("#include-1:focus").wait_for()
    page.locator("#add-exclude-segment").focus()
    page.keyboard.press("Enter")
    page.locator("#exclude-0:focus").wait_for()
    page.locator("#remove-exclude-0").focus()
    page.keyboard.press("Enter")
    page.locator("#add-exclude-segment:focus").wait_for()
    page.locator("#remove-include-1").focus()
    page.keyboard.press("Enter")
    page.locator("#include-0:focus").wait_for()
    page.locator("#audience-use").select_option("file")
    page.locator("#condition-ads").wait_for()
    page.locator("#condition-email").focus()
    page.keyboard.press("Space")
    page.locator(".in-words", has_text="may be e-mailed").wait_for()
    page.locator("#condition-email:focus").wait_for()
    assert judge(page) == []
    page.locator("#save").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="By keyboard", level=1).wait_for()


def test_what_is_missing_is_said_at_its_field(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    here = visit(aside(scene.session))
    page = here.open(scene.path("audiences/new/"))
    page.get_by_role("button", name="Save audience").click()
    page.get_by_text("Add at least one list to include.").wait_for()
    page.get_by_text("Enter a name of up to 120 characters.").wait_for()
    assert judge(page) == []
    here.complaints = [c for c in here.complaints if "422" not in c]
