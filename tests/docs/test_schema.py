"""docs/schema.sql is what the migrations make, and the command sees when it is not."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from cdp.management.commands import schema


def test_the_page_is_up_to_date() -> None:
    errors = StringIO()
    try:
        call_command("schema", "--check", stderr=errors)
    except SystemExit:
        pytest.fail(f"run `make schema`:\n{errors.getvalue()}")


def test_a_difference_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "schema.sql"
    monkeypatch.setattr(schema, "PAGE", page)
    call_command("schema")
    text = page.read_text()
    call_command("schema", "--check")
    page.write_text(text.replace("ALTER TABLE contact FORCE ROW LEVEL SECURITY;\n", ""))
    errors = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("schema", "--check", stderr=errors)
    assert ended.value.code == 1
    assert "+ALTER TABLE contact FORCE ROW LEVEL SECURITY;" in errors.getvalue()


def test_a_page_that_is_missing_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(schema, "PAGE", tmp_path / "schema.sql")
    with pytest.raises(SystemExit):
        call_command("schema", "--check", stderr=StringIO())
