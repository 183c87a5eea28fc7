"""A very large upload through the web server, as a browser sends it, and what the server's memory does meanwhile."""

import contextlib
import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from benchmarks.imports import owner
from benchmarks.stack import MB, Stack, peak
from tenants.models import Tenant

BOUNDARY = "----cdp-benchmark"
TOKEN = "b" * 32
CHUNK = 256 * 1024


def measure(stack: Stack, tenant: Tenant, path: Path, size: int) -> dict[str, Any]:
    """Send about `size` bytes of a file, over and over; returns bytes, seconds, memory before and at most."""
    parts = urlsplit(stack.info["url"])
    head, tail = envelope()
    rows, times = body(path, size)
    with peak(stack.web) as memory:
        begun = time.perf_counter()
        line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
        line.putrequest("POST", f"/w/{tenant.slug}/imports/upload/")
        for name, value in headers(len(head) + rows * times + len(tail)).items():
            line.putheader(name, value)
        line.endheaders()
        # A server that refuses answers before it has the whole body, and closes: the answer says why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for block in blocks(path, times, head=head, tail=tail):
                line.send(block)
        response = line.getresponse()
        said = response.read()
        seconds = time.perf_counter() - begun
    if response.status != 201:
        raise SystemExit(f"The upload was answered with {response.status}: {said[:500]!r}")
    return {"bytes": rows * times, "seconds": seconds, "before": memory.before, "most": memory.most}


def body(path: Path, size: int) -> tuple[int, int]:
    length = path.stat().st_size
    return length, max(1, round(size / length))


def envelope() -> tuple[bytes, bytes]:
    disposition = 'Content-Disposition: form-data; name="file"; filename="large.csv"'
    head = f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: text/csv\r\n\r\n"
    return head.encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


def headers(length: int) -> dict[str, str]:
    """Those of a signed-in browser whose page sends by script."""
    client = Client()
    client.force_login(owner())
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(length),
        "Accept": "application/json",
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={TOKEN}",
        "X-CSRFToken": TOKEN,
    }


def blocks(path: Path, times: int, *, head: bytes, tail: bytes) -> Iterator[bytes]:
    yield head
    for _ in range(times):
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                yield block
    yield tail


def megabytes(size: float) -> str:
    return f"{size / MB:,.0f} MiB"
