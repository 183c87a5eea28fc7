"""From a file to contacts: with the mouse, with the keyboard alone, and when a file is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser import scene as scenes
from tests.browser.conftest import Aside, Visit
from tests.browser.scene import Scene
from tests.browser.test_accessibility import judge
from tests.cast import PASSWORD
from tests.imports.helpers import receive

pytestmark = pytest.mark.browser


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "autumn-fair.csv"
    path.write_text(scenes.people(40, change=scenes.with_errors))
    return path


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def choose_columns(page: Page) -> None:
    """On the mapping page: an identifier by hand, a new field, a segment."""
    page.get_by_role("heading", name="Where does each column go?").wait_for()
    assert page.get_by_label("Column name in files of the new field for column apavu_izm", exact=True).is_hidden()
    page.get_by_label("Field for column apavu_izm", exact=True).select_option("Create a new field")
    page.get_by_label("Column name in files of the new field for column apavu_izm", exact=True).fill("shoe_size")
    page.get_by_label("Type of the new field for column apavu_izm", exact=True).select_option("Integer")
    page.get_by_label("Field for column klienta_nr", exact=True).select_option("External ID")
    page.get_by_label("Add contacts to segments").fill("Fair Riga 2026")


def test_with_the_mouse(visit: Callable[..., Visit], newcomer: Any, worker: Any, file: Path) -> None:
    user, tenant = newcomer
    worker(tenant)
    page = visit().open("/login/")
    sign_in(page, user.email)
    page.get_by_role("link", name="Import a file").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a file").click()
    chooser.value.set_files(file)

    choose_columns(page)
    page.get_by_role("button", name="Check all rows").click()

    page.get_by_role("heading", name="This is what the import will do").wait_for()
    rows = page.get_by_role("button", name="Import")
    planned = rows.inner_text()
    assert "Fair Riga 2026" in page.locator("main").inner_text()
    rows.click()

    page.get_by_role("heading", name="rows imported").wait_for()
    said = page.get_by_role("heading", level=1).inner_text()
    assert planned.split()[1] == said.split()[0]
    with page.expect_download() as download:
        page.get_by_role("link", name="rows in error").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert f"{len(lines) - 1} in error" in said
    page.get_by_role("link", name="Fair Riga 2026").click()
    page.get_by_role("link", name="Anna Bērziņa").first.click()
    page.get_by_text("line 2").first.wait_for()


def name_of_focus(page: Page) -> str:
    """What a screen reader would call the focused element, near enough."""
    return str(
        page.evaluate(
            """() => { const e = document.activeElement; const label = e.labels?.[0]?.innerText;
            return (e.getAttribute('aria-label') || label || e.innerText || e.value || '').trim(); }"""
        )
    )


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus, and see that the focus is visible there."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if name_of_focus(page).startswith(name):
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def sign_in_with_keys(page: Page, email: str) -> None:
    page.keyboard.press("Tab")
    assert name_of_focus(page) == "Skip to content"
    tab_to(page, "E-mail")
    page.keyboard.type(email)
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def look_around_with_keys(page: Page) -> None:
    """To the contacts, to the first of them, and into the search box."""
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.get_by_role("heading", name="Contacts", exact=True).wait_for()
    page.wait_for_load_state("networkidle")  # a key that comes before the script does nothing
    page.keyboard.press("j")
    page.locator("a.name:focus").wait_for()
    person = name_of_focus(page)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=person, level=1).wait_for()
    page.keyboard.press("/")
    assert name_of_focus(page) == "Find contact"


def test_with_the_keyboard_alone(visit: Callable[..., Visit], newcomer: Any, worker: Any, file: Path) -> None:
    user, tenant = newcomer
    worker(tenant)
    page = visit().open("/login/")
    sign_in_with_keys(page, user.email)
    page.wait_for_url("**/dashboard/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.get_by_role("heading", name="Imports", exact=True).wait_for()
    tab_to(page, "Import a file")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Which file do you want to import?").wait_for()
    tab_to(page, "Choose a file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(file)

    page.get_by_role("heading", name="Where does each column go?").wait_for()
    tab_to(page, "Field for column klienta_nr")
    page.keyboard.type("External ID")
    assert page.get_by_label("Field for column klienta_nr", exact=True).input_value() == "external_id"
    tab_to(page, "Check all rows")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="This is what the import will do").wait_for()
    tab_to(page, "Import ")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="rows imported").wait_for()
    look_around_with_keys(page)


def test_a_file_that_is_refused(visit: Callable[..., Visit], scene: Scene, aside: Aside, tmp_path: Path) -> None:
    wide = tmp_path / "prospects.csv"
    wide.write_text(",".join(f"c{i}" for i in range(143)) + "\n" + ",".join("x" * 143) + "\n")
    here = visit(aside(scene.session))
    page = here.open(scene.path("imports/new/"))
    page.locator("input[type=file]").set_input_files(wide)
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "prospects.csv" in alert.inner_text()
    assert "143 columns. The limit of this workspace is 100." in alert.inner_text()
    # The browser itself reports the answer 422 to the console.
    here.complaints = [c for c in here.complaints if "422" not in c]


def test_a_mapping_that_cannot_be_keeps_what_was_chosen(
    visit: Callable[..., Visit], newcomer: Any, aside: Aside, file: Path
) -> None:
    user, tenant = newcomer
    here = visit(aside(Scene(user, tenant).session))
    page = here.open(f"/w/{tenant.slug}/imports/new/")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_label("Field for column klienta_nr", exact=True).select_option("E-mail")
    page.get_by_label("Field for column pilsēta", exact=True).select_option("Region")
    page.get_by_role("button", name="Check all rows").click()
    alert = page.get_by_role("alert")
    assert "Two columns are mapped to" in alert.inner_text()
    page.locator("[role=alert]:focus").wait_for()
    assert page.get_by_label("Field for column pilsēta", exact=True).input_value() == "region"
    assert page.get_by_label("Field for column klienta_nr", exact=True).get_attribute("aria-invalid") == "true"
    here.complaints = [c for c in here.complaints if "422" not in c]


def test_without_a_script(visit: Callable[..., Visit], newcomer: Any, aside: Aside, worker: Any, file: Path) -> None:
    user, tenant = newcomer
    worker(tenant)
    page = visit(aside(Scene(user, tenant).session), java_script_enabled=False).open(f"/w/{tenant.slug}/imports/new/")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Upload file").click()
    page.get_by_role("button", name="Import without review").click()
    for _ in range(50):
        if page.get_by_role("heading", name="rows imported").count():
            return
        page.wait_for_timeout(200)
        page.reload()
    raise AssertionError(page.get_by_role("heading", level=1).inner_text())


def test_the_mapping_page_answers_at_once(visit: Callable[..., Visit], scene: Scene, aside: Aside) -> None:
    """A field is dragged onto a column, the first rows follow; dates that can be read both ways ask."""
    rows = "mail;day;town\nann@inbox.example;03/04/1988;Riga\nbob@inbox;11/12/1990;Oslo\n"
    draft = aside(lambda: receive(scene.tenant, rows, user=scene.owner))
    page = visit(aside(scene.session)).open(scene.path(f"imports/{draft.pk}/"))
    page.get_by_text("Incomplete e-mail domain").wait_for()
    page.locator(".palette .chip", has_text="Birthday").drag_to(page.get_by_label("Field for column day", exact=True))
    assert page.get_by_label("Field for column day", exact=True).input_value() == "birthday"
    how = page.get_by_label("How the dates of column day are written")
    assert how.locator("option:checked").inner_text() == "3 April or 4 March?"
    page.get_by_text("Day and month unclear").first.wait_for()
    how.select_option("%d/%m/%Y")
    page.get_by_role("cell", name="1988-04-03").wait_for()
    town = page.get_by_label("Field for column town", exact=True)
    assert town.locator("option[value='event.name']").is_disabled()
    page.get_by_label("The file contains").select_option("events")
    assert town.locator("option[value='event.name']").is_enabled()
    page.get_by_role("button", name="Fair Riga 2026").click()
    assert page.get_by_label("Add contacts to segments").input_value() == "Fair Riga 2026"
    page.get_by_label("Event name").fill("Joined")
    page.get_by_role("link", name="Save mapping…").click()
    page.get_by_label("Name of the mapping").fill("Guests")
    page.get_by_role("button", name="Save mapping", exact=True).click()
    page.get_by_text("The saved mapping Guests fits this file.").wait_for()
    page.get_by_role("button", name="Use Guests").click()
    page.get_by_text("Saved mapping", exact=True).first.wait_for()
    assert judge(page) == []


def test_choices_are_followed_and_kept(visit: Callable[..., Visit], newcomer: Any, aside: Aside, worker: Any) -> None:
    """The sum follows every choice, a new field is named, a draft comes back, and so does the mapping from the review."""
    user, tenant = newcomer
    worker(tenant)
    rows = "email,order id,total,apavu_izm\nann@inbox.example,1001,12.50,42\nann@inbox.example,1002,3,42\n"
    draft = aside(lambda: receive(tenant, rows, user=user))
    session = aside(Scene(user, tenant).session)
    path = f"/w/{tenant.slug}/imports/{draft.pk}/"
    page = visit(session).open(path)
    page.get_by_role("button", name="Import contacts and orders").click()
    page.get_by_role("heading", name="Where does each column go?").wait_for()
    assert page.get_by_label("Field for column total", exact=True).input_value() == "event.amount"
    page.get_by_label("Field for column apavu_izm", exact=True).select_option("Create a new field")
    page.get_by_text("1 new field will be created").wait_for()
    page.get_by_label("Name of the new field for column apavu_izm").fill("City")
    page.get_by_text("Exports already have a column named City.").wait_for()
    page.get_by_label("Name of the new field for column apavu_izm").fill("Größe (EU)")
    assert page.get_by_label("Column name in files of the new field for column apavu_izm").input_value() == "grosse_eu"
    page.get_by_text("Will be created", exact=True).wait_for()
    page.get_by_label("The file contains").select_option("contacts")
    page.locator("select[name=column-2] option[value=skip]:checked").wait_for(state="attached")
    page.get_by_label("The file contains").select_option("orders")
    page.locator("select[name=column-2] option[value='event.amount']:checked").wait_for(state="attached")
    page.get_by_text("Draft saved at").wait_for()
    assert judge(page) == []

    page = visit(session).open(path)  # somebody has left, and comes back
    assert page.get_by_label("Name of the new field for column apavu_izm").input_value() == "Größe (EU)"
    page.get_by_role("button", name="Check all rows").click()
    page.get_by_role("heading", name="This is what the import will do").wait_for()
    page.get_by_role("button", name="Change mapping").click()
    page.get_by_role("heading", name="Where does each column go?").wait_for()
    assert (
        page.get_by_label("Field for column apavu_izm", exact=True).locator("option:checked").inner_text()
        == "Größe (EU)"
    )
    page.get_by_role("button", name="Check all rows").click()
    page.get_by_role("button", name="Import 2 rows").click()
    page.get_by_role("heading", name="rows imported").wait_for()
