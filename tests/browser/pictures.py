"""`make pictures`: the pictures of docs/guides, taken of a demo workspace that is started for it and thrown away."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from cdp.stack.machine import free_port
from tests.browser.chromium import FLAGS
from tests.servers import ROOT, throw_away

FOLDER = ROOT / "static" / "guides"
SIZE = {"width": 1280, "height": 800}


def _first(selector: str) -> Callable[[Page], None]:
    """Follow the first link of a page."""

    def follow(page: Page) -> None:
        page.locator(selector).first.click()
        page.wait_for_load_state("networkidle")

    return follow


def _mapping(page: Page) -> None:
    lines = ["E-mail,Phone,First name,City,Birthday,Newsletter"]
    lines += [f"guest{n}@example.com,+44 20 7946 0{n:03},Guest,Riga,199{n}-05-01,yes" for n in range(9)]
    page.locator("input[type=file]").first.set_input_files(
        {"name": "guests.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
    )
    if page.get_by_role("button", name="Upload").count():
        page.get_by_role("button", name="Upload").first.click()
    page.get_by_role("heading", name="Where does each column go?").wait_for()
    page.wait_for_load_state("networkidle")


# Name of the picture: the page, and what is done there first.
PICTURES: dict[str, tuple[str, Callable[[Page], None] | None]] = {
    "mapping": ("imports/new/", _mapping),
    "result": ("imports/?show=imported&order=-errors", _first("main table tbody a")),
    "contacts": ("contacts/", None),
    "segment": ("segments/?kind=dynamic", _first("main table tbody a")),
    "audience": ("audiences/", _first("main table tbody a")),
    "duplicates": ("contacts/duplicates/", None),
    "profile": ("contacts/?order=-changed", _first("main table tbody th a, main table tbody td a")),
    "members": ("members/", None),
    "site": ("sites/", _first("main table tbody a")),
    "webhook": ("webhooks/", None),
    "operations": ("/operations/", None),
}


def main() -> int:
    """Start, sign in, take every picture, stop."""
    home = Path(tempfile.mkdtemp(prefix="cdp-pictures-")) / "home"
    names = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CDP_HOME")
    env = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "manage.py", "up", "--home", str(home), "--port", str(free_port())]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE) as stack:
        assert stack.stdout
        try:
            _take(json.loads(stack.stdout.readline()))
        finally:
            stack.terminate()
            stack.wait(60)
            throw_away(home)
    return 0


def _take(said: dict[str, str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CDP_CHROMIUM"] or None, args=FLAGS)
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
        page.goto(f"{said['url']}/login/")
        page.get_by_label("E-mail").fill(said["login"])
        page.get_by_label("Password", exact=True).fill(said["password"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_load_state("networkidle")
        for name, (path, act) in PICTURES.items():
            page.goto(said["url"] + (path if path.startswith("/") else f"/w/{said['workspace']}/{path}"))
            page.wait_for_load_state("networkidle")
            if act:
                act(page)
            # Without what lies below: it names the machine.
            part = {"x": 0, "y": 0, "width": 1280, "height": 562} if name == "operations" else None
            page.screenshot(path=FOLDER / f"{name}.png", clip=part)  # type: ignore[arg-type]
            sys.stdout.write(f"{name}\n")
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
