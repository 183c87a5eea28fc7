#!/bin/sh
# granian 2.8.9, interface RSGI, beside ASGI of the same version.
# Expected: a header whose value holds a byte beyond ASCII (obs-text, RFC 9110, 5.5) reaches the application, in some form;
#   cookies of older programs hold such bytes.
# Seen: over RSGI the application is shown no such header at all, and no error; over ASGI it gets the bytes. A Cookie header
#   with one such cookie is lost with all cookies in it, so whoever has it is signed out.
# Source of the expectation: RFC 9110, 5.5: a recipient should treat such octets as opaque data.
# Here: pages are served over ASGI (docs/decisions/0016-hits-in-the-loop.md).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check granian==2.8.9
cat >"$folder/told.py" <<'PYTHON'
async def asgi(scope, receive, send):
    cookies = [value for name, value in scope.get("headers", []) if name == b"cookie"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": repr(cookies).encode()})


async def _rsgi(scope, protocol):
    cookies = [value for name, value in scope.headers.items() if name == "cookie"]
    protocol.response_bytes(200, [], repr(cookies).encode())


class _Application:
    __rsgi__ = staticmethod(_rsgi)


rsgi = _Application()
PYTHON
cat >"$folder/ask.py" <<'PYTHON'
import socket
import subprocess
import sys
import time


def ask(interface, cookie):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", interface, "--http", "1", "--host", "127.0.0.1",
               "--port", str(port), "--log-level", "error", f"told:{interface.removesuffix('nl')}"]
    server = subprocess.Popen(command)
    try:
        for _ in range(100):
            try:
                line = socket.create_connection(("127.0.0.1", port), timeout=5)
                break
            except OSError:
                time.sleep(0.1)
        with line:
            line.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: " + cookie + b"\r\n\r\n")
            answer = b""
            while part := line.recv(4096):
                answer += part
        return answer.partition(b"\r\n\r\n")[2].decode()
    finally:
        server.terminate()
        server.wait(20)


for cookie in (b"session=1", b"session=1; city=M\xfcnchen"):
    for interface in ("asginl", "rsgi"):
        print(interface, cookie, "->", ask(interface, cookie))
PYTHON
said=$(cd "$folder" && venv/bin/python ask.py)
echo "$said"
echo "$said" | grep -q "^asginl .*city.* -> \[b'session=1; city" && echo "$said" | grep -q "^rsgi .*city.* -> \[\]$"
