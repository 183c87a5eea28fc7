"""The OpenAPI document: what ninja makes of the routes, and what holds for all of them."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, get_type_hints

from django.conf import settings
from pydantic.fields import FieldInfo

from api import idempotency, problems
from api.api import ROUTERS, api
from api.schemas import ProblemDocument
from core.problem_json import CONTENT_TYPE

METHODS = ("get", "post", "put", "patch", "delete")
TAGS = {
    "Workspace": "Whose token it is, and what it may do.",
    "Imports": "Files of contacts, orders and events: create, check, start, watch, undo.",
    "Rows of imports": "Rows in error, to be corrected and imported again; all rows by outcome.",
    "Files and problems": "What a file can look like, saved mappings, and every problem in words.",
    "Contacts": "One or thousands at once: create, change, find, follow, merge, delete, erase.",
    "Exports": "Files of contacts, written in the background.",
    "Events": "Orders, messages and whatever else contacts do.",
    "Segments": "Named sets of contacts, static or with a rule.",
    "Audiences": "Contacts of lists, without those of others, who meet conditions.",
    "Data syncs": "Audiences and other lists that a network or a file follows, and each run.",
    "Sources": "Lists of contacts that are compared with the visitors of sites.",
    "Duplicates": "Contacts that are, or may be, one person.",
    "Attributes": "Standard and custom fields of contacts.",
    "Sites": "Sites with the pixel, and signed identities of their visitors.",
    "Connectors": "Users of the file servers, and places that files are fetched from.",
    "Webhooks": "What happens in the workspace, sent to an address of yours.",
}
JSON = "application/json"
SCHEMA = {"$ref": "#/components/schemas/ProblemDocument"}
RATE = {
    "RateLimit-Limit": "Requests that a token can send in a minute.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "Seconds until there are as many again.",
}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document, made once in a process."""
    made: dict[str, Any] = dict(api.get_openapi_schema(path_prefix="/api/v1"))
    components = made["components"]
    components["schemas"]["ProblemDocument"] = ProblemDocument.model_json_schema()
    components["schemas"] |= components["schemas"]["ProblemDocument"].pop("$defs")
    _localize(components["schemas"]["ProblemDocument"])
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of the workspace, cdp_…_…"}
    }
    components["headers"] = {
        name: {"description": words, "schema": {"type": "integer"}} for name, words in RATE.items()
    }
    made["servers"] = [{"url": settings.SITE_URL}]
    known = {operation.view_func.__name__: operation for operation in _operations()}
    for path, method, operation in operations(made):
        _complete(operation, path, method, known[operation["operationId"]], components["schemas"])
    _link(made)
    used = {tag for _path, _method, operation in operations(made) for tag in operation["tags"]}
    order = dict.fromkeys(tag for router in ROUTERS for tag in router.tags or ())
    made["tags"] = [{"name": tag, "description": TAGS.get(tag, tag)} for tag in order if tag in used]
    return made


def operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of a document."""
    for path, item in made["paths"].items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


def _operations() -> Iterator[Any]:
    for bound in api._get_bound_routers():
        for view in bound.path_operations.values():
            yield from view.operations


def _localize(schema: dict[str, Any]) -> None:
    """References of pydantic's own kind become those of the document."""
    for value in schema.get("properties", {}).values():
        items = value.get("items", {})
        if "$ref" in items:
            items["$ref"] = items["$ref"].replace("#/$defs/", "#/components/schemas/")


def _complete(operation: dict[str, Any], path: str, method: str, known: Any, schemas: dict[str, Any]) -> None:
    """Scope, headers, problems and examples of one operation."""
    scope = known.auth_callbacks[0].permission
    operation["security"] = [{"token": [scope]}]
    operation["x-scope"] = scope
    parameters = operation.setdefault("parameters", [])
    told = _told(known.view_func)
    for parameter in parameters:
        schema, field = parameter["schema"], told.get(parameter["name"])
        parameter.pop("examples", None)
        if field is not None and field.description:
            parameter["description"] = field.description
        examples = schema.get("examples") or (field.examples if field is not None else None)
        if examples and examples[0] not in ("", None):
            parameter["example"] = examples[0]
    if method == "post":
        parameters.append(_key())
    for content in (operation.get("requestBody") or {}).get("content", {}).values():
        content.setdefault("example", example(content["schema"], schemas))
    operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}
    for answer in operation["responses"].values():
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in RATE}
        for kind, content in answer.get("content", {}).items():
            if kind == JSON:
                content.setdefault("example", example(content["schema"], schemas))
    _add_problems(operation, path, method, getattr(known.view_func, "problems", ()))


def _told(function: Any) -> dict[str, FieldInfo]:
    """What the annotations of parameters say in words, which ninja leaves out where there is a default."""
    hints = get_type_hints(function, include_extras=True)
    return {
        name: field
        for name, hint in hints.items()
        for field in getattr(hint, "__metadata__", ())
        if isinstance(field, FieldInfo)
    }


def _key() -> dict[str, Any]:
    words = (
        "A name of this request, of your choice: sent again within a day, it gets the first answer and does nothing."
    )
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
    return {"in": "header", "name": idempotency.HEADER, "required": False, "description": words, "schema": schema,
            "example": "nightly-2026-05-31"}  # fmt: skip


# Problems that an operation can have, by what it takes: status → codes.
ALWAYS = {
    400: ("request_unreadable",),
    401: ("token_missing", "token_invalid"),
    403: ("scope_missing", "workspace_closed"),
    408: ("request_timeout",),
    413: ("too_large",),
    415: ("content_type_unknown",),
    429: ("rate_limited",),
    500: ("server_error",),
}
OF_ADDRESS = {404: ("not_found",)}
OF_PARAMETERS = {422: ("parameters_invalid",)}
OF_BODY = {400: ("request_unreadable", "json_invalid"), 507: ("storage_full",)}
OF_WRITING = {404: ("not_found",), 409: ("conflict", "busy", "key_in_use"), 422: ("parameters_invalid", "key_reused")}


def _add_problems(operation: dict[str, Any], path: str, method: str, own: Iterable[tuple[int, str]]) -> None:
    found: dict[int, tuple[str, ...]] = dict(ALWAYS)
    found |= OF_ADDRESS if "{" in path else {}
    found |= OF_PARAMETERS if operation["parameters"] else {}
    found |= OF_WRITING if method != "get" else {}
    found |= OF_BODY if method != "get" else {}
    for status, code in own:
        found[status] = tuple(dict.fromkeys((code, *found.get(status, ()))))
    for status, codes in sorted(found.items()):
        answer = operation["responses"].setdefault(str(status), {"description": problems.title(codes[0])})
        content = answer.setdefault("content", {}).setdefault(CONTENT_TYPE, {"schema": SCHEMA})
        content.setdefault("examples", {code: {"value": problems.document(status, code)} for code in codes})


def _link(made: dict[str, Any]) -> None:
    """Whatever is created or listed leads to the operations on it: /imports → /imports/{import_id}/…"""
    for path, method, operation in operations(made):
        if "{" in path:
            continue
        below = [
            (name, other)
            for address, _method, other in operations(made)
            if address.startswith(f"{path}/{{") and address.count("{") == 1
            for name in (address.partition("{")[2].partition("}")[0],)
        ]
        answer = operation["responses"].get("201") or operation["responses"].get("200") or {}
        schema = answer.get("content", {}).get(JSON, {}).get("schema", {})
        at = "id" if method == "post" else "results/0/id"
        if below and _has(schema, at, made["components"]["schemas"]):
            answer["links"] = {
                other["operationId"]: {
                    "operationId": other["operationId"],
                    "parameters": {name: f"$response.body#/{at}"},
                }
                for name, other in below
            }


def _has(schema: dict[str, Any], at: str, schemas: dict[str, Any]) -> bool:
    for step in at.split("/"):
        schema = resolved(schema, schemas)
        schema = schema.get("items", {}) if step == "0" else schema.get("properties", {}).get(step, {})
    return bool(schema)


def resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema behind its references."""
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        elif len(schema.get("allOf", ())) == 1:
            schema = {**schema["allOf"][0], **{key: value for key, value in schema.items() if key != "allOf"}}
        else:
            return schema


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of a schema, of the examples that its fields have."""
    if schema.get("examples"):
        return schema["examples"][0]
    schema = resolved(schema, schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for name in ("example", "const", "default"):
        if name in schema:
            return schema[name]
    if "enum" in schema:
        return schema["enum"][0]
    for kind in ("anyOf", "oneOf"):
        if kind in schema:
            return example(schema[kind][0], schemas)
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)] if schema.get("items") else []
    if "properties" in schema:
        return {name: example(inner, schemas) for name, inner in schema["properties"].items()}
    return {"object": {}, "string": "text", "integer": 1, "number": 1.5, "boolean": True}.get(schema.get("type", ""))
