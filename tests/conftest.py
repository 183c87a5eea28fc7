"""What every test has: an open database, a shut network, and a plain word at the end if the browser was missing."""

import ipaddress
import socket
import subprocess
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.template import RequestContext
from django.test import Client
from django.test.utils import ContextList

from tests.faults import network
from tests.forms import nested

ROOT = Path(__file__).resolve().parent.parent
pytest_plugins = ["tests.cast", "tests.workspace_copies", "tests.sharing"]
CHROMIUM = pytest.StashKey[str]()
NOT_RUN = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """No test database: tests.servers has made a throwaway cluster and migrated it."""


@pytest.fixture(scope="session", autouse=True)
def open_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Every test may use the database, in real transactions."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()


def is_local(address: object) -> bool:
    """True for Unix sockets, this machine's own addresses, and hosts that a test has made on it."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in ("", "localhost"):
        return True
    try:
        number = ipaddress.ip_address(host.split("%")[0])
        return number.is_loopback or any(number in made for made in network.MADE)
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def shut_network() -> Iterator[None]:
    """No test may talk to the world: a connection beyond this machine is an error."""
    patch = pytest.MonkeyPatch()

    def guarded(name: str) -> None:
        original = getattr(socket.socket, name)

        def connect(self: socket.socket, address: object) -> object:
            if not is_local(address):
                raise PermissionError(f"The network is shut in tests: {address}")
            return original(self, address)

        patch.setattr(socket.socket, name, connect)

    guarded("connect")
    guarded("connect_ex")
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def empty_query_log() -> None:
    """Django keeps the last 9,000 statements that tests counted and warns beyond; only a request empties them."""
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()


@pytest.fixture(scope="session", autouse=True)
def whole_forms() -> Iterator[None]:
    """No page that a test opens may have a form inside a form: the parser of a browser would drop it."""
    patch = pytest.MonkeyPatch()
    request = Client.request

    def checked(self: Client, **environ: Any) -> Any:
        response = request(self, **environ)
        if not response.streaming and response.get("Content-Type", "").startswith("text/html"):
            assert nested(response.content.decode()) == [], f"forms of {environ.get('PATH_INFO')}"
        return response

    patch.setattr(Client, "request", checked)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def contexts_of_pages() -> Iterator[None]:
    """A response keeps the context of the page that a view drew, not a copy for each of its hundreds of parts: making them
    took a fifth of the time of a page."""
    patch = pytest.MonkeyPatch()

    def keep(
        store: dict[str, Any], signal: Any = None, sender: Any = None, *, template: Any, context: Any, **_rest: Any
    ) -> None:
        if isinstance(context, RequestContext) and context.template is template:
            store.setdefault("context", ContextList()).append(copy(context))

    patch.setattr("django.test.client.store_rendered_templates", keep)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> str:
    """The path of a Chromium; tests that ask for it are skipped where there is none."""
    path = pytestconfig.stash.get(CHROMIUM, "")
    if not path:
        pytest.skip("no Chromium")
    return path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look for the browser once, if anything needs it; without one those tests are skipped and counted."""
    wanting = [item for item in items if item.get_closest_marker("browser")]
    if not wanting:
        return
    found = subprocess.run([ROOT / "bin" / "chromium"], capture_output=True, text=True)
    config.stash[CHROMIUM] = found.stdout.strip()
    if not config.stash[CHROMIUM]:
        config.stash[NOT_RUN] = len(wanting)
        if hasattr(config, "workeroutput"):
            config.workeroutput["not_run"] = len(wanting)
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="no Chromium"))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Where tests are shared out, each process has collected all of them: one that tells is enough."""
    if count := getattr(node, "workeroutput", {}).get("not_run"):
        node.config.stash[NOT_RUN] = count


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """A green run without its browser tests must not look like a whole one."""
    if count := config.stash.get(NOT_RUN, 0):
        terminalreporter.section("INCOMPLETE", red=True, bold=True)
        terminalreporter.line(f"{count} browser tests DID NOT RUN: no Chromium was found on this machine.")
        terminalreporter.line(
            "Install one (Debian, Ubuntu: apt-get install chromium), or set CDP_CHROMIUM to its path."
        )
