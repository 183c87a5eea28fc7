#!/bin/sh
# granian 2.8.9 with --respawn-failed-workers and two workers.
# Expected: a worker that ends is started again, as often as it ends; the other worker goes on serving.
# Seen: when the same worker ends twice within five and a half seconds, the server ends as a whole: the healthy worker is
#   stopped, too, and nothing listens on the port any more. Its log calls it a crash loop; its help does not name it.
# Source of the expectation: `granian --help` of that version: "Enable workers respawn on unexpected exit".
# Here: a web worker that starts while PostgreSQL is away waits for it instead of ending at once
#   (tenants/isolation/checks.py), and cdp/stack/supervisor.py starts a web server again that has ended.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check granian==2.8.9
cat >"$folder/told.py" <<'PYTHON'
import os


async def asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
PYTHON
cat >"$folder/kill.py" <<'PYTHON'
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = subprocess.Popen(
    [sys.executable, "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(port), "--workers", "2",
     "--respawn-failed-workers", "--respawn-interval", "0.2", "--log-level", "critical", "told:asgi"]
)


def workers(count, seconds=10.0, without=()):
    """PIDs of workers that answer, until there are so many or the time is over."""
    found, until = set(), time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
                found.add(int(answer.read()))
        except OSError:
            time.sleep(0.05)
        found -= set(without)
    return found


try:
    first, other = sorted(workers(2))
    os.kill(first, signal.SIGKILL)
    again = workers(1, without={first, other})
    print("killed once: started again", len(again) == 1, "server runs", server.poll() is None)
    os.kill(again.pop(), signal.SIGKILL)
    for _ in range(100):
        if server.poll() is not None:
            break
        time.sleep(0.1)
    print("killed twice within seconds: server runs", server.poll() is None)
finally:
    if server.poll() is None:
        server.terminate()
    server.wait(20)
PYTHON
said=$(cd "$folder" && venv/bin/python kill.py 2>/dev/null)
echo "$said"
echo "$said" | grep -q "^killed once: started again True server runs True$" &&
  echo "$said" | grep -q "^killed twice within seconds: server runs False$"
