"""A request that names itself is worked on once; its answer is given again for a day."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from api import idempotency, middleware
from api.models import StoredAnswer
from api.routes import imports as routes
from imports.models import Import
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.cast import Actor
from tests.tenants.simultaneous import together

FILE = "email\nann@x.example\n"


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


def upload(sync: Program, key: str, content: str = FILE, **fields: Any) -> Any:
    form = {"file": SimpleUploadedFile("crm.csv", content.encode()), **fields}
    return sync.form("imports", form, Idempotency_Key=key)


def count(sync: Program) -> int:
    with tenant_context(sync.workspace.pk):
        return Import.objects.count()


def test_the_first_answer_is_given_again_byte_by_byte(sync: Program) -> None:
    first, second = upload(sync, "night-1"), upload(sync, "night-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert (first.headers.get("Idempotency-Replayed"), second.headers["Idempotency-Replayed"]) == (None, "true")
    assert count(sync) == 1
    assert upload(sync, "night-2").headers.get("Idempotency-Replayed") is None
    assert count(sync) == 2


def test_a_raw_body_is_known_again(sync: Program) -> None:
    answers = [
        sync.call("POST", "imports", data=FILE, content_type="text/csv", headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert count(sync) == 1
    other = sync.call("POST", "imports", data=FILE + "b@x.example\n", content_type="text/csv",
                      headers={"Idempotency-Key": "k"})  # fmt: skip
    assert problem(other) == (422, "key_reused")


@pytest.mark.parametrize("change", ["content", "field", "address", "type"])
def test_a_key_stands_for_one_request(sync: Program, change: str) -> None:
    upload(sync, "k")
    if change == "content":
        answer = upload(sync, "k", FILE + "b@x.example\n")
    elif change == "field":
        answer = upload(sync, "k", mode="update_only")
    elif change == "address":
        with tenant_context(sync.workspace.pk):
            pk = Import.objects.get().pk
        answer = sync.post(f"imports/{pk}/cancel", {}, Idempotency_Key="k")
    else:
        answer = sync.call("POST", "imports", data=FILE, content_type="text/csv", headers={"Idempotency-Key": "k"})
    assert problem(answer) == (422, "key_reused")
    assert count(sync) == 1


def test_what_was_refused_may_be_tried_again(sync: Program) -> None:
    assert problem(upload(sync, "k", mode="nonsense")) == (422, "setting_invalid")
    assert upload(sync, "k").status_code == 201


def test_what_failed_may_be_tried_again(sync: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(routes, "detailed", lambda *_args: 1 / 0)
        assert problem(upload(sync, "k")) == (500, "server_error")
    assert count(sync) == 0
    assert upload(sync, "k").status_code == 201


def test_tokens_and_workspaces_have_keys_of_their_own(alice: Actor, charlie: Actor, sync: Program) -> None:
    upload(sync, "k")
    for other in (program(alice, name="Second"), program(charlie)):
        assert upload(other, "k").headers.get("Idempotency-Replayed") is None


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb"])
def test_a_key_that_is_none_is_refused(sync: Program, key: str) -> None:
    assert problem(upload(sync, key)) == (422, "key_invalid")
    assert count(sync) == 0


def test_a_key_is_free_again_after_a_day(sync: Program) -> None:
    upload(sync, "k")
    with tenant_context(sync.workspace.pk):
        now = timezone.now()
        assert idempotency.forget(now=now + timedelta(hours=23)) == 0
        StoredAnswer.objects.update(created_at=now - timedelta(hours=25))
    assert upload(sync, "k", mode="update_only").headers.get("Idempotency-Replayed") is None
    assert upload(sync, "k", mode="update_only").headers["Idempotency-Replayed"] == "true"
    with tenant_context(sync.workspace.pk):
        assert idempotency.forget(now=now + timedelta(hours=25)) == 1
        assert not StoredAnswer.objects.exists()


def test_reading_needs_no_key_and_stores_none(sync: Program) -> None:
    assert sync.call("GET", "imports", headers={"Idempotency-Key": "k"}).status_code == 200
    with tenant_context(sync.workspace.pk):
        assert not StoredAnswer.objects.exists()


def test_many_at_once_make_one(sync: Program) -> None:
    answers: list[Any] = together([lambda: upload(sync, "together")] * 6)
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotency-Replayed", "") for answer in answers) == ["", *["true"] * 5]
    assert count(sync) == 1


def test_one_that_is_still_running_is_said(sync: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is in the middle of its work until the second was told so."""
    inside, told = threading.Event(), threading.Event()
    plain = routes.detailed

    def slow(request: Any, imp: Import) -> dict[str, Any]:
        inside.set()
        assert told.wait(20)
        return plain(request, imp)

    monkeypatch.setattr(middleware, "WAIT_SECONDS", 1)
    monkeypatch.setattr(routes, "detailed", slow)
    answers: list[Any] = []

    def first() -> None:
        try:
            answers.append(upload(sync, "k"))
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    second = upload(sync, "k")
    told.set()
    thread.join(30)
    assert problem(second) == (409, "key_in_use")
    assert second.headers["Retry-After"] == "2"
    assert answers[0].status_code == 201
    assert upload(sync, "k").content == answers[0].content
