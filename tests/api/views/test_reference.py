"""The reference page: every operation and every problem, for anybody, without anything of a workspace."""

from django.test import Client

from api import problems, reference
from api.document import document, operations
from tests.imports.helpers import flat


def test_every_operation_and_problem_has_its_place() -> None:
    answer = Client().get("/api/")
    assert answer.status_code == 200
    page = answer.content.decode()
    for path, _method, operation in operations(document()):
        assert f'id="{operation["operationId"]}"' in page
        assert path in page
    for code in problems.KINDS:
        assert f'id="problem-{code}"' in page
    assert "<script" not in page.replace("<script src", "")
    assert Client().post("/api/").status_code == 405


def test_examples_are_commands() -> None:
    commands = {
        operation["id"]: operation["command"] for section in reference.sections() for operation in section["operations"]
    }
    assert commands["read_import"] == (
        "curl 'http://127.0.0.1:8000/api/v1/imports/17' \\\n  -H \"Authorization: Bearer $TOKEN\""
    )
    assert "-F 'file=@contacts.csv'" in commands["create_import"]
    assert "-X POST" in commands["correct_rows"]
    assert "-d '{" in commands["correct_rows"]


def test_fields_are_told_with_their_places() -> None:
    errors = next(o for s in reference.sections() for o in s["operations"] if o["id"] == "list_errors")
    names = {field["name"]: field for field in errors["answer_fields"]}
    assert names["results[].problems[].code"]["type"] == "string"
    status = next(o for s in reference.sections() for o in s["operations"] if o["id"] == "list_imports")
    given = {parameter["name"]: parameter for parameter in status["parameters"]}
    assert "imported" in given["status"]["values"]
    assert given["cursor"]["words"].startswith("<code>next</code>")


def test_anchors_are_unique() -> None:
    import re

    page = Client().get("/api/").content.decode()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))


def test_the_changelog_begins_with_this_version() -> None:
    assert reference.CHANGELOG[0][0] == document()["info"]["version"]
    assert reference.CHANGELOG[0][0] in flat(Client().get("/api/").content.decode())
