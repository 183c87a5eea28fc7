"""A statement that fails: a whole page for the person, the true error in the log, and nothing written."""

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from contacts.models import Category
from tenants.isolation.context import tenant_context
from tenants.views import members, workspace
from tests.cast import Actor

STATEMENTS = {
    "no such table": "SELECT * FROM no_such_table",
    "not divisible": "SELECT 1 / (SELECT 0)",
    "no right": "TRUNCATE contact",
    "an assertion": "INSERT INTO category (tenant_id, name) VALUES (NULL, 'x')",
    "cut off": "SELECT pg_terminate_backend(pg_backend_pid())",
}


def breaking(monkeypatch: pytest.MonkeyPatch, module: Any, statement: str) -> None:
    """The view writes something, and then fails; and what it caught of it does not help."""

    def page(*_args: Any, **_kwargs: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    monkeypatch.setattr(module, "render_page", page)


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_failed_statement_gives_a_whole_page(
    alice: Actor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, htmx: bool
) -> None:
    breaking(monkeypatch, members, STATEMENTS[name])
    alice.client.raise_request_exception = False
    answer = alice.get("members/", headers={"HX-Request": "true"} if htmx else {})
    text = answer.content.decode()
    status, words = (
        (503, "The database does not answer") if name == "cut off" else (500, "Something went wrong on our side")
    )
    assert (answer.status_code, words in text, "</html>" in text) == (status, True, True)
    logged = [r.exc_info[1] for r in caplog.records if r.exc_info and r.name == "django.request"]
    assert len(logged) == 1
    assert isinstance(logged[0], DatabaseError)
    assert "current transaction is aborted" not in str(logged[0])
    connection.close()  # as it is after a request in a server's thread
    assert alice.get("imports/").status_code == 200


def test_a_broken_transaction_that_a_view_goes_on_with_is_rolled_back(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*_args: Any, **_kwargs: Any) -> Any:
        Category.objects.create(name="Half")
        try:
            Category.objects.raw("SELECT * FROM no_such_table")[0]
        except DatabaseError:
            return Category.objects.count()
        return None

    monkeypatch.setattr(workspace, "render_page", page)
    alice.client.raise_request_exception = False
    answer = alice.client.post(alice.url("notices/"))
    assert answer.status_code == 405
    answer = alice.get("notices/")
    assert answer.status_code == 500
    with tenant_context(alice.workspace.pk):
        assert not Category.objects.exists()


@pytest.mark.parametrize("value", ["a\0b", "\0"])
def test_what_cannot_be_stored_is_refused_in_words(alice: Actor, value: str) -> None:
    for answer in (
        alice.get("contacts/", data={"q": value}),
        alice.post("members/invite/", {"email": value, "role": "viewer"}),
        Client().post("/login/", {"login": value, "password": value}),
        Client().get("/login/", {"next": value}),
    ):
        assert (answer.status_code, "could not be read" in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("cookie", ["session", "csrf", "other"])
def test_a_cookie_with_nul_is_refused(cookie: str) -> None:
    answer = Client().get("/login/", headers={"cookie": f'{cookie}="aaaaaaaaaaaaaaaa\\000bbbb"'})
    assert answer.status_code == 400


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "rot13", "idna", "unicode_escape", "undefined", "x" * 100])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_forms_in_other_character_sets_are_refused(alice: Actor, charset: str, kind: str) -> None:
    answer = alice.client.generic("POST", alice.url("members/invite/"), b"email=a", f"{kind}; charset={charset}")
    assert (answer.status_code, "could not be read" in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("length", ["abc", "-5", "1e9", " "])
def test_a_length_that_is_none_is_no_fault(alice: Actor, length: str) -> None:
    alice.client.raise_request_exception = False
    answer = alice.client.post(alice.url("members/invite/"), {"email": "x"}, CONTENT_LENGTH=length)
    assert answer.status_code < 500
