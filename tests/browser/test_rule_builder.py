"""The rule builder by keyboard alone: conditions added, grouped, moved, duplicated, a value chosen, a segment saved."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from segments.models import Segment
from tenants.isolation.context import tenant_context
from tests.browser.conftest import Aside, Visit
from tests.browser.scene import Scene
from tests.browser.test_accessibility import judge
from tests.browser.test_corrections_and_undo import press_until
from tests.browser.test_search import settled
from tests.imports.helpers import bring

pytestmark = pytest.mark.browser
CITIES = ["Riga", "Riga", "Riga", "Rio", "Oslo", "Oslo", "Bergen"]
FILE = "email,First name,City\n" + "".join(f"p{i}@example.com,P{i},{city}\n" for i, city in enumerate(CITIES))


@pytest.fixture
def page(newcomer: Any, aside: Aside, visit: Callable[..., Visit]) -> tuple[Page, Any]:
    user, tenant = newcomer
    aside(lambda: bring(tenant, FILE, user=user))
    here = visit(aside(Scene(user, tenant).session))
    return here.open(f"/w/{tenant.slug}/segments/new/"), tenant


def choose(page: Page, what: str) -> None:
    """The field, activity or segment of the line that has the focus."""
    expect(page.locator("select[id^=about-]:focus")).to_have_count(1)
    page.keyboard.type(what)
    leave(page)


def leave(page: Page) -> None:
    """Go on from a field that was changed, and wait for what the builder answers."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.keyboard.press("Tab")
    settled(page)


def press(page: Page, keys: str, focused: str) -> None:
    """A shortcut, and the element that has the focus afterwards."""
    page.keyboard.press(f"Alt+Shift+{keys}")
    expect(page.locator(f"#{focused}".replace(".", "\\."))).to_be_focused()
    settled(page)


def test_a_nested_rule_by_keyboard(page: tuple[Page, Any], aside: Aside) -> None:
    page_, tenant = page
    press_until(page_, "Field, activity or segment")
    choose(page_, "City")
    # A value is chosen from those that contacts have, the most frequent first.
    press_until(page_, "Value")
    page_.keyboard.type("ri")
    options = page_.get_by_role("option").filter(visible=True)
    expect(options).to_have_text(["Riga 3", "Rio 1"])
    for key, marked in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0)):
        page_.keyboard.press(key)
        expect(options.nth(marked)).to_have_attribute("aria-selected", "true")
    page_.keyboard.press("Enter")
    expect(page_.get_by_label("Value", exact=True)).to_have_value("Riga")
    settled(page_)
    expect(page_.locator(".headline-figure")).to_have_text("3")
    expect(page_.get_by_label("Value", exact=True)).to_be_focused()
    # Into a group; a second condition in it, a duplicate with another value.
    press(page_, "G", "about-0.0")
    press(page_, "D", "about-0.1")
    press_until(page_, "Value")
    page_.keyboard.press("Control+A")
    page_.keyboard.type("osl")
    expect(options).to_have_text(["Oslo 2"])
    page_.keyboard.press("Escape")
    expect(options).to_have_count(0)
    page_.keyboard.press("Backspace")
    page_.keyboard.type("l")
    page_.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page_.keyboard.press("Enter")
    settled(page_)
    expect(page_.locator(".headline-figure")).to_have_text("5")
    press(page_, "Enter", "about-0.2")
    choose(page_, "E-mail")
    # The focus went on to what has come.
    expect(page_.locator("#op-0\\.2")).to_be_focused()
    page_.keyboard.type("has a value")
    leave(page_)
    # It does not belong to the group: out of it, and above it.
    page_.locator("#about-0\\.2").focus()
    press(page_, "ArrowLeft", "menu-1")
    press(page_, "ArrowUp", "menu-0")
    press(page_, "ArrowDown", "menu-1")
    press(page_, "ArrowRight", "menu-0.2")
    press(page_, "ArrowLeft", "menu-1")
    # The same by its menu.
    page_.keyboard.press("Enter")
    page_.get_by_role("button", name="Duplicate").focus()
    page_.keyboard.press("Enter")
    expect(page_.locator("#about-2")).to_be_focused()
    settled(page_)
    press(page_, "Backspace", "about-1")
    page_.get_by_label("Name", exact=True).focus()
    page_.keyboard.type("Riga or Oslo")
    press_until(page_, "Save segment")
    page_.keyboard.press("Enter")
    page_.get_by_role("heading", name="Riga or Oslo").wait_for()

    def kept() -> Any:
        with tenant_context(tenant.pk):
            return Segment.objects.get().rule

    cities = [{"attribute": "city", "op": "is", "values": [city]} for city in ("Riga", "Oslo")]
    assert aside(kept) == {"v": 1, "all": [{"any": cities}, {"attribute": "email", "op": "filled"}]}


def test_it_is_accessible_with_open_suggestions_and_an_open_menu(page: tuple[Page, Any]) -> None:
    page_, _tenant = page
    press_until(page_, "Field, activity or segment")
    choose(page_, "City")
    press(page_, "G", "about-0.0")
    page_.locator("#menu-0\\.0").press("Enter")
    assert judge(page_) == []
    page_.keyboard.press("Escape")
    page_.get_by_label("Value", exact=True).click()
    expect(page_.get_by_role("option", name="Riga 3")).to_be_visible()
    assert judge(page_) == []


def test_without_script_the_buttons_do_the_same(newcomer: Any, aside: Aside, visit: Callable[..., Visit]) -> None:
    user, tenant = newcomer
    aside(lambda: bring(tenant, FILE, user=user))
    here = visit(aside(Scene(user, tenant).session), java_script_enabled=False)
    page = here.open(f"/w/{tenant.slug}/segments/search/")
    page.get_by_label("Field, activity or segment").select_option(label="City")
    page.get_by_label("Field, activity or segment").press("Enter")
    page.get_by_role("button", name="Update count").press("Enter")
    page.get_by_label("Value", exact=True).fill("Riga")
    page.locator("#menu-0").press("Enter")
    page.get_by_role("button", name="Put into a new group").click()
    expect(page.locator("#about-0\\.0")).to_be_focused()
    expect(page.get_by_label("Value", exact=True)).to_have_value("Riga")
    expect(page.locator(".headline-figure")).to_have_text("3")
    page.get_by_role("button", name="Show contacts").click()
    expect(page.get_by_text("3 of 7 contacts")).to_be_visible()


def test_conditions_are_dragged(page: tuple[Page, Any]) -> None:
    page_, _tenant = page
    page_.get_by_label("Field, activity or segment").select_option(label="City")
    expect(page_.get_by_label("Value", exact=True)).to_be_visible()
    page_.get_by_role("button", name="Add condition").click()
    page_.locator("#about-1").select_option(label="E-mail")
    page_.locator("#op-1").wait_for()
    page_.get_by_role("button", name="Add group").first.click()
    page_.locator("#about-2\\.0").wait_for()
    settled(page_)

    def drag(path: str, to: str, y: int) -> None:
        grip = page_.locator(f'[data-part="{path}"] > .rule-acts .grip')
        target = page_.locator(f'[data-part="{to}"]')
        with page_.expect_response(lambda response: response.request.method == "POST"):
            grip.drag_to(target, target_position={"x": 60, "y": y})
        settled(page_)

    drag("1", "0", 2)
    expect(page_.locator("#about-0")).to_have_value("attribute:email")
    expect(page_.locator("#menu-0")).to_be_focused()
    drag("0", "2.0", 2)
    expect(page_.locator("#about-1\\.0")).to_have_value("attribute:email")
    expect(page_.locator("#about-0")).to_have_value("attribute:city")


def test_a_sentence_becomes_conditions(page: tuple[Page, Any]) -> None:
    """By keyboard: the sentence is typed, Enter fills the builder, and what was not understood is marked."""
    here, _tenant = page
    here.locator("#segment-name").fill("Mine")
    with here.expect_response(lambda response: response.request.method == "POST"):
        here.locator("#segment-sentence").focus()
    here.keyboard.type("people from Riga who never ordered and frobnicated")
    with here.expect_response(lambda response: response.request.method == "POST"):
        here.keyboard.press("Enter")
    expect(here.locator("mark.missed")).to_contain_text("frobnicated")
    expect(here.locator("#about-0")).to_have_value("attribute:city")
    expect(here.locator("#value-0")).to_have_value("Riga")
    expect(here.locator("#times-1")).to_have_value("never")
    expect(here.locator("#segment-name")).to_have_value("Mine")
    assert judge(here) == []


def test_a_sentence_right_after_a_name_is_not_lost_for_a_count(page: tuple[Page, Any]) -> None:
    """The name that was left a moment ago sends for a new count while the sentence is on its way."""
    here, _tenant = page
    here.locator("#segment-name").fill("Quick")
    here.locator("#segment-sentence").fill("people from Riga")
    here.locator("#segment-sentence").press("Enter")
    expect(here.locator("#value-0")).to_have_value("Riga")
    expect(here.locator("#segment-name")).to_have_value("Quick")


def test_a_double_click_saves_a_segment_once_and_opens_it(page: tuple[Page, Any], aside: Aside) -> None:
    here, tenant = page
    here.locator("#segment-sentence").fill("people from Riga")
    here.locator("#segment-sentence").press("Enter")
    expect(here.locator("#value-0")).to_have_value("Riga")
    here.locator("#segment-name").fill("Twice")
    here.get_by_role("button", name="Save segment").dblclick()
    here.wait_for_url(re.compile(r"/segments/\d+/$"))

    def kept() -> list[str]:
        with tenant_context(tenant.pk):
            return list(Segment.objects.values_list("name", flat=True))

    assert aside(kept) == ["Twice"]
