"""Requests to addresses that somebody has named, by libraries that want a session of `requests`: to checked addresses of the
internet only (core.outside_addresses), never redirected, by https, with limits of time and size."""

import time
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from core import outside_addresses
from core.outside_addresses import BadAddress

CONNECT_SECONDS, ANSWER_SECONDS, MOST_SECONDS = 5.0, 10.0, 15.0
MAX_BYTES = 512 * 1024


class TooMuch(requests.RequestException):
    """An answer that is too large, takes too long, or leads elsewhere."""


def check(url: str) -> None:
    """Raise BadAddress, with a sentence for people, for an address that nothing is read from."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BadAddress("This is not an address such as https://id.example.com.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or not url.isascii() or not url.isprintable():
        raise BadAddress("This is not an address such as https://id.example.com.")
    if parts.username or parts.password or " " in url:
        raise BadAddress("An address has no name, no password and no spaces in it.")
    addresses = outside_addresses.resolve(parts.hostname, port)
    if parts.scheme == "http" and not outside_addresses.are_inside(addresses):
        raise BadAddress("Use an address that begins with https.")


class OutsideSession(requests.Session):
    """A session whose every request goes to a checked address. Raises BadAddress and requests.RequestException."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no proxy and no password from the environment
        self.mount("https://", _Checked())
        self.mount("http://", _Checked())

    def request(self, method: Any, url: Any, *args: Any, **how: Any) -> requests.Response:
        check(str(url))
        begun = time.monotonic()
        how |= {"allow_redirects": False, "stream": True, "timeout": (CONNECT_SECONDS, ANSWER_SECONDS)}
        response = super().request(method, url, *args, **how)
        with response:
            if response.is_redirect:
                raise TooMuch("The answer leads to another address.")
            response._content = _read(response, until=begun + MOST_SECONDS)
        response.headers.setdefault("content-type", "application/octet-stream")
        return response


def _read(response: requests.Response, *, until: float) -> bytes:
    body = b""
    for part in response.iter_content(16 * 1024):
        body += part
        if len(body) > MAX_BYTES or time.monotonic() > until:
            raise TooMuch("The answer is too large or takes too long.")
    return body


class _Plain(HTTPConnection):
    def _new_conn(self) -> Any:
        return outside_addresses.connect(self.host, self.port or 80, seconds=CONNECT_SECONDS)


class _Secure(HTTPSConnection):
    def _new_conn(self) -> Any:
        return outside_addresses.connect(self.host, self.port or 443, seconds=CONNECT_SECONDS)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Checked(HTTPAdapter):
    """Connections that are made to checked addresses; certificates are checked for the name."""

    def init_poolmanager(self, *args: Any, **how: Any) -> None:
        super().init_poolmanager(*args, **how)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
