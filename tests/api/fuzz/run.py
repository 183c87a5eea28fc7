"""A server, two workspaces with a row in every table, and schemathesis over it. `python -m tests.servers python -m
tests.api.fuzz.run` runs all of it (make fuzz); a test runs the short form."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
# What is told about a run: calls and failures by check.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,ignored_auth,allow_header_conformance,unsupported_method,"
    "nothing_of_another_workspace,errors_are_problems"
)


@dataclass
class Side:
    """One of the two workspaces: its token, what stands in its rows, and their numbers."""

    token: str
    marks: list[str]
    numbers: list[int]


def build(name: str) -> Side:
    """A workspace with a row in every table, imports in several states, and values that no other workspace has."""
    from django.apps import apps

    from tenants.isolation.base import TenantModel
    from tenants.isolation.context import tenant_context
    from tests.api.helpers import program
    from tests.cast import actor
    from tests.imports.helpers import bring, receive
    from tests.tenants.isolation.test_isolation import fill

    who = actor(name)
    mark = f"{name.lower()}only"
    rows = f"email,first_name,phone\n{mark}@example.com,{mark},+447911123456\n{mark}-no-address,{mark},\n"
    bring(who.workspace, rows, segment=f"{mark} segment", user=who.user)
    bring(who.workspace, rows.replace(f",{mark},", f",{mark}x,"), review=True, user=who.user)
    receive(who.workspace, rows, user=who.user)
    models: list[Any] = [m for m in apps.get_models() if issubclass(m, TenantModel) and m._meta.pk.name == "id"]
    with tenant_context(who.workspace.pk):
        fill(who)
        numbers = {pk for m in models for pk in m.objects.order_by("-pk").values_list("pk", flat=True)[:3]}
    return Side(program(who).text, [mark, who.workspace.slug], sorted(numbers))


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The product as it is served in production; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(port),
               "--no-ws", "cdp.asgi:application"]  # fmt: skip
    environ = os.environ | {"SITE_URL": address, "API_REQUESTS_PER_MINUTE": "0"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=ROOT)
        try:
            until = time.monotonic() + 30
            while process.poll() is None and time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def fuzz(
    address: str, own: Side, other: Side, folder: Path, *, examples: int, phases: str, seconds: int, more: Any = ()
) -> Any:
    """Run schemathesis with the token of one workspace, numbers of both, and what the other one has as foreign."""
    numbers = sorted({*own.numbers, *other.numbers})
    environ = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.api.fuzz.hooks",
        "PYTHONPATH": str(ROOT),
        "FUZZ_FOREIGN": json.dumps(other.marks),
        "FUZZ_NUMBERS": json.dumps(numbers),
    }
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{address}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {own.token}", "--checks", CHECKS, "--max-examples", str(examples),
        "--phases", phases, "--request-timeout", "60", "--seed", "1", "--continue-on-failure", "--no-shrink",
        "--suppress-health-check", "all", "--warnings", "off", "--generation-database", ":memory:",
        "--report-ndjson-path", str(folder / "events.ndjson"), *more,
    ]  # fmt: skip
    return subprocess.run(
        command, env=environ, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
    )


def main() -> int:
    """All operations by both tokens: examples, coverage, 20 made-up calls an operation, and stateful links."""
    import django

    django.setup()
    with tempfile.TemporaryDirectory(prefix="cdp-fuzz-") as name:
        folder = Path(name)
        own, other = build("Alice"), build("Charlie")
        failed = 0
        with server(folder) as address:
            for first, second in ((own, other), (other, own)):
                done = fuzz(address, first, second, folder, examples=int(os.environ.get("CDP_FUZZ", "20")),
                            phases="examples,coverage,fuzzing,stateful", seconds=3600)  # fmt: skip
                print(done.stdout[-20_000:], done.stderr[-5_000:], flush=True)
                failed += done.returncode != 0
        log = (folder / "server.log").read_text(errors="replace")
        faults = re.findall(r"^Traceback.*", log, re.MULTILINE)
        print(f"{len(faults)} tracebacks in the log of the server")
        if faults:
            print(log[-8_000:])
    return failed


if __name__ == "__main__":
    sys.exit(main())
