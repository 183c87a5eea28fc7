"""Requests to addresses that somebody has named."""

import socket
import ssl
import threading
import time
from typing import Any

import pytest

from core import outside_post
from core.outside_addresses import BadAddress
from tests.api.webhooks.receiver import receiving


@pytest.fixture
def inside_allowed(settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.com/", "not an address"), ("example.com", "not an address"), ("https://", "not an address"),
        ("https://user:hush@example.com/", "Leave out the name"), ("https://exämple.com/", "not an address"),
        ("https://127.0.0.1/", "inside a private network"), ("https://[::1]/", "inside a private network"),
        ("https://169.254.169.254/latest/", "inside a private network"), ("https://10.0.0.7:99999/", "not an address"),
        ("https://192.168.1.1/", "inside a private network"), ("https://0.0.0.0/", "inside a private network"),
        ("https://example.com/" + "a" * 500, "not an address"), ("https://nowhere.invalid/", "There is no host"),
        ("https://127.0.0.1/a b", "no spaces"), ("https://127.0.0.1/a\nb", "not an address|no spaces"),
    ],
)  # fmt: skip
def test_addresses_that_nothing_is_sent_to(url: str, why: str) -> None:
    with pytest.raises(BadAddress, match=why) as problem:
        outside_post.check(url)
    assert "hush" not in str(problem.value)
    answer = outside_post.post(url, b"{}", {})
    assert (answer.status, answer.is_good) == (None, False)
    assert answer.text


def test_plain_http_is_for_the_own_network(inside_allowed: None) -> None:
    outside_post.check("http://127.0.0.1/")


def test_an_answer(inside_allowed: None) -> None:
    with receiving() as receiver:
        receiver.answers = [(429, {"Retry-After": "7"}, b"slower\n\x00please")]
        answer = outside_post.post(receiver.url, b'{"a":1}', {"content-type": "application/json"})
        path, headers, body = receiver.requests[0]
    assert (answer.status, answer.text, answer.retry_after, answer.is_good) == (429, "slower  please", 7, False)
    assert (path, body, headers["content-type"]) == ("/hooks?of=cdp", b'{"a":1}', "application/json")
    assert headers["host"].startswith("127.0.0.1:")


def test_nobody_is_sent_elsewhere(inside_allowed: None) -> None:
    with receiving() as receiver, receiving() as other:
        receiver.answers = [(302, {"Location": other.url}, b"")]
        assert outside_post.post(receiver.url, b"{}", {}).status == 302
        assert other.requests == []


def test_a_long_answer_is_not_read_to_its_end(inside_allowed: None) -> None:
    with receiving() as receiver:
        receiver.answers = [(200, {}, b"x" * 5_000_000)]
        assert len(outside_post.post(receiver.url, b"{}", {}).text) == outside_post.SHOWN


def test_nobody_listens(inside_allowed: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = outside_post.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", b"{}", {})
    assert answer.status is None
    assert "does not answer" in answer.text


def test_who_dribbles_is_cut_off(inside_allowed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the answer never ends."""
    monkeypatch.setattr(outside_post, "MOST_SECONDS", 0.5)
    stop = threading.Event()

    def dribble(handler: Any) -> None:
        while not stop.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    with receiving() as receiver:
        receiver.before = dribble
        begun = time.monotonic()
        answer = outside_post.post(receiver.url, b"{}", {})
        stop.set()
    assert not answer.is_good
    assert time.monotonic() - begun < outside_post.ANSWER_SECONDS


def test_a_certificate_that_nobody_vouches_for(inside_allowed: None) -> None:
    with receiving() as receiver:
        answer = outside_post.post(receiver.url.replace("http://", "https://"), b"{}", {})
    assert answer.status is None
    assert "secure connection" in answer.text
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED
