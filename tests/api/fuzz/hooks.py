"""What schemathesis adds to its calls, and looks for in answers. Loaded by its command (SCHEMATHESIS_HOOKS).

Made-up values alone hardly get past the first check of an operation. So most numbers are ones that rows of the right kind
have, of the own workspace or of another one, and every other body has a part that makes sense; the rest stays as it was made
up. What the other workspace has in its rows may be in no answer.
"""

import json
import os
import zlib
from typing import Any

import schemathesis

FOREIGN: list[str] = json.loads(os.environ.get("FUZZ_FOREIGN", "[]"))
# Parameter of an address → IDs of rows that it may be about, of both workspaces.
NUMBERS: dict[str, list[int]] = json.loads(os.environ.get("FUZZ_NUMBERS", "{}"))
FILE = "email,first_name,city\nanna{n}@example.com,Anna,Riga\nben{n}-no-address,Ben,Oslo\n"
# Settings of an upload that are good for any file; and those of contacts that hardly any made-up text is good for.
GOOD = ("file", "review", "mode", "duplicates", "bad_value", "deleted", "consent")
RARELY_GOOD = ("country", "zone", "happened")


def dice(*about: Any) -> int:
    """A number that only depends on what it is about, so that a run can be repeated."""
    return zlib.crc32(repr(about).encode("utf-8", "replace"))


@schemathesis.hook
def map_path_parameters(ctx: Any, path_parameters: Any) -> Any:
    """Take three of four numbers from those that rows have."""
    if not isinstance(path_parameters, dict):
        return path_parameters
    return {
        name: NUMBERS[name][dice(value) % len(NUMBERS[name])]
        if type(value) is int and NUMBERS.get(name) and dice(name, value) % 4
        else value
        for name, value in path_parameters.items()
    }


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: Any) -> None:
    """Put sense into a part of the calls; and nobody waits for long: what a wait is for has tests of its own."""
    query = case.query if isinstance(case.query, dict) else {}
    if str(query.get("wait", "")).isdecimal() and 1 < int(query["wait"]) <= 60:
        query["wait"] = 1
    luck = dice(case.path_parameters, case.query, case.body)
    if luck % 4 and case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"call {luck}"
    if luck % 2:
        _make_sense(case, query, luck // 2)


def _make_sense(case: Any, query: dict[str, Any], luck: int) -> None:
    if case.operation.label == "POST /api/v1/imports":
        for given in (query, case.body if isinstance(case.body, dict) else {}):
            for name in set(given) - set(GOOD):
                del given[name]
        content = FILE.format(n=luck % 50)
        if case.media_type == "multipart/form-data" and isinstance(case.body, dict):
            case.body["file"] = content.encode()
        elif isinstance(case.body, str):
            case.body = content
        return
    if isinstance(case.body, dict):
        _sensible(case.body, luck)


def _sensible(body: dict[str, Any], luck: int) -> None:
    """Contacts by their IDs, contacts to be taken, rules."""
    known = NUMBERS.get("contact_id", [])
    contact = {"email": f"anna{luck % 50}@example.com", "first_name": f"Anna {luck % 7}", "city": "Riga"}
    contacts = body.get("contacts")
    if isinstance(contacts, list) and known and all(type(pk) is int for pk in contacts):
        body["contacts"] = [known[(luck + i) % len(known)] for i in range(2)]
        body.pop("survivor", None)
        body.pop("values", None)
    elif isinstance(contacts, list):
        body["contacts"] = [contact, *contacts[:3]]
    if isinstance(body.get("contact"), dict):
        body["contact"] = contact
    for event in body.get("events") or () if isinstance(body.get("events"), list) else ():
        if isinstance(event, dict):
            event["contact"] = contact
    if isinstance(body.get("rows"), list):  # line 10 of the files of tests.api.fuzz.run has no address
        body["rows"] = [{"line": 10, "values": {"email": contact["email"]}}]
    if isinstance(body.get("rule"), dict):
        body["rule"] = {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}]}
    if isinstance(body.get("settings"), dict):
        for name in RARELY_GOOD:
            body["settings"].pop(name, None)


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
