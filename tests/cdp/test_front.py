"""The front: bodies read whole before a thread is taken, limits of every wait, answers that keep no thread."""

import asyncio
import io
import json
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from cdp import front as module
from cdp.front import MB, SMALL, Front, Limits
from cdp.gateway import environ_of
from core.body_limit import JUDGE, LIMIT
from core.long_poll import AGAIN, NOT_YET

HASTY = Limits(silence=0.05, patience=0.2)


def scope(method: str = "POST", path: str = "/x", **headers: str) -> dict[str, Any]:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"a=1",
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 80), "client": ("1.2.3.4", 5), "headers": given,
    }  # fmt: skip


class Client:
    """Sends chunks, then nothing or the end; keeps what it is told."""

    def __init__(self, *chunks: bytes, ends: bool = True, leaves: bool = False, fetches: int = 10**9) -> None:
        self.chunks, self.ends, self.leaves, self.fetches = list(chunks), ends, leaves, fetches
        self.taken = 0
        self.told: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.chunks:
            chunk = self.chunks.pop(0)
            self.taken += len(chunk)
            return {"type": "http.request", "body": chunk, "more_body": bool(self.chunks) or not self.ends}
        if self.leaves:
            return {"type": "http.disconnect"}
        if self.ends:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: dict[str, Any]) -> None:
        if len(self.told) >= self.fetches:
            await asyncio.Event().wait()
        self.told.append(message)

    @property
    def status(self) -> int:
        return int(self.told[0]["status"]) if self.told else 0

    @property
    def body(self) -> bytes:
        return b"".join(m["body"] for m in self.told[1:])


class Stays(Client):
    """Has sent all of its request, and stays for the answer, silent."""

    async def receive(self) -> dict[str, Any]:
        if self.chunks:
            return await super().receive()
        await asyncio.Event().wait()
        raise AssertionError


def ask(application: Any, client: Client, request: dict[str, Any], limits: Limits | None = None) -> Client:
    made = Front(application, hits="/p/", limits=limits)
    asyncio.run(made(request, client.receive, client.send))
    for pool in (made.pages, made.hit_threads, made.files):
        pool.shutdown()
    return client


def echo(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """Says what came in: length, thread, first and last bytes. Takes ten megabytes."""
    if environ.get(JUDGE):
        start("204 No Content", [(LIMIT, str(10 * MB))])
        return []
    body = environ["wsgi.input"].read()
    start("200 OK", [("Content-Type", "text/plain")])
    thread = threading.current_thread().name.partition("_")[0]
    return [f"{environ['CONTENT_LENGTH']} {len(body)} {thread} ".encode(), body[:3], body[-3:]]


def never(_environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
    raise AssertionError("no thread is to be taken")


@pytest.mark.parametrize("chunks", [[b"abc"], [b"a", b"", b"bc"], [b"a" * 100, b"b" * 200], [b"x" * SMALL], [b""]])
@pytest.mark.parametrize("known", [True, False])
def test_a_small_body_arrives_whole(chunks: list[bytes], known: bool) -> None:
    whole = b"".join(chunks)
    headers = {"content_length": str(len(whole))} if known else {"transfer_encoding": "chunked"}
    said = ask(echo, Client(*chunks), scope(**headers))
    assert (said.status, said.body) == (200, f"{len(whole)} {len(whole)} page ".encode() + whole[:3] + whole[-3:])


@pytest.mark.parametrize("size", [SMALL + 1, MB, 3 * MB + 5, 10 * MB])
@pytest.mark.parametrize("known", [True, False])
def test_a_large_body_arrives_whole(size: int, known: bool) -> None:
    chunks = [b"a" * 30_000] * (size // 30_000) + [b"z" * (size % 30_000)]
    headers = {"content_length": str(size)} if known else {"transfer_encoding": "chunked"}
    said = ask(echo, Client(*chunks), scope(**headers))
    assert said.body == f"{size} {size} page aaazzz".encode()


def test_a_body_that_is_larger_than_allowed_is_not_kept() -> None:
    client = Client(*[b"a" * MB] * 30)
    assert ask(echo, client, scope(transfer_encoding="chunked")).status == 413
    assert client.taken <= 12 * MB


def test_a_large_body_is_not_read_when_the_application_answers_without() -> None:
    def refuses(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        assert environ[JUDGE]
        start("404 Not Found", [])
        return [b"nothing"]

    client = ask(refuses, Client(*[b"a" * MB] * 5), scope(content_length=str(5 * MB)))
    assert (client.status, client.taken) == (404, 0)


def test_hits_have_threads_of_their_own_and_stay_small() -> None:
    assert ask(echo, Client(b"abc"), scope(path="/p/k", content_length="3")).body == b"3 3 hit abcabc"
    assert ask(echo, Client(b"abc"), scope(path="/p/k", transfer_encoding="chunked")).body == b"3 3 hit abcabc"
    for headers in ({"content_length": str(MB)}, {"transfer_encoding": "chunked"}):
        assert ask(never, Client(*[b"a" * 50_000] * 20), scope(path="/p/k", **headers)).status == 413


@pytest.mark.parametrize("chunks", [[], [b"a"], [b"a" * (SMALL // 2)]])
@pytest.mark.parametrize("headers", [{"content_length": "60000"}, {"transfer_encoding": "chunked"}])
def test_who_sends_nothing_more_is_told_and_takes_no_thread(chunks: list[bytes], headers: dict[str, str]) -> None:
    assert ask(never, Client(*chunks, ends=False), scope(**headers), HASTY).status == 408


def test_who_sends_too_slowly_is_told() -> None:
    class Dripping(Client):
        async def receive(self) -> dict[str, Any]:
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b"a", "more_body": True}

    assert ask(never, Dripping(), scope(content_length="60000"), HASTY).status == 408


def test_who_leaves_costs_nothing() -> None:
    assert ask(never, Client(b"a", ends=False, leaves=True), scope(content_length="60000")).told == []


def test_a_disk_without_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tempfile.SpooledTemporaryFile.writelines

    def full(self: Any, lines: Any) -> None:
        if isinstance(lines, list) and len(lines[0]) == MB:
            raise OSError(28, "No space left on device")
        kept(self, lines)

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.writelines", full)
    client = Client(*[b"a" * MB] * 4)
    assert ask(echo, client, scope(content_length=str(4 * MB))).status == 507


def test_a_large_answer_takes_its_thread_only_while_it_is_made() -> None:
    made: list[str] = []

    def rows(_environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        start("200 OK", [])
        for _ in range(40):
            made.append(threading.current_thread().name)
            yield b"r" * 100_000

    client = ask(rows, Client(), scope("GET"))
    assert len(client.body) == 4_000_000
    assert (b"content-length", b"4000000") in client.told[0]["headers"]
    assert len(set(made)) == 1
    slow = ask(rows, Client(fetches=3), scope("GET"), HASTY)
    assert 0 < len(slow.body) < 4_000_000


def test_a_file_is_handed_out_where_it_lies_and_closed() -> None:
    class Open(io.BytesIO):
        pass

    file = Open(b"f" * 700_000)

    def download(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "700000")])
        found: Iterable[bytes] = environ["wsgi.file_wrapper"](file, 4096)
        return found

    assert ask(download, Client(), scope("GET")).body == b"f" * 700_000
    assert file.closed


def waits_for(turns: int) -> tuple[Any, list[bool]]:
    """An application that has its answer when it is asked for that many times, and whether each was asked again."""
    asked: list[bool] = []

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        asked.append(bool(environ.get(AGAIN)))
        start("200 OK", [] if len(asked) >= turns else [(NOT_YET, "30")])
        return [str(len(asked)).encode()]

    return application, asked


def test_who_waits_is_answered_when_it_has_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OFTEN", 0.001)
    application, asked = waits_for(4)
    said = ask(application, Stays(b""), scope("GET"))
    assert (said.status, said.body, asked) == (200, b"4", [False, True, True, True])
    assert all(name != NOT_YET.lower().encode() for name, _value in said.told[0]["headers"])


def test_who_waits_is_answered_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OFTEN", 0.001)
    monkeypatch.setattr(module, "MOST_SECONDS", 0.02)
    application, asked = waits_for(10**6)
    said = ask(application, Stays(b""), scope("GET"))
    assert said.status == 200
    assert said.body == str(len(asked)).encode()
    assert len(asked) > 1


def test_for_who_leaves_while_waiting_nothing_more_is_asked() -> None:
    application, asked = waits_for(10**6)
    said = ask(application, Client(b"", leaves=True), scope("GET"))
    assert (said.told, asked) == ([], [False])


def test_waiting_keeps_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far more than there are threads wait at once, and a page is answered in between."""
    monkeypatch.setattr(module, "OFTEN", 0.01)
    released = threading.Event()

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        waits = environ["PATH_INFO"] == "/wait" and not released.is_set()
        if environ["PATH_INFO"] == "/page":
            released.set()
        start("200 OK", [(NOT_YET, "30")] if waits else [])
        return [b"done"]

    async def all_at_once() -> list[Client]:
        made = Front(application, hits="/p/")
        clients = [Stays(b"") for _ in range(5 * module.PAGE_THREADS)]
        waiting = [asyncio.create_task(made(scope("GET", "/wait"), c.receive, c.send)) for c in clients]
        await asyncio.sleep(0)
        page = Stays(b"")
        await made(scope("GET", "/page"), page.receive, page.send)
        await asyncio.gather(*waiting)
        return [*clients, page]

    assert {client.status for client in asyncio.run(all_at_once())} == {200}


@pytest.mark.parametrize("status", module.API_CODES)
def test_below_api_errors_are_json(status: int) -> None:
    from api.problems import KINDS

    client = Client()
    asyncio.run(module._say(client.send, "/api/v1/imports", status, "In words."))
    said = json.loads(client.body)
    kind = KINDS[said["code"]]
    assert (said["status"], said["title"], said["detail"]) == (kind.status, kind.title, "In words.") == (
        status, module.API_CODES[status][1], "In words.",
    )  # fmt: skip
    assert (b"content-type", b"application/problem+json") in client.told[0]["headers"]


def test_an_api_body_that_is_too_large_is_a_problem() -> None:
    client = ask(echo, Client(*[b"a" * MB] * 30), scope(path="/api/v1/imports", transfer_encoding="chunked"))
    assert client.status == 413
    assert json.loads(client.body)["code"] == "too_large"


def test_head_has_no_body_but_its_length() -> None:
    said = ask(echo, Client(), scope("HEAD"))
    assert (said.status, said.body) == (200, b"")


def test_a_fault_of_the_application_is_a_500_in_words(caplog: pytest.LogCaptureFixture) -> None:
    def breaks(_environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
        raise LookupError("the true error")

    assert ask(breaks, Client(), scope("GET")).status == 500
    assert "the true error" in caplog.text


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "9" * 30, "١"])
def test_a_length_that_is_none_is_none(length: str) -> None:
    given = scope()
    given["headers"] = [(b"content-length", length.encode())]
    assert ask(echo, Client(b"abc"), given).body == b"3 3 page abcabc"


def test_the_environment_of_a_request() -> None:
    given = scope("GET", "/w/%C3%A9/%FF/a%2Fb", host="x", cookie="a=1")
    given["headers"] += [(b"cookie", b"b=2"), (b"x-real_ip", b"6.6.6.6"), (b"accept", b"a"), (b"accept", b"b")]
    environ = environ_of(given)
    assert environ["PATH_INFO"].encode("latin-1") == b"/w/\xc3\xa9/\xff/a/b"
    assert (environ["HTTP_COOKIE"], environ["HTTP_ACCEPT"], environ["REMOTE_ADDR"]) == ("a=1; b=2", "a,b", "1.2.3.4")
    assert "HTTP_X_REAL_IP" not in environ
    assert environ["QUERY_STRING"] == "a=1"


def test_other_protocols_are_not_answered() -> None:
    with pytest.raises(ValueError, match="only HTTP"):
        ask(never, Client(), {"type": "websocket"})


def test_the_threads_are_bounded() -> None:
    assert module.PAGE_THREADS + module.HIT_THREADS < 20
