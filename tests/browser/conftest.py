"""A real server, a worker and one browser for all tests here.

Playwright keeps an event loop on the main thread, in which Django refuses to ask the database: what needs it runs in a
thread of its own (`aside`). All ends with the package, so that later tests have their thread to themselves.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from imports.models import Import, Phase
from imports.pipeline import worker as import_worker
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, User
from tests.browser import scene as scenes
from tests.browser.chromium import FLAGS
from tests.browser.scene import Scene
from tests.cast import person, workspace
from tests.servers import program

SECONDS = 15_000

Aside = Callable[..., Any]


# What htmx says of a request that a page has given up because it is being left: no fault of the page.
_LEFT = ("htmx:afterRequest", "htmx:sendAbort", "htmx:sendError")


def _complains(message: Any) -> bool:
    return message.type == "error" and not message.text.startswith(_LEFT)


def _told(message: Any) -> str:
    """The text with the address that it is about: the text alone does not say what was not found."""
    return f"{message.text} {message.location.get('url', '')}"


@dataclass
class Visit:
    """A page in a browser and what it complained about: console errors, exceptions, violations of the policy."""

    base: str
    page: Page
    complaints: list[str] = field(default_factory=list)
    status: int = 0

    def __post_init__(self) -> None:
        self.page.set_default_timeout(SECONDS)
        self.page.on("console", lambda m: self.complaints.append(_told(m)) if _complains(m) else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> Page:
        answer = self.page.goto(self.base + path)
        self.status = answer.status if answer else 0
        return self.page


@pytest.fixture(scope="package")
def aside() -> Iterator[Aside]:
    """Run something that asks the database, in the one thread that may."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda work, *args: pool.submit(work, *args).result()
        pool.submit(connections.close_all).result()


@pytest.fixture(scope="package")
def scene(aside: Aside) -> Scene:
    """The workspace that every test looks at and none changes."""
    built: Scene = aside(scenes.build)
    return built


@pytest.fixture(scope="package")
def base(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the product, served as it is in production."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("web") / "granian.log"
    command = [
        sys.executable, "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(port),
        "--no-ws", "cdp.asgi:application",
    ]  # fmt: skip
    # Providers of single sign-on are on this machine.
    environ = os.environ | {"SITE_URL": address, "INSIDE_NETWORKS": "127.0.0.0/8"}
    with log.open("wb") as file, program(command, env=environ, stdout=file, stderr=file) as server:
        _wait_for(port, server)
        yield address


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("The web server does not start.")


@pytest.fixture(scope="package")
def chrome(chromium: str, scene: Scene) -> Iterator[Browser]:
    """The one browser. It begins after the scene is built."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chrome: Browser, base: str) -> Iterator[Callable[..., Visit]]:
    """Open a window, signed in where a session is given. At the end nothing may have been complained about."""
    made: list[tuple[BrowserContext, Visit]] = []

    def new(session: str = "", *, width: int = 1280, **options: Any) -> Visit:
        context = chrome.new_context(viewport={"width": width, "height": 900}, **options)
        if session:
            context.add_cookies([{"name": "session", "value": session, "url": base}])
        made.append((context, Visit(base, context.new_page())))
        return made[-1][1]

    yield new
    for context, _visit in made:
        context.close()
    assert [complaint for _context, visit in made for complaint in visit.complaints] == []


@pytest.fixture
def worker(aside: Aside) -> Iterator[Callable[[Tenant], None]]:
    """Work on the imports of a workspace in the background, as a Celery worker does."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(tenant: Tenant) -> None:
        threads.append(threading.Thread(target=_work, args=(tenant, stop), daemon=True))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join()


def _work(tenant: Tenant, stop: threading.Event) -> None:
    while not stop.wait(0.2):
        with tenant_context(tenant.pk):
            waiting = (Phase.DRAFT, Phase.REVIEW, Phase.DONE)
            active = list(Import.objects.exclude(phase__in=waiting).values_list("pk", flat=True))
        for import_id in active:
            import_worker.work(tenant.pk, import_id)
    connections.close_all()


@pytest.fixture
def newcomer(aside: Aside) -> tuple[User, Tenant]:
    """Somebody with a workspace in which there is nothing yet."""

    def make() -> tuple[User, Tenant]:
        user = person("Marte")
        return user, workspace(user, name="Fjell Festival")

    made: tuple[User, Tenant] = aside(make)
    return made
