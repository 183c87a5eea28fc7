"""Log lines: as JSON or for people, with ids, and without anything that belongs to a person."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import structlog
from django.db import DatabaseError, connection, transaction
from django.test import Client, override_settings
from hypothesis import example, given
from hypothesis import strategies as st

from core import logs
from imports.pipeline import unit_work
from tenants.isolation.context import tenant_context
from tests.api.helpers import program
from tests.cast import Actor
from tests.imports.helpers import bring

MARK = "zebrafink"
EMAIL, PHONE = f"{MARK}@example.com", "+44 7911 555123"
Lines = Callable[[], str]


@pytest.fixture(params=["json", "text"])
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """Everything that is logged at any level, as the setting would write it; "json" and "text"."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Formatter(style=request.param))
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(before)


def logger() -> logging.Logger:
    return logging.getLogger("tests.logs")


def test_json_has_the_ids_of_the_work() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Formatter(style="json"))
    logger().addHandler(handler)
    try:
        with structlog.contextvars.bound_contextvars(workspace=3, **{"import": 17}):
            logger().warning("unit %s given up", 4)
    finally:
        logger().removeHandler(handler)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["workspace"], line["import"], line["level"]) == ("unit 4 given up", 3, 17, "warning")
    assert line["logger"] == "tests.logs"


def test_a_context_of_a_workspace_is_named(lines: Lines, alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        logger().warning("inside")
    logger().warning("outside")
    inside, outside = lines().splitlines()
    assert str(alice.workspace.pk) in inside
    assert "workspace" in inside
    assert "workspace" not in outside


def test_a_failing_statement_is_logged_without_its_values(lines: Lines, alice: Actor) -> None:
    try:
        with tenant_context(alice.workspace.pk), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [EMAIL])
    except DatabaseError:
        logger().exception("a statement failed")
    text = lines()
    assert MARK not in text
    assert "DataError: 22P02" in text
    assert "test_logs.py" in text


def test_errors_as_arguments_are_described(lines: Lines) -> None:
    logger().warning("not stored: %s", ValueError(f"could not convert '{MARK} Smith' to a date"))
    logger().warning("not stored: %s", psycopg.errors.UniqueViolation(f"Key (email)=({EMAIL}) already exists"))
    assert MARK not in lines()
    assert "ValueError: could not convert … to a date" in lines()


@example(email="aaaaaa=@example.com", phone="0000000000")
@given(st.emails(), st.from_regex(r"\+?[0-9]{3} ?[0-9]{3} ?[0-9]{4}", fullmatch=True))
def test_addresses_and_numbers_are_masked(email: str, phone: str) -> None:
    local = email.rpartition("@")[0]
    shown = logs.mask(f"mail to {email} or {phone}")
    assert phone not in shown
    assert len(local) < 6 or email not in shown


def test_times_and_small_numbers_stay() -> None:
    assert logs.mask("import 17 of workspace 3: 1,204 rows in 6.3 s") == "import 17 of workspace 3: 1,204 rows in 6.3 s"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="LOG_FORMAT is xml"):
        logs.config(style="xml", level="INFO")


def test_no_value_of_a_person_is_in_any_line(lines: Lines, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import with failing cells, one with a failing part, a form, a search, a call of the API and a page that breaks."""
    rows = f"email,phone,first_name\n{EMAIL},{PHONE},{MARK}\nnot-{MARK},07911,{MARK}\n{EMAIL},{PHONE},Other\n"
    bring(alice.workspace, rows, user=alice.user)

    def fails(*_of: Any) -> dict[str, Any]:
        raise LookupError(f"cannot work on {EMAIL!r} of {MARK!r}")

    monkeypatch.setitem(unit_work.WORK, "parse", fails)
    with pytest.raises(LookupError):
        bring(alice.workspace, rows.replace("Other", "Another"), user=alice.user)
    monkeypatch.undo()
    logger().exception("unit", exc_info=LookupError(f"cannot work on {EMAIL!r} of {MARK!r}"))
    alice.post("contacts/new/", {"email": f"{MARK}@", "phone": "x", "first_name": MARK})
    alice.post("contacts/new/", {"email": EMAIL, "first_name": MARK})
    alice.get(f"contacts/?q={MARK}")
    items = [{"email": f"{MARK}@", "first_name": MARK}, {"email": EMAIL, "phone": PHONE, "first_name": MARK}]
    assert program(alice).post("contacts/bulk", {"contacts": items}).status_code == 200
    assert Client(headers={"Authorization": f"Bearer {MARK}"}).get("/api/v1/contacts").status_code == 401
    alice.client.raise_request_exception = False
    with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=False):
        monkeypatch.setattr("contacts.views.listing.render_page", fails)
        assert alice.get("contacts/").status_code == 500
    text = lines()
    assert text, "nothing was logged: this could not fail"
    assert MARK not in text.lower()
    assert "555123" not in text
    assert "LookupError" in text
