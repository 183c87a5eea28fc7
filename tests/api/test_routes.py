"""Every operation of the API, whoever adds it: one scope, a token, and nothing of another workspace."""

import re
from typing import Any

import pytest
from django.test import Client

from api.scopes import SCOPES, Scope
from api.urls import urlpatterns
from contacts.models import Contact
from tenants.isolation.base import TenantModel
from tenants.isolation.context import tenant_context
from tenants.roles import PERMISSIONS
from tests.api.helpers import Program, problem, program
from tests.cast import actor
from tests.imports.helpers import bring
from tests.tenants.isolation.test_isolation import CSV, fill

Route = tuple[str, str, Any]


def operations() -> list[Route]:
    """(method, path with placeholders, operation) of every operation."""
    return [
        (method, str(pattern.pattern), operation)
        for pattern in urlpatterns
        for operation in getattr(pattern.callback, "operations", ())
        for method in operation.methods
    ]


ALL = operations()
NUMBERED = [(method, path) for method, path, _operation in ALL if "<int:" in path]
LISTS = [path for method, path, _operation in ALL if "<" not in path and method == "GET"]
# What stands in addresses beside numbers.
WORDS = {"outcome": "created", "kind": "email"}


def concrete(path: str, number: int) -> str:
    path = re.sub(r"<int:\w+>", str(number), path.removeprefix("v1/"))
    return re.sub(r"<(?:str:)?(\w+)>", lambda found: WORDS.get(found[1], "x"), path)


def send(who: Program, method: str, path: str, body: str = "{}") -> Any:
    return who.call(method, path, data="" if method == "GET" else body, content_type="application/json")


def test_every_scope_is_for_something() -> None:
    """A scope that no operation asks for would be a promise: the last one is asked for inside of operations."""
    asked = {operation.auth_callbacks[0].permission for _method, _path, operation in ALL}
    assert set(SCOPES) == asked | {"imports.revive"}


@pytest.fixture(autouse=True)
def _no_limit(settings: Any) -> None:
    """A program of these tests sends more in a minute than one may."""
    settings.API_REQUESTS_PER_MINUTE = 0


@pytest.fixture(scope="module")
def full() -> Program:
    """A program in a workspace with rows in every table."""
    alice = actor("Alice")
    bring(alice.workspace, CSV, segment="Everybody", user=alice.user)
    with tenant_context(alice.workspace.pk):
        fill(alice)
    return program(alice)


@pytest.fixture(scope="module")
def stranger() -> Program:
    return program(actor("Charlie"))


@pytest.mark.parametrize(("method", "path", "operation"), ALL, ids=[f"{m} {p}" for m, p, _o in ALL])
def test_an_operation_declares_one_scope_and_answers_no_other(
    full: Program, method: str, path: str, operation: Any
) -> None:
    scopes = operation.auth_callbacks
    assert [type(scope) for scope in scopes] == [Scope], f"{method} {path}: auth=Scope(…)"
    assert scopes[0].permission in PERMISSIONS
    at = f"/api/v1/{concrete(path, 1)}"
    assert problem(Client().generic(method, at)) == (401, "token_missing")
    wrong = {"Authorization": f"Bearer {full.text[:-1]}{'a' if full.text[-1] != 'a' else 'b'}"}
    assert problem(Client().generic(method, at, headers=wrong)) == (401, "token_invalid")
    others = sorted(set(full.token.scopes) - {scopes[0].permission})
    with tenant_context(full.workspace.pk):
        type(full.token).objects.filter(pk=full.token.pk).update(scopes=others)
    try:
        refused = send(full, method, concrete(path, 1))
    finally:
        with tenant_context(full.workspace.pk):
            type(full.token).objects.filter(pk=full.token.pk).update(scopes=full.token.scopes)
    assert problem(refused) == (403, "scope_missing")
    assert refused.json()["scope"] == scopes[0].permission


def ids_of(full: Program) -> list[int]:
    from django.apps import apps

    models: list[Any] = [m for m in apps.get_models() if issubclass(m, TenantModel)]
    with tenant_context(full.workspace.pk):
        return sorted({m.objects.values_list("pk", flat=True)[0] for m in models if m._meta.pk.name == "id"})


@pytest.mark.parametrize(("method", "path"), NUMBERED)
def test_foreign_ids_find_nothing(full: Program, stranger: Program, method: str, path: str) -> None:
    """A number of another workspace is answered like one that nobody has; or, before anything is looked for, 4xx for the
    body."""
    for number in ids_of(full):
        found = send(stranger, method, concrete(path, number))
        nothing = send(stranger, method, concrete(path, 999_999_999))
        assert found.status_code in (404, 422), (path, number, found.content)
        assert (found.status_code, found.content) == (nothing.status_code, nothing.content)


@pytest.mark.parametrize("path", LISTS)
def test_no_list_of_another_workspace_shows_foreign_rows(full: Program, stranger: Program, path: str) -> None:
    answer = stranger.get(concrete(path, 1))
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert b"ann@example.com" not in content or "template" in path
    assert full.workspace.slug.encode() not in content


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p, _o in ALL])
@pytest.mark.parametrize("body", ["", "null", "[]", '"x"', "1", '{"x": 1}', "{", "[[[[", '{"\\u0000": 1}'])
def test_no_body_is_a_fault_of_ours(stranger: Program, method: str, path: str, body: str) -> None:
    answer = send(stranger, method, concrete(path, 10**9), body)
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400:
        problem(answer)


@pytest.mark.parametrize("path", sorted({p for _m, p, _o in ALL}))
def test_numbers_that_no_row_has_and_methods_that_no_address_has(stranger: Program, path: str) -> None:
    for number in (0, 2**63 - 1, 2**63, 10**40):
        answer = stranger.get(concrete(path, number))
        assert answer.status_code in (200, 404, 405, 422), (number, answer.content)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"):
        if not any(p == path and m == method for m, p, _o in ALL):
            assert problem(send(stranger, method, concrete(path, 1))) == (405, "method_not_allowed")


def test_nothing_was_written_by_the_stranger(full: Program) -> None:
    with tenant_context(full.workspace.pk):
        assert Contact.objects.living().filter(email="ann@example.com").exists()
