"""What schemathesis adds to its calls, and looks for in answers. Loaded by its command (SCHEMATHESIS_HOOKS).

Numbers in addresses are mostly ones that rows have, of the own workspace or of another one; what the other workspace has in
its rows may be in no answer.
"""

import json
import os
from typing import Any

import schemathesis

FOREIGN: list[str] = json.loads(os.environ.get("FUZZ_FOREIGN", "[]"))
NUMBERS: list[int] = json.loads(os.environ.get("FUZZ_NUMBERS", "[]"))


@schemathesis.hook
def map_path_parameters(ctx: Any, path_parameters: Any) -> Any:
    """Take three of four numbers from those that rows have."""
    if not isinstance(path_parameters, dict) or not NUMBERS:
        return path_parameters
    return {
        name: NUMBERS[abs(value) % len(NUMBERS)] if type(value) is int and value % 4 else value
        for name, value in path_parameters.items()
    }


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: Any) -> None:
    """Nobody waits for long: what a wait is for has tests of its own."""
    wait = (case.query or {}).get("wait")
    if isinstance(wait, int) and 1 < wait <= 60:
        case.query["wait"] = 1


@schemathesis.check
def nothing_of_another_workspace(ctx: Any, response: Any, case: Any) -> None:
    """No answer has bytes of another workspace's rows."""
    found = [mark for mark in FOREIGN if mark.encode() in response.content]
    assert not found, f"foreign bytes: {found}"


@schemathesis.check
def errors_are_problems(ctx: Any, response: Any, case: Any) -> None:
    """Whatever is wrong is said as application/problem+json with all of its members."""
    if response.status_code >= 400 and case.method != "HEAD":
        assert response.headers["content-type"] == ["application/problem+json"], response.headers
        said = json.loads(response.content)
        assert said["status"] == response.status_code
        assert all(said.get(name) for name in ("type", "title", "detail", "code"))
