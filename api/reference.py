"""The OpenAPI document as a page shows it: sections, operations with their fields, a command to try, an answer."""

import json
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api import document, problems
from api.scopes import SCOPES

MOST_DEPTH = 3
FORM, JSON = "multipart/form-data", "application/json"
# What has changed, the latest first: version, day, what.
CHANGELOG: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("1.0.0", "2026-11-29", ("First version: workspace, imports with their rows, and all that the sections list.",)),
)


@lru_cache(maxsize=1)
def sections() -> list[dict[str, Any]]:
    """Tags with their operations, made once in a process."""
    made = document.document()
    found: list[dict[str, Any]] = [
        {"title": tag["name"], "anchor": _anchor(tag["name"]), "lead": tag["description"], "operations": []}
        for tag in made["tags"]
    ]
    by_title = {section["title"]: section for section in found}
    for path, method, operation in document.operations(made):
        by_title[operation["tags"][0]]["operations"].append(_operation(path, method, operation, made))
    return found


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _operation(path: str, method: str, operation: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    schemas = made["components"]["schemas"]
    status, answer = next((s, a) for s, a in operation["responses"].items() if s.startswith("2"))
    content = answer.get("content", {}).get(JSON, {})
    body = (operation.get("requestBody") or {}).get("content", {})
    form = body.get(FORM, {}).get("schema", {}).get("properties", {})
    parameters = [_parameter(given, schemas, form) for given in operation["parameters"] if not _is_common(given)]
    told = {given["name"] for given in parameters}
    fields = [field for sent in list(body.values())[:1] for field in _fields(sent["schema"], schemas)]
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "tone": {"get": "edit", "delete": "bad"}.get(method, "ok"),
        "path": path,
        "summary": operation["summary"],
        "description": _marked(operation["description"]),
        "scope": operation["x-scope"],
        "scope_words": SCOPES.get(operation["x-scope"], ""),
        "parameters": parameters,
        "bodies": list(body),
        "fields": [field for field in fields if field["name"] not in told],
        "command": _command(path, method, operation),
        "status": status,
        "answer": _pretty(content["example"]) if "example" in content else "",
        "answer_kind": next(iter(answer.get("content", {})), ""),
        "answer_fields": list(_fields(content["schema"], schemas)) if content else [],
        "problems": list(_problems(operation)),
    }


def _marked(text: str) -> SafeString:
    """Words in which `code` is set as such."""
    parts = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", p) if i % 2 else p,) for i, p in enumerate(parts))
    )


def _is_common(parameter: dict[str, Any]) -> bool:
    """Told once, in the beginning of the page."""
    return bool(parameter["in"] == "header")


def _problems(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(status, code) of what is special to an operation; what all have is told once."""
    common = {code for codes in document.ALWAYS.values() for code in codes}
    for status, answer in operation["responses"].items():
        for content in answer.get("content", {}).values():
            for code, one in content.get("examples", {}).items():
                if code not in common and one["value"].get("code") == code:
                    yield status, code


def _parameter(given: dict[str, Any], schemas: dict[str, Any], form: Collection[str]) -> dict[str, Any]:
    return {
        "name": given["name"],
        "in": "query or form" if given["name"] in form else given["in"],
        "required": given["required"],
        "words": _marked(given.get("description", "")),
        **_told(given["schema"], schemas),
    }


def _told(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Type, values and default of a schema in words."""
    whole = document.resolved(schema, schemas)
    either = list(_either(whole, schemas))
    kinds = [str(one.get("format") or one.get("type", "any")) for one in either]
    values: list[Any] = next((one["enum"] for one in either if "enum" in one), [])
    shown = {"date-time": "time", "null": "null", "binary": "file"}
    default = whole.get("default")
    return {
        "type": " or ".join(dict.fromkeys(shown.get(kind, kind) for kind in kinds)),
        "values": [str(value) for value in values],
        "default": "" if default in (None, "") else _pretty(default),
    }


def _either(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema, or those that it leaves the choice of."""
    whole = document.resolved(schema, schemas)
    if "anyOf" not in whole:
        yield whole
    for one in whole.get("anyOf", ()):
        yield from _either(one, schemas)


def _fields(
    schema: dict[str, Any], schemas: dict[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[dict[str, Any]]:
    """Fields of an object, those inside by names with dots, of lists with [ ]."""
    whole = document.resolved(schema, schemas)
    required = whole.get("required", ())
    for name, inner in whole.get("properties", {}).items():
        resolved = document.resolved(inner, schemas)
        words = inner.get("description") or resolved.get("description", "")
        yield {
            "name": f"{prefix}{name}",
            "required": name in required,
            "words": _marked(words),
            **_told(inner, schemas),
        }
        if depth < MOST_DEPTH:
            yield from _inside(resolved, schemas, f"{prefix}{name}", depth)


def _inside(whole: dict[str, Any], schemas: dict[str, Any], name: str, depth: int) -> Iterator[dict[str, Any]]:
    for one in (whole, *whole.get("anyOf", ())):
        resolved = document.resolved(one, schemas)
        if resolved.get("type") == "array" and resolved.get("items"):
            yield from _fields(resolved["items"], schemas, f"{name}[].", depth + 1)
        elif "properties" in resolved:
            yield from _fields(resolved, schemas, f"{name}.", depth + 1)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _command(path: str, method: str, operation: dict[str, Any]) -> str:
    """A call by curl, with the examples of the document."""
    places = {p["name"]: p.get("example", 17) for p in operation["parameters"] if p["in"] == "path"}
    address = re.sub(r"{(\w+)}", lambda found: str(places.get(found[1], 17)), path)
    needed = {p["name"]: p.get("example", "…") for p in operation["parameters"] if p["in"] == "query" and p["required"]}
    query = f"?{urlencode(needed)}" if needed else ""
    verb = "" if method == "get" else f" -X {method.upper()}"
    lines = [f"curl{verb} '{settings.SITE_URL}{address}{query}'", '-H "Authorization: Bearer $TOKEN"']
    body = (operation.get("requestBody") or {}).get("content", {})
    if FORM in body:
        lines = [f"curl '{settings.SITE_URL}{address}{query}'", '-H "Authorization: Bearer $TOKEN"']
        sent = body[FORM]["example"]
        lines += [f"-F '{name}={'@contacts.csv' if name == 'file' else value}'" for name, value in sent.items()]
    elif JSON in body:
        text = json.dumps(body[JSON]["example"], ensure_ascii=False, default=str).replace("'", "'\\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
    return " \\\n  ".join(lines)


def problem_rows() -> list[dict[str, Any]]:
    """The problems of requests, by status."""
    rows = [{"code": code, **kind._asdict()} for code, kind in problems.KINDS.items()]
    return sorted(rows, key=lambda row: (row["status"], row["code"]))
