"""One request to an address that somebody has named: to the internet only, never redirected, with limits."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from core import outside_addresses
from core.outside_addresses import BadAddress

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
# An answer that arrives byte by byte is cut off after so long.
MOST_SECONDS = 15.0
# So much of an answer is read and kept.
SHOWN = 500
MAX_URL = 500


class Answer(NamedTuple):
    """What came back: the status (None: nothing that HTTP knows), the beginning of the body or what went wrong, the header
    Retry-After in seconds (0: none)."""

    status: int | None
    text: str
    retry_after: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def check(url: str) -> None:
    """Raise BadAddress, with a sentence for people, for an address that nothing is sent to."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BadAddress("This is not an address such as https://example.com/hooks.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or len(url) > MAX_URL or not url.isascii():
        raise BadAddress("This is not an address such as https://example.com/hooks.")
    if any(c.isspace() or not c.isprintable() for c in url):
        raise BadAddress("An address has no spaces.")
    if parts.username or parts.password:
        raise BadAddress("Leave out the name and password: anyone who sees this page could read them.")
    addresses = outside_addresses.resolve(parts.hostname, port)
    if parts.scheme == "http" and not outside_addresses.are_inside(addresses):
        raise BadAddress("Use https: what is sent is about your contacts.")


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body; every failure is an Answer in words."""
    begun = time.monotonic()
    try:
        check(url)
        status, text, retry = _exchange(url, body, headers)
    except BadAddress as problem:
        return Answer(None, str(problem)[:SHOWN], 0, _since(begun))
    except TimeoutError:
        return Answer(None, f"No answer within {ANSWER_SECONDS:.0f} seconds.", 0, _since(begun))
    except ssl.SSLError as problem:
        return Answer(None, f"No secure connection: {problem.reason or problem}"[:SHOWN], 0, _since(begun))
    except (OSError, http.client.HTTPException) as problem:
        return Answer(None, f"The connection failed: {problem or type(problem).__name__}"[:SHOWN], 0, _since(begun))
    return Answer(status, text, retry, _since(begun))


def _exchange(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, int]:
    parts = urlsplit(url)
    host, secure = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    # The socket is connected to an address that was checked; the name is only for certificate and header.
    sock = outside_addresses.connect(host, port, seconds=CONNECT_SECONDS)
    try:
        sock.settimeout(ANSWER_SECONDS)
        if secure:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        with _cut_off(sock, MOST_SECONDS):
            connection = http.client.HTTPConnection(host, port)
            connection.sock = sock
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body=body, headers=dict(headers))
            response = connection.getresponse()
            text = response.read(4 * SHOWN).decode("utf-8", "replace")
            retry = response.headers.get("Retry-After", "")
    finally:
        sock.close()
    shown = "".join(c if c.isprintable() else " " for c in text).strip()[:SHOWN]
    return response.status, shown, int(retry) if retry.isascii() and retry.isdigit() and len(retry) < 6 else 0


@contextmanager
def _cut_off(sock: socket.socket, seconds: float) -> Iterator[None]:
    """End the connection after so long, whatever it is doing."""

    def end() -> None:
        with suppress(OSError):  # it has ended by itself
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
