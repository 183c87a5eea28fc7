"""Calls of the API from inside of the program: through every middleware, without a connection."""

import asyncio
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from api.mcp import masking
from core.long_poll import AGAIN, NOT_YET

PREFIX = "/api/v1/"
JSON = "application/json"
AGAIN_SECONDS = 0.5
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """Status and JSON of an answer; {} where it has no JSON."""

    status: int
    body: Any

    @property
    def is_good(self) -> bool:
        return self.status < 400


class Refused(Exception):
    """An answer that is a problem, with its sentence for people; `document` has all its members."""

    def __init__(self, answer: Answer) -> None:
        about = answer.body if isinstance(answer.body, dict) else {}
        super().__init__(about.get("detail") or about.get("title") or f"The API answered {answer.status}.")
        self.status, self.code, self.document = answer.status, str(about.get("code", "")), about


async def in_thread(work: Callable[[], T]) -> T:
    """What some work gives that asks the database, from the event loop. Its thread keeps no connection."""

    def close_afterwards() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(close_afterwards)


class Caller:
    """The API for whoever has the token. It is asked from threads; each call closes its database connection if that is old,
    as for a request."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._handler = WSGIHandler()

    @cached_property
    def sees_values(self) -> bool:
        """Whether values of people are shown to whoever has the token (api.mcp.masking)."""
        return masking.SCOPE in self.get("workspace")["scopes"]

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at an address. Raises Refused."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON that a call is answered with. Raises Refused."""
        return self.call("POST", path, body=body, headers=headers)

    def call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None, data: bytes = b"",
        content_type: str = JSON, headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """The JSON of an answer. `body` is sent as JSON, `data` as it is. Raises Refused for every problem."""
        sent = data or (json.dumps(body).encode() if body is not None else b"")
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        environ = self._environ(method, path, urlencode(given, doseq=True), sent, content_type, headers or {})
        until = time.monotonic() + float(given.get("wait", 0))
        while True:
            answer, not_yet = self._ask({**environ, "wsgi.input": io.BytesIO(sent)})
            if not not_yet or time.monotonic() > until:
                break
            environ[AGAIN] = True
            time.sleep(AGAIN_SECONDS)
        if not answer.is_good:
            raise Refused(answer)
        return answer.body

    def _environ(
        self, method: str, path: str, query: str, sent: bytes, content_type: str, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": PREFIX + path, "QUERY_STRING": query,
            "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": content_type if sent else "", "CONTENT_LENGTH": str(len(sent)),
            "HTTP_AUTHORIZATION": f"Bearer {self.token}", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        }  # fmt: skip

    def _ask(self, environ: dict[str, Any]) -> tuple[Answer, bool]:
        found: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _problem: Any = None) -> Any:
            found["status"], found["headers"] = int(status.split()[0]), {n.lower(): v for n, v in headers}
            return lambda _data: None

        response = self._handler(environ, start)
        try:
            text = b"".join(response)
        finally:
            response.close()
        is_json = "json" in found["headers"].get("content-type", "")
        return Answer(found["status"], json.loads(text) if is_json and text else {}), NOT_YET.lower() in found[
            "headers"
        ]
