"""Rows of a file by what became of them, as files that can be imported again."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from contacts.models import Contact
from imports.files import splitter
from imports.models import Import
from imports.results import outcome_download
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import again, bring

FIRST = "email,first_name,city\nann@example.com,Ann,Riga\nbob@example.com,Bob,Oslo\ngone@example.com,Gone,Bergen\n"
# Created (two), updated, unchanged, empty, skipped (deleted), joined, in error; formulas, quotes and line breaks.
SECOND = (
    "email,first_name,city\n"
    '+new@example.com,=Nova,"Sigulda, ""old"" town"\n'
    "ann@example.com,Anna,Riga\n"
    "bob@example.com,Bob,Oslo\n"
    ",,\n"
    "gone@example.com,Back,Again\n"
    'twice@example.com,Tove,"Two\nlines"\n'
    "twice@example.com,Tove,\n"
    "nobody,Nemo,Sea\n"
    "zoe@example.com,Zoë,Gävle\n"
)
OUTCOMES = ("created", "updated", "unchanged", "duplicates", "skipped")


def rows(actor: Actor, imp: Import, outcome: str) -> list[dict[str, str]]:
    answer = actor.get(f"imports/{imp.pk}/rows/{outcome}.csv")
    assert answer.status_code == 200, outcome
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode(), newline="")))


def path_of(imp: Import) -> Path:
    return Path(settings.UPLOAD_DIR) / imp.path


@pytest.fixture(params=["utf-8", "latin-1", "utf-16"])
def done(alice: Actor, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Import:
    bring(alice.workspace, FIRST)
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(email="gone@example.com").update(deleted_at="2026-01-01T00:00Z", deleted_reason="person")
    content = SECOND.encode(request.param)
    monkeypatch.setattr(
        splitter.plan_units, "__kwdefaults__", {**(splitter.plan_units.__kwdefaults__ or {}), "unit_bytes": 60}
    )
    # One letter beyond ASCII can be read in several ways.
    imp = bring(alice.workspace, content, user=alice.user, encoding=request.param if request.param == "latin-1" else "")
    assert imp.status == "imported"
    return imp


def test_every_row_stands_in_the_file_of_its_outcome(alice: Actor, done: Import) -> None:
    found = {outcome: rows(alice, done, outcome) for outcome in OUTCOMES if getattr(done, outcome)}
    assert {o: len(r) for o, r in found.items()} == {o: getattr(done, o) for o in found}
    lines = [int(row["Line in file"]) for r in found.values() for row in r]
    assert sorted(lines) == [2, 3, 4, 6, 7, 9, 11]
    (updated,) = found["updated"]
    assert (updated["email"], updated["Changed fields"]) == ("ann@example.com", "First name")
    assert [row["email"] for row in found["unchanged"]] == ["bob@example.com"]
    assert found["duplicates"][0]["Code"] == "duplicate_of_line"
    assert "line" in found["duplicates"][0]["Reason"]
    assert found["created"][0]["city"] == 'Sigulda, "old" town'
    assert found["created"][0]["first_name"] == "'=Nova", "no spreadsheet runs it"


def test_what_was_downloaded_imports_back_unchanged(alice: Actor, done: Import) -> None:
    with tenant_context(alice.workspace.pk):
        before = list(Contact.objects.order_by("pk").values())
    for outcome in ("created", "updated", "unchanged"):
        content = alice.get(f"imports/{done.pk}/rows/{outcome}.csv").getvalue()
        back = bring(alice.workspace, content)
        assert (back.status, back.unchanged, back.rows) == ("imported", getattr(done, outcome), getattr(done, outcome))
    with tenant_context(alice.workspace.pk):
        assert list(Contact.objects.order_by("pk").values()) == before


def test_the_copy_is_gone_afterwards(alice: Actor, done: Import) -> None:
    folder = path_of(done).parent
    before = sorted(folder.iterdir())
    answer = alice.get(f"imports/{done.pk}/rows/created.csv")
    stream = iter(answer.streaming_content)
    next(stream)
    assert sorted(folder.iterdir()) == before, "it has no name while it is read"
    answer.close()


def test_a_file_that_has_gone_is_told(alice: Actor, done: Import) -> None:
    path_of(done).unlink()
    answer = alice.get(f"imports/{done.pk}/rows/created.csv")
    assert answer.status_code == 410
    assert "The file is no longer stored" in answer.content.decode()


def test_only_what_is_there_and_allowed_is_offered(alice: Actor, member: Any) -> None:
    imp = bring(alice.workspace, "email\na@example.com\n", user=alice.user)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert f"imports/{imp.pk}/rows/created.csv" in page
    assert "rows/updated.csv" not in page
    assert alice.get(f"imports/{imp.pk}/rows/updated.csv").status_code == 404
    assert alice.get(f"imports/{imp.pk}/rows/nonsense.csv").status_code == 404
    ops = member("ops")
    assert ops.get(f"imports/{imp.pk}/rows/created.csv").status_code == 404
    assert "rows/created.csv" not in ops.get(f"imports/{imp.pk}/").content.decode()


def test_of_a_failed_import_only_what_was_written_is_sure(alice: Actor) -> None:
    imp = again(alice.workspace, bring(alice.workspace, "email\na@example.com\n"))
    imp.status = "failed"
    assert outcome_download.offered(imp, dict.fromkeys(OUTCOMES, 3)) == ["created", "updated"]
