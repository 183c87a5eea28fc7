"""Bodies of requests: JSON that is safe to work with, and files in chunks."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from api.problems import Problem
from core import exact_json

MAX_DEPTH = 64
CHUNK = 256 * 1024
# NUL, or half of a pair of surrogates, as JSON writes them. Only then every text is looked at.
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class JsonParser(Parser):
    """Reads bodies for ninja: numbers keep their digits, texts can be stored, and nothing is too deep."""

    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request)


def read_json(request: HttpRequest) -> Any:
    """The JSON of a request. Raises Problem 415 or 400."""
    if request.content_type != "application/json":
        raise Problem(415, "content_type_unknown", "Send the header “Content-Type: application/json”.")
    return parse_json(request.body)


def parse_json(raw: bytes) -> Any:
    """JSON that can be worked with and stored. Raises Problem 400."""
    try:
        value = _decoder.decode(raw.decode("utf-8"))
        if isinstance(value, (dict, list)) and _is_deeper(value, MAX_DEPTH - 1):
            raise RecursionError
    except UnicodeDecodeError:
        raise Problem(400, "json_invalid", "The body is not UTF-8.") from None
    except json.JSONDecodeError as problem:
        at = f"line {problem.lineno}, column {problem.colno}"
        raise Problem(400, "json_invalid", f"The body is not JSON: {problem.msg} at {at}.") from None
    except RecursionError:
        raise Problem(400, "json_invalid", f"The JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError as problem:
        raise Problem(400, "json_invalid", str(problem)) from None
    if (_SUSPECT.search(raw) and not is_storable(value)) or (value != value):
        raise Problem(400, "request_unreadable", "Texts cannot contain NUL, or half of a pair of surrogates.")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON.")


_decoder = exact_json.Decoder(parse_constant=_constant)


def _is_deeper(value: Any, than: int) -> bool:
    """Whether lists and objects are nested deeper than so many levels, level by level: bodies are large."""
    level = [value]
    for _ in range(than + 1):
        inner = [inside for one in level for inside in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in inner if type(one) in (dict, list)]
        if not level:
            return False
    return True


def is_storable(value: Any) -> bool:
    """Whether the database can hold every text of it. The depth is bounded."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return all(is_storable(key) and is_storable(inner) for key, inner in value.items())
    return all(map(is_storable, value)) if isinstance(value, list) else True


def chunks(request: HttpRequest) -> Iterator[bytes]:
    """A body that is a file, part by part; its digest is kept for `digest`."""
    seen = hashlib.sha256()
    while part := request.read(CHUNK):
        seen.update(part)
        yield part
    request.body_digest = seen.hexdigest()  # type: ignore[attr-defined]


def parts_of(path: Path) -> Iterator[bytes]:
    """A stored file, part by part."""
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


def digest(request: HttpRequest) -> str:
    """What was asked for, in 64 characters: method, address and content. Two uploads of the same form are the same, whatever
    separates their parts."""
    known = hashlib.sha256(f"{request.method} {request.get_full_path()} {request.content_type}\n".encode())
    if request.content_type == "multipart/form-data":
        for name, values in sorted(request.POST.lists()):
            known.update(json.dumps([name, values]).encode())
        for name, files in sorted(request.FILES.lists()):
            for file in files:
                file.seek(0)
                parts = hashlib.sha256()
                for part in file.chunks():
                    parts.update(part)
                known.update(json.dumps([name, file.name, parts.hexdigest()]).encode())
    elif request.content_type == "application/json" or hasattr(request, "_body"):
        known.update(request.body)
    else:
        for _part in chunks(request) if not hasattr(request, "body_digest") else ():
            pass
        known.update(request.body_digest.encode())  # type: ignore[attr-defined]
    return known.hexdigest()
