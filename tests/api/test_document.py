"""The OpenAPI document: valid, complete, with an example for every request, answer and problem."""

import json
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from api import problems
from api.document import TAGS, document, operations
from api.scopes import SCOPES

ALL = [(method, path, operation) for path, method, operation in operations(document())]
NAMES = [f"{method} {path}" for method, path, _operation in ALL]


def test_it_is_sent_without_a_token() -> None:
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")
    assert answer.json() == json.loads(json.dumps(document(), default=str))
    assert Client().post("/api/v1/openapi.json").status_code == 405


def test_it_is_valid() -> None:
    import jsonschema_rs
    from schemathesis.specs.openapi.definitions import OPENAPI_31

    jsonschema_rs.validate(OPENAPI_31, Client().get("/api/v1/openapi.json").json())


def test_operations_have_names_of_their_own() -> None:
    assert [name for name, n in Counter(o["operationId"] for _m, _p, o in ALL).items() if n > 1] == []
    assert {tag for _m, _p, o in ALL for tag in o["tags"]} <= set(TAGS)


def test_schemas_have_names_of_their_own() -> None:
    """Of two with one name, the document would have the last alone."""
    from api.schemas import Input, Output

    known: list[type] = [Input, Output]
    for kind in known:
        known += kind.__subclasses__()
    named = Counter(
        kind.__name__ for kind in set(known) if kind.__module__.startswith("api.") and "[" not in kind.__name__
    )
    assert [name for name, n in named.items() if n > 1] == []


def examples(content: dict[str, Any]) -> list[Any]:
    return [content["example"]] if "example" in content else [e["value"] for e in content.get("examples", {}).values()]


@pytest.mark.parametrize(("method", "path", "operation"), ALL, ids=NAMES)
def test_an_operation_is_told_whole(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["x-scope"] in SCOPES
    for parameter in operation["parameters"]:
        assert parameter["in"] == "path" or parameter.get("description"), parameter["name"]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        assert examples(content), kind
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items():
            assert kind == "text/csv" or examples(content), (status, kind)
    assert {"401", "403", "429"} <= set(operation["responses"])


def fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(schema.get("properties", {}).items())


@pytest.mark.parametrize("name", sorted(document()["components"]["schemas"]))
def test_every_field_has_an_example(name: str) -> None:
    """Of its own, or of the schema that it is made of; a word of a list and a yes or no need none."""
    schemas = document()["components"]["schemas"]
    open_ones = [
        field
        for field, schema in fields(schemas[name], schemas)
        if not any(key in schema for key in ("examples", "example", "$ref", "allOf", "enum", "const", "default"))
        and schema.get("type") != "boolean"
        and "$ref" not in schema.get("items", {})
        and not any("$ref" in one or "examples" in one for one in schema.get("anyOf", ()))
    ]
    assert open_ones == []


def test_examples_are_what_the_schemas_say() -> None:
    import jsonschema

    whole = document()
    for _method, path, operation in ALL:
        contents = [*operation.get("requestBody", {}).get("content", {}).items()]
        contents += [pair for answer in operation["responses"].values() for pair in answer.get("content", {}).items()]
        for kind, content in contents:
            if "json" not in kind:
                continue
            schema = {**content["schema"], "components": whole["components"]}
            for value in examples(content):
                jsonschema.validate(json.loads(json.dumps(value, default=str)), schema), path


def test_problems_have_words() -> None:
    for code, kind in problems.KINDS.items():
        assert 400 <= kind.status < 600, code
        assert kind.title
        assert kind.remedy.endswith("."), code
