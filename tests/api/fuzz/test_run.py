"""The API as it is served: schemathesis in its short form, a long poll, and errors of the front. All of it: make fuzz."""

import http.client
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from imports.models import Import
from tenants.isolation.context import tenant_context
from tests.api.fuzz import run
from tests.api.helpers import program
from tests.cast import Actor
from tests.imports.helpers import work

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("alone")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server, and the folder with its log."""
    folder = tmp_path_factory.mktemp("served")
    with run.server(folder) as address:
        yield address, folder


def ask(address: str, token: str, path: str, data: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """(status, JSON) of a call."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{address}/api/v1/{path}", data=data)
    for name, value in {"Authorization": f"Bearer {token}", **named}.items():
        request.add_header(name, value)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return answer.status, json.load(answer)


@pytest.fixture(scope="module")
def sides() -> tuple[run.Side, run.Side]:
    return run.build("Alice"), run.build("Charlie")


def test_schemathesis_finds_no_fault(served: tuple[str, Path], sides: tuple[run.Side, run.Side]) -> None:
    """A few calls of every operation, and links between them; nothing of the other workspace in any answer."""
    address, folder = served
    done = run.fuzz(address, *sides, folder, examples=3, phases="examples,fuzzing,stateful", seconds=300)
    statuses = run.answered(folder)
    good = [name for name, counts in statuses.items() if any(status < 300 for status in counts)]
    assert len(good) > len(statuses) / 2, f"most operations were never let past their first check: {statuses}"
    log = (folder / "server.log").read_text(errors="replace")
    assert done.returncode == 0, f"{done.stdout[-6_000:]}\n{done.stderr[-2_000:]}\n{log[-3_000:]}"
    assert "Traceback" not in log, log[-6_000:]


def test_foreign_bytes_would_be_found(served: tuple[str, Path], sides: tuple[run.Side, run.Side]) -> None:
    """The same check, told that what the workspace has itself is foreign."""
    address, folder = served
    own, _other = sides
    more = ("--include-operation-id", "list_imports", "--include-operation-id", "read_workspace")
    done = run.fuzz(address, own, own, folder, examples=1, phases="fuzzing", seconds=120, more=more)
    assert done.returncode == 1
    assert "foreign bytes" in done.stdout


def test_a_long_poll_is_answered_when_the_import_has_ended(served: tuple[str, Path], alice: Actor) -> None:
    address, _folder = served
    sync = program(alice)
    status, made = ask(address, sync.text, "imports", b"email\na@x.example\n", Content_Type="text/csv")
    assert (status, made["ended"]) == (201, False)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, address, sync.text, f"imports/{made['id']}?wait=60")
        with tenant_context(alice.workspace.pk):
            imp = Import.objects.get(pk=made["id"])
        work(alice.workspace, imp)
        status, done = waiting.result(60)
    assert (status, done["status"], done["created"]) == (200, "imported", 1)


def announce(address: str, token: str, path: str, kind: str) -> tuple[int, Any]:
    """The answer to a request of 11 MB of which nothing but the headers was sent."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", f"/api/v1/{path}")
    sent = {"Authorization": f"Bearer {token}", "Content-Type": kind, "Content-Length": str(11 * 1024 * 1024)}
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = json.load(answer)
    connection.close()
    return answer.status, said


def test_a_large_body_is_refused_before_it_is_read(served: tuple[str, Path], alice: Actor) -> None:
    address, _folder = served
    assert announce(address, "none", "imports", "text/csv")[0] == 401
    status, said = announce(address, program(alice).text, "contacts/bulk", "application/json")
    assert (status, said["code"], said["limit"]) == (413, "too_large", 10 * 1024 * 1024)
    status, said = announce(address, program(alice, "contacts.view", name="Reader").text, "imports", "text/csv")
    assert (status, said["code"]) == (403, "scope_missing")
