"""Rows in error by the API: read, corrected, imported again; rows by their outcome."""

import csv
import io
from typing import Any

import pytest

from contacts.models import Contact
from imports.models import Import, RejectedRow
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.cast import Actor
from tests.imports.helpers import bring, work

FILE = "email,city\nann@x.example,Riga\nben@gmial,Oslo\ncleo@gmial,Bonn\nnothing,Paris\n"


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


@pytest.fixture
def imp(sync: Program) -> Import:
    return bring(sync.workspace, FILE, user=sync.user)


def streamed(response: Any) -> list[list[str]]:
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_rows_in_error_are_listed_page_by_page(sync: Program, imp: Import) -> None:
    path = f"imports/{imp.pk}/errors"
    first = sync.get(path, limit=2).json()
    second = sync.get(path, limit=2, cursor=first["next"]).json()
    lines = [row["line"] for row in first["results"] + second["results"]]
    assert (lines, second["next"]) == ([3, 4, 5], None)
    row = first["results"][0]
    assert row["values"] == {"email": "ben@gmial", "city": "Oslo"}
    assert (row["problems"][0]["column"], row["problems"][0]["code"]) == ("email", "email_domain_incomplete")
    assert (row["corrected"], row["ready"], row["retried_in"], row["contacts"]) == (False, False, None, [])
    assert sync.get(path, code="not_a_phone").json()["results"] == []
    assert len(sync.get(path, column="email").json()["results"]) == 3
    assert problem(sync.get(path, column="nope")) == (422, "parameters_invalid")


def test_rows_are_corrected_and_imported_again(sync: Program, imp: Import) -> None:
    body = {"rows": [{"line": 3, "values": {"email": "ben@gmail.com"}}, {"line": 4, "values": {"email": "bad"}}]}
    rows = sync.post(f"imports/{imp.pk}/corrections", body).json()["results"]
    assert [(row["line"], row["corrected"], row["ready"]) for row in rows] == [(3, True, True), (4, True, False)]
    made = sync.post(f"imports/{imp.pk}/retry")
    assert made.status_code == 201
    assert (made.json()["parent_id"], made.json()["origin"]) == (imp.pk, "mended")
    with tenant_context(sync.workspace.pk):
        retried = Import.objects.get(pk=made.json()["id"])
    assert work(sync.workspace, retried).created == 1
    with tenant_context(sync.workspace.pk):
        assert set(Contact.objects.values_list("email", flat=True)) == {"ann@x.example", "ben@gmail.com"}
    again = sync.get(f"imports/{imp.pk}/errors").json()["results"][0]
    assert again["retried_in"] == retried.pk
    assert problem(sync.post(f"imports/{imp.pk}/retry")) == (409, "conflict")


def test_one_change_in_many_cells(sync: Program, imp: Import) -> None:
    path = f"imports/{imp.pk}/replace"
    assert sync.post(path, {"column": "email", "find": "@gmial", "put": "@gmail.com"}).json() == {"changed": 2}
    assert sync.post(path, {"column": "email", "find": "@gmial", "put": "@gmail.com"}).json() == {"changed": 0}
    assert problem(sync.post(path, {"column": "x", "find": "a", "put": "b"})) == (422, "parameters_invalid")


REFUSED: list[Any] = [
    {},
    {"rows": []},
    {"rows": [{"line": 2, "values": {"email": "a@x.example"}}]},
    {"rows": [{"line": 0}]},
    {"rows": [{"line": 2**31}]},
    {"rows": [{"line": 2**70}]},
    {"rows": [{"line": 3, "values": {"nope": "x"}}]},
    {"rows": [{"line": 3, "values": {"email": 7}}]},
    {"rows": [{"line": 3, "values": {"email": None}}]},
    {"rows": [{"line": 3, "contact": 1}]},
    {"rows": [{"line": 3, "contact": 2**63}]},
    {"rows": [{"line": 3, "surplus": 1}]},
    {"rows": [{"line": 3}] * 201},
    [],
    "x",
    None,
    {"rows": [{"line": 3, "values": {"email": "ok@x.example"}}, {"line": 99}]},
]


@pytest.mark.parametrize("body", REFUSED, ids=lambda v: str(v)[:40])
def test_corrections_are_all_stored_or_none(sync: Program, imp: Import, body: Any) -> None:
    assert problem(sync.post(f"imports/{imp.pk}/corrections", body)) == (422, "parameters_invalid")
    with tenant_context(sync.workspace.pk):
        assert not RejectedRow.objects.exclude(fixed=None).exists()


@pytest.mark.parametrize(
    ("raw", "kind", "expected"),
    [
        (b"", "application/json", (422, "parameters_invalid")),
        (b"{", "application/json", (400, "json_invalid")),
        (b"\xff\xfe", "application/json", (400, "json_invalid")),
        (b"NaN", "application/json", (400, "json_invalid")),
        (b'{"rows": [Infinity]}', "application/json", (400, "json_invalid")),
        (b"[" * 100_000, "application/json", (400, "json_invalid")),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "application/json", (400, "json_invalid")),
        (b'{"rows": [{"line": 3, "values": {"email": "a\\u0000b"}}]}', "application/json", (400, "request_unreadable")),
        (b'{"rows": [{"line": 3, "values": {"email": "\\ud83d"}}]}', "application/json", (400, "request_unreadable")),
        (b'{"rows": [{"line": 3, "values": {"\\udc00": "a"}}]}', "application/json", (400, "request_unreadable")),
        (b'{"rows": [{"line": 1e400}]}', "application/json", (422, "parameters_invalid")),
        (b'{"rows": [{"line": 3.5}]}', "application/json", (422, "parameters_invalid")),
        (b"{}", "text/plain", (415, "content_type_unknown")),
        (b"rows=1", "application/x-www-form-urlencoded", (415, "content_type_unknown")),
        (b"{}", "application/json; charset=latin-1", (415, "content_type_unknown")),
        (b"{}", "application/json; charset=nonsense", (415, "content_type_unknown")),
    ],
    ids=lambda v: str(v)[:40],
)
def test_hostile_bodies_are_refused(
    sync: Program, imp: Import, raw: bytes, kind: str, expected: tuple[int, str]
) -> None:
    answer = sync.call("POST", f"imports/{imp.pk}/corrections", data=raw, content_type=kind)
    assert problem(answer) == expected


def test_rows_of_an_import_that_was_undone_stay_as_they_are(sync: Program, imp: Import) -> None:
    sync.post(f"imports/{imp.pk}/undo")
    work(sync.workspace, imp)
    body = {"rows": [{"line": 3, "values": {"email": "ben@gmail.com"}}]}
    assert problem(sync.post(f"imports/{imp.pk}/corrections", body)) == (409, "conflict")


def test_correcting_needs_both_scopes(alice: Actor, imp: Import) -> None:
    narrow = program(alice, "imports.run", name="Blind")
    answer = narrow.post(f"imports/{imp.pk}/corrections", {"rows": [{"line": 3}]})
    assert problem(answer) == (403, "scope_missing")
    assert answer.json()["scope"] == "imports.rows"


def test_rows_as_csv(sync: Program, imp: Import) -> None:
    errors = streamed(sync.get(f"imports/{imp.pk}/errors.csv"))
    assert [row[0] for row in errors] == ["email", "ben@gmial", "cleo@gmial", "nothing"]
    created = streamed(sync.get(f"imports/{imp.pk}/rows/created.csv"))
    assert [row[:2] for row in created] == [["email", "city"], ["ann@x.example", "Riga"]]
    assert problem(sync.get(f"imports/{imp.pk}/rows/updated.csv")) == (404, "not_found")
    assert problem(sync.get(f"imports/{imp.pk}/rows/everything.csv")) == (422, "parameters_invalid")


def test_a_file_that_is_deleted_is_gone(sync: Program, imp: Import) -> None:
    from django.utils import timezone

    from imports import cleanup

    with tenant_context(sync.workspace.pk):
        cleanup.remove_file(Import.objects.get(pk=imp.pk), timezone.now())
    assert problem(sync.get(f"imports/{imp.pk}/rows/created.csv")) == (410, "file_missing")
