"""The load on the collector: one process with some connections that are always busy. Knows nothing of Django."""

import socket
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import orjson

PROCESSES, CONNECTIONS, DEVICES = 2, 16, 2000


def request(host: str, key: str, number: int) -> bytes:
    """One page view, as fetch sends it."""
    device = str(uuid.UUID(int=number % DEVICES + 2**100))
    body = orjson.dumps(
        {
            "device": device,
            "kind": "page",
            "url": f"https://bench.example/p/{number % 97}?utm_source=x",
            "title": "Page",
        }
    )
    head = (
        f"POST /p/{key} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 Firefox/140.0\r\n"
        f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def hammer(url: str, key: str, seconds: float, no: int) -> dict[str, Any]:
    """One process: a request on each connection, then an answer on each, and again."""
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1"
    lines = [socket.create_connection((parts.hostname, parts.port or 80), timeout=10) for _ in range(CONNECTIONS)]
    asks = [request(parts.netloc, key, no * 1_000_003 + i) for i in range(500)]
    result: dict[str, Any] = {"hits": 0, "refused": 0, "waits": []}
    begun, turn = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        sent = []
        for line in lines:
            line.sendall(asks[turn % len(asks)])
            sent.append(time.perf_counter())
            turn += 1
        for line, at in zip(lines, sent, strict=True):
            good = answer(line).startswith(b"HTTP/1.1 204")
            result["hits" if good else "refused"] += 1
            result["waits"].append(time.perf_counter() - at)
    result["seconds"] = time.perf_counter() - begun
    for line in lines:
        line.close()
    return result


def answer(line: socket.socket) -> bytes:
    """The head of an answer; ours to a hit has no body."""
    text = b""
    while b"\r\n\r\n" not in text:
        block = line.recv(4096)
        if not block:
            raise ConnectionError("the server closed the connection")
        text += block
    return text
