"""Between ASGI and WSGI: the environment of a request, and the answer as a whole."""

import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

from core.body_limit import LIMIT
from core.long_poll import NOT_YET

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
CHUNK = 256 * 1024
IN_MEMORY = 1024 * 1024


@dataclass
class Answer:
    """The answer of the application. `limit`: it wants to be asked again, with a body of at most so many bytes. `wait`: it
    is not yet what the client is ready to wait for, so many seconds."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: IO[bytes]
    on_disk: bool
    limit: int | None = None
    wait: int | None = None
    closing: list[Callable[[], Any]] = field(default_factory=list)

    def read(self) -> bytes:
        """The next part, empty at the end; all of it where it lies in memory."""
        return self.body.read(CHUNK if self.on_disk else -1)

    def close(self) -> None:
        self.body.close()
        for close in self.closing:
            close()


def environ_of(scope: dict[str, Any]) -> Environ:
    """PEP 3333 from an ASGI scope. Headers whose names hold an underscore are dropped: they would pass for others."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    host, port = scope.get("server") or ("localhost", 80)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw.partition(b"?")[0]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        glue = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{glue}{text}" if key in environ else text
    return environ


def respond(application: Wsgi, environ: Environ, body: IO[bytes], size: int) -> Answer:
    """Ask the application, in the thread that calls; all of its answer is worked out when this returns.

    What is large goes to a file, so that whoever fetches it slowly keeps no thread, no transaction and no memory. A file
    that the application hands out is read where it lies.
    """
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started[:] = [status, headers]

    environ = {key: value for key, value in environ.items() if key not in ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING")}
    environ |= {"CONTENT_LENGTH": str(size), "wsgi.input": body, "wsgi.errors": sys.stderr}
    chunks = application(environ, start)
    if isinstance(chunks, FileWrapper):
        return _answer(started, chunks.filelike, on_disk=True, closing=[chunks.close])
    kept = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  the answer closes it
    try:
        kept.writelines(chunk for chunk in chunks if chunk)
    except BaseException:
        kept.close()
        raise
    finally:
        _close(chunks)
    length = kept.tell()
    kept.seek(0)
    answer = _answer(started, kept, on_disk=length > IN_MEMORY, closing=[])
    if length and not any(name == b"content-length" for name, _value in answer.headers):
        # So that whoever is cut off in the middle knows.
        answer.headers.append((b"content-length", str(length).encode()))
    return answer


def _close(chunks: Any) -> None:
    close = getattr(chunks, "close", None)
    if close:
        close()


def _answer(started: list[Any], body: IO[bytes], *, on_disk: bool, closing: list[Callable[[], Any]]) -> Answer:
    status, headers = started
    ours = {name: int(value) for name, value in headers if name in (LIMIT, NOT_YET)}
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers if name not in ours]
    return Answer(int(status[:3]), encoded, body, on_disk, ours.get(LIMIT), ours.get(NOT_YET), closing)
