"""What all stand-in networks are made of: a server with faults that happen when they are told to."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Network:
    """A list of identifiers for each list ID. `faults` are what happens to the next requests: (name, whether the request was
    done before). `counted` has how often a request of an ID was done."""

    def __init__(self) -> None:
        self.url = ""
        self.lists: dict[str, set[str]] = {}
        self.faults: deque[tuple[str, bool]] = deque()
        self.counted: Counter[str] = Counter()
        self.requests = 0
        self.people = 0
        self.lock = threading.Lock()

    def list_of(self, list_id: str) -> set[str]:
        return self.lists.setdefault(list_id, set())

    def next_fault(self) -> tuple[str, bool]:
        with self.lock:
            return self.faults.popleft() if self.faults else ("", True)

    def handle(self, handler: Any, method: str, path: str, body: bytes) -> None:
        raise NotImplementedError


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    network: Network

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.network.requests += 1
        self.network.handle(self, self.command, self.path, body)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._do
        raise AttributeError(name)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drop(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def serving(network: Network) -> Iterator[Network]:
    """The network listens on this machine."""
    handler = type("Handler", (Handler,), {"network": network})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_args: None  # type: ignore[method-assign]
    network.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield network
    finally:
        server.shutdown()
        server.server_close()


Judge = Callable[[], None]
