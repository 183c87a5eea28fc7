"""Every page in light and dark, wide and narrow: accessible, without complaints, without sideways scrolling."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser.conftest import Aside, Visit
from tests.browser.routes import ACCOUNT, FACTORS, OUTSIDE, PAGES
from tests.browser.scene import Scene

pytestmark = pytest.mark.browser
WIDTHS = (1280, 400)
THEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
SIGNED_IN = ("/styleguide/", "/logout/", "/operations/", "/operations/incidents/")
# Dark differs from light by its colours alone.
RULES: dict[str, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
# Fingers want room on narrow screens; on wide ones the sticky bar of the foot may lie over half of a target meanwhile.
TARGETS = {"rules": {"target-size": {"enabled": True}}}
AXE = "options => axe.run({resultTypes: ['violations'], ...options}).then(results => results.violations)"


# Pages that load a part of themselves.
WAITED_FOR = (
    "profile", "contacts", "data sync to review", "data sync", "dashboard", "dashboard of analytics",
    "dashboard of the contact base",
)  # fmt: skip


def path_of(scene: Scene, page: str) -> str:
    own = {
        "contact": scene.contact,
        "site": scene.site,
        "segment": scene.segment,
        "dynamic": scene.dynamic,
        "other": scene.other,
        "action": scene.action,
        "field": scene.field,
        "member": scene.member,
        "visitor": scene.visitor,
        "source": scene.source,
        "audience": scene.audience,
        "gone": scene.gone,
        "upload": scene.upload,
        "columns": scene.columns,
        "list": scene.list,
        "token": scene.token,
        "connector": scene.connector,
        "dropped": scene.dropped,
        "webhook": scene.webhook,
        "delivery": scene.delivery,
        "fetching": scene.fetching,
        "lookalike": scene.lookalike,
        "refused": scene.refused,
    }
    known = own | scene.imports | scene.syncs
    assert len(known) == len(own) + len(scene.imports) + len(scene.syncs)  # no name stands for two things
    path = PAGES[page]
    for name, pk in known.items():
        path = path.replace(f"<{name}>", str(pk))
    return scene.path(path)


def judge(page: Page) -> list[str]:
    """What is wrong with the page that is open, in each width and theme."""
    wrong = []
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrong += [f"{width}: scrolls sideways by {too_wide} px"] if too_wide else []
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            rules = TARGETS if (width, theme) == (400, "light") else RULES[theme]
            for found in page.evaluate(AXE, rules):
                where = "; ".join(node["html"][:120] for node in found["nodes"][:3])
                wrong.append(f"{width} {theme}: {found['id']}: {found['help']}: {where}")
    return wrong


@pytest.mark.parametrize("name", PAGES)
def test_page_of_a_workspace(name: str, scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    here = visit(aside(scene.session))
    page = here.open(path_of(scene, name))
    page.wait_for_load_state("networkidle") if name in WAITED_FOR else None
    assert (here.status, judge(page)) == (200, [])


@pytest.mark.parametrize("path", OUTSIDE)
def test_page_outside(path: str, scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    here = visit(aside(scene.session) if path in SIGNED_IN else "")
    assert judge(here.open(path.replace("<form>", scene.form))) == []


@pytest.mark.parametrize("path", ACCOUNT)
def test_page_of_an_account(path: str, scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    here = visit(aside(scene.confirmed))
    assert (judge(here.open(path)), here.status, here.page.url.endswith(path)) == ([], 200, True)


def test_pages_of_an_account_with_second_factors(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    here = visit(aside(scene.holder))
    for path in FACTORS:
        assert (path, judge(here.open(path)), here.status, here.page.url.endswith(path)) == (path, [], 200, True)


def test_the_panel_of_activity_over_the_list(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    page = visit(aside(scene.session)).open(scene.path("contacts/?q=person0@"))
    page.get_by_role("link", name="Activity of").first.click()
    page.get_by_role("dialog").get_by_role("heading", name="Contact activity").wait_for()
    page.locator(":focus", has_text="Contact activity").wait_for()
    assert judge(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")


FOCUSED = "document.activeElement.matches('h1, h2') ? document.activeElement.innerText : document.activeElement.tagName"


def test_after_a_step_the_focus_is_on_the_heading_or_on_the_first_error(
    scene: Scene, aside: Aside, visit: Callable[..., Visit]
) -> None:
    here = visit(aside(scene.session))
    page = here.open(scene.path("contacts/blacklist/"))
    assert page.evaluate(FOCUSED) == "BODY"
    page.get_by_label("E-mail addresses").fill("no address")
    page.get_by_role("button", name="Add to blacklist").click()
    page.locator(":focus", has_text="These lines do not contain a valid e-mail address").wait_for()
    page.get_by_label("E-mail addresses").fill("person20@inbox.example")
    page.get_by_role("button", name="Add to blacklist").click()
    page.get_by_text("All were already on the blacklist").wait_for()
    page.locator("h1:focus", has_text="Blacklist").wait_for()
    page.reload()
    assert page.evaluate(FOCUSED) == "BODY"
    here.complaints = [c for c in here.complaints if "422" not in c]


def test_where_the_focus_was_swapped_away_it_goes_to_what_came(
    scene: Scene, aside: Aside, visit: Callable[..., Visit]
) -> None:
    page = visit(aside(scene.session)).open(scene.path(f"contacts/merge/?id={scene.contact}&id={scene.other}"))
    page.locator(".segmented button:not([aria-current])").first.focus()
    page.keyboard.press("Enter")
    page.locator("#contacts-compare :is(h1, h2, h3):focus").wait_for()


@pytest.mark.parametrize("path", ["imports/", "contacts/", "segments/", "sites/", "resolved/", "notices/"])
def test_empty_page_says_what_to_do(
    path: str, newcomer: tuple[Any, Any], aside: Aside, visit: Callable[..., Visit]
) -> None:
    user, tenant = newcomer
    here = visit(aside(Scene(user, tenant).session))
    page = here.open(f"/w/{tenant.slug}/{path}")
    assert page.locator(".empty h2").inner_text()
    assert judge(page) == []


def test_the_running_list_renews_itself_and_keeps_what_is_typed(
    scene: Scene, aside: Aside, visit: Callable[..., Visit]
) -> None:
    page = visit(aside(scene.session)).open(scene.path("imports/"))
    field = page.get_by_role("searchbox", name="Search imports by file name or description")
    field.fill("fair")
    with page.expect_response(lambda r: r.url.split("?")[0].endswith("/imports/live/")):
        pass
    page.wait_for_timeout(200)
    assert field.input_value() == "fair"
    assert page.get_by_role("heading", name="members-2026-full-export.csv").is_visible()
    assert page.get_by_role("link", name="autumn-fair-riga-2026.csv").is_visible()


def test_the_sheet_marks_cells_and_names_contacts(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    page = visit(aside(scene.session)).open(path_of(scene, "result"))
    assert page.get_by_role("heading", level=1).inner_text().endswith("in error")
    page.get_by_role("link", name="Too few cells").click()
    cut = page.locator("td.bad").first
    assert cut.get_attribute("colspan") == "3"
    assert "Too few cells" in cut.inner_text()
    page.get_by_role("link", name="Incomplete e-mail domain").click()
    assert "@inbox" in page.locator("td.bad input").first.input_value()


def test_canceling_says_first_what_it_does(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    page = visit(aside(scene.session)).open(path_of(scene, "review"))
    page.get_by_role("link", name="Cancel import…").click()
    dialog = page.get_by_role("dialog")
    assert "spring-campaign-no.csv" in dialog.get_by_role("heading").inner_text()
    page.locator(":focus", has_text="Keep import").wait_for()
    page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    assert page.url.endswith(path_of(scene, "review"))


def test_contacts_are_found_while_typing(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    page = visit(aside(scene.session)).open(scene.path("contacts/"))
    page.get_by_role("searchbox", name="Search contacts").fill("person12@")
    page.get_by_text("contact matches “person12@”").wait_for()
    assert page.locator("#contacts-list tbody tr").count() == 1
    assert "q=person12" in page.url
    page.go_back()
    expect(page.get_by_role("searchbox", name="Search contacts")).to_have_value("")


def test_profile_says_where_each_value_came_from(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    page = visit(aside(scene.session)).open(path_of(scene, "profile"))
    page.get_by_role("link", name="autumn-fair-riga-2026.csv").first.wait_for()
    assert "line 2" in page.locator(".known .origin").first.inner_text()
    page.get_by_text("by e-mail").wait_for()
    page.get_by_role("link", name="Fair Riga 2026").wait_for()
    page.get_by_text("Viewed").first.wait_for()


def test_how_it_was_imported_and_the_menu_of_downloads(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    page = visit(aside(scene.session)).open(path_of(scene, "result"))
    page.get_by_text("Import details").click()
    page.get_by_text("available until").wait_for()
    assert judge(page) == []
    page.locator("summary", has_text="Download").click()
    page.get_by_role("link", name="Created rows").wait_for()
    with page.expect_download() as got:
        page.get_by_role("link", name="Created rows").click()
    assert got.value.suggested_filename == "autumn-fair-riga-2026 created.csv"


def test_a_name_of_a_source_is_changed_on_its_page(scene: Scene, aside: Aside, visit: Callable[..., Visit]) -> None:
    here = visit(aside(scene.session))
    page = here.open(path_of(scene, "sources"))
    page.get_by_role("link", name="Admin panel").click()
    assert judge(page) == []
    page.get_by_label("Name").fill(" ")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The name was not saved.").wait_for()
    assert judge(page) == []
    # The browser itself reports the answer 422 to the console.
    here.complaints = [c for c in here.complaints if "422" not in c]


def test_rules_that_cannot_be_say_so_beside_their_field(
    scene: Scene, aside: Aside, visit: Callable[..., Visit]
) -> None:
    here = visit(aside(scene.session))
    page = here.open(path_of(scene, "import rules"))
    page.get_by_label("Maximum file size in MB").fill("5000")
    page.get_by_role("button", name="Save rules").click()
    page.get_by_text("The rules were not saved.").wait_for()
    assert judge(page) == []
    # The browser itself reports the answer 422 to the console.
    here.complaints = [c for c in here.complaints if "422" not in c]
