"""Requests of libraries: to checked addresses only, never redirected, with limits."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from core import outside_session
from core.outside_addresses import BadAddress
from core.outside_session import OutsideSession, TooMuch


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", "/")
        self.end_headers()
        self.wfile.write(b"x" * (outside_session.MAX_BYTES + 1 if self.path == "/large" else 5))

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@pytest.fixture
def server(settings: Any) -> Iterator[str]:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_answer_is_read(server: str) -> None:
    with OutsideSession() as session:
        assert session.get(server).content == b"xxxxx"


@pytest.mark.parametrize("path", ["/away", "/large"])
def test_redirects_and_large_answers_are_refused(server: str, path: str) -> None:
    with OutsideSession() as session, pytest.raises(TooMuch):
        session.get(server + path, allow_redirects=True)


def test_an_answer_that_takes_too_long_is_cut_off(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_session, "MOST_SECONDS", -1.0)
    with OutsideSession() as session, pytest.raises(TooMuch):
        session.get(server)


def test_the_connection_goes_to_the_address_that_was_checked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that has another address the second time: the second one is checked, too, and used."""
    answers: list[list[str] | BadAddress] = [["127.0.0.1"], BadAddress("inside")]

    def resolve(_host: str, _port: int) -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, BadAddress):
            raise answer
        return answer

    monkeypatch.setattr("core.outside_addresses.resolve", resolve)
    with OutsideSession() as session, pytest.raises((BadAddress, requests.RequestException)):
        session.get(server)
    assert answers == []


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://example.com", "http://", "https://a b", "https://x:y@127.0.0.1/", "http://[::1", "https://ex\u0430mple"],
)  # fmt: skip
def test_what_is_no_address_is_refused(server: str, url: str) -> None:
    with pytest.raises(BadAddress):
        outside_session.check(url)


@pytest.mark.parametrize("url", ["https://127.0.0.1", "https://10.0.0.1", "http://93.184.216.34", "https://[::1]"])
def test_addresses_inside_and_without_encryption_are_refused(settings: Any, url: str) -> None:
    settings.INSIDE_NETWORKS = []
    with OutsideSession() as session, pytest.raises(BadAddress):
        session.get(url)
