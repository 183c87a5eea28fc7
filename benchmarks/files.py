"""The same file by the command and by the API, in turns, each time into an empty workspace: what the way in costs."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from api import tokens
from benchmarks import imports
from benchmarks.api import Caller
from benchmarks.stack import Stack
from cdp.demo import people
from imports.models import Import
from tenants.isolation.context import tenant_context

SCOPES = ("imports.view", "imports.run", "segments.edit")
TURNS = 2
WAIT_SECONDS = 60


def measure(stack: Stack, path: Path) -> dict[str, list[float]]:
    """Seconds from the first byte to the end of the import, of each turn."""
    took: dict[str, list[float]] = {"command": [], "api": []}
    for turn in range(TURNS):
        took["command"].append(imports.run(stack, imports.workspace(f"bench-file-command-{turn}"), path).seconds)
        took["api"].append(_by_api(stack, f"bench-file-api-{turn}", path))
    return took


def _by_api(stack: Stack, slug: str, path: Path) -> float:
    tenant = imports.workspace(slug)
    with tenant_context(tenant.pk):
        _token, text = tokens.create("Benchmark", scopes=list(SCOPES), user=imports.owner())
    settings = {f"map.{name}": target for name, target in people.OWN_COLUMNS.items()} | {"segment": "All"}
    imports.settle(stack)
    caller = Caller(stack.info["url"], text)
    begun = time.perf_counter()
    with path.open("rb") as file:
        headers = {**caller.headers, "Content-Type": "text/csv", "Content-Length": str(path.stat().st_size)}
        made = _answer(caller, "POST", f"imports?{urlencode(settings)}", file, headers)
    while not made["ended"]:
        made = _answer(caller, "GET", f"imports/{made['id']}?wait={WAIT_SECONDS}", None, caller.headers)
    took = time.perf_counter() - begun
    if made["status"] != "imported" or sum(made[name] for name in Import.OUTCOMES) != made["rows"]:
        raise SystemExit(f"{path.name} did not import by the API: {made}")
    return took


def _answer(caller: Caller, method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
    caller.line.request(method, f"/api/v1/{path}", body, headers)
    response = caller.line.getresponse()
    content = response.read()
    if response.status not in (200, 201):
        raise SystemExit(f"The API answered with {response.status}: {content[:500]!r}")
    return dict(json.loads(content))
