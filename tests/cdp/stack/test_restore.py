"""A backup comes back whole, or not at all and with a sentence."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from cdp.stack import backup
from cdp.stack.machine import StartError
from cdp.stack.restore import read, restore
from cdp.stack.stack import RESTORING, Stack
from tests.cdp.stack.test_backup import asked, home, manage, no_servers_named, written
from tests.servers import throw_away

__all__ = ["home", "no_servers_named", "written"]
pytestmark = pytest.mark.faults
POLICIES = (
    "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text, c.relowner::regrole::text, p.polname "
    "FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid ORDER BY 1, 6"
)


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "new"
    throw_away(tmp_path / "new")


def test_everything_comes_back(home: Path, written: Path, new: Path) -> None:
    with backup.opened(home) as place:
        policies = asked(place.database, POLICIES)
    done = manage("restore", written, "--home", new)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["hits"] == 5_002
    assert (new / "secret").read_text() == "the secret of this home"
    assert (new / "uploads" / "1" / "people.csv").read_bytes() == b"email\njos\xc3\xa9@example.com\n"
    with backup.opened(new) as place:
        assert asked(place.database, "SELECT slug, name FROM tenant") == [("a", "Åse")]
        assert asked(place.database, POLICIES) == policies
        assert len(policies) > 30
        with redis.Redis.from_url(place.valkey) as client:
            assert (client.xlen(backup.STREAM), client.get("cdp:inbox:hits")) == (2_501, b"5002")
            assert client.xrange(backup.STREAM, count=1) == [(b"1-1", {b"h": '[1, "é"]'.encode(), b"n": b"2"})]
            assert client.hgetall("cdp:drops:1:1") == {b"bot": b"7"}
    again = manage("restore", written, "--home", new)
    assert (again.returncode, "has data already" in again.stderr) == (1, True)


def test_a_restore_that_was_broken_off_starts_no_stack_and_is_done_again(
    written: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_arguments: Any) -> None:
        raise StartError("killed here")

    with monkeypatch.context() as patched:
        patched.setattr("cdp.stack.restore._restore_inbox", killed)
        with pytest.raises(StartError, match="killed here"):
            restore(written, new)
    assert (new / RESTORING).exists()
    with pytest.raises(StartError, match="did not finish"):
        Stack(new, port=8000, workers=1, demo=False)
    restore(written, new)
    assert not (new / RESTORING).exists()
    Stack(new, port=8000, workers=1, demo=False)
    with backup.opened(new) as place:
        assert asked(place.database, "SELECT slug FROM tenant") == [("a",)]


def _change(text: str, to: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        note = (folder / "backup.json").read_text()
        assert text in note
        (folder / "backup.json").write_text(note.replace(text, to))

    return change


def _cut(folder: Path) -> None:
    path = folder / "inbox.jsonl"
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_cut, "inbox.jsonl is not as it was written"),
        (lambda folder: (folder / "files" / "home" / "secret").unlink(), "files/home/secret is not as it was written"),
        (lambda folder: (folder / "backup.json").unlink(), "is not a backup"),
        (lambda folder: (folder / "backup.json").write_text("{"), "is damaged"),
        (_change('"format": 1', '"format": 2'), "reads format 1"),
        (_change('"0001_initial"', '"9999_of_tomorrow"'), "made by a newer version"),
    ],
)
def test_what_is_not_whole_is_refused_before_anything_is_written(
    written: Path, tmp_path: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    assert read(copy)["format"] == 1
    damage(copy)
    done = manage("restore", copy, "--home", tmp_path / "home")
    assert (done.returncode, sentence in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert not (tmp_path / "home").exists()


def test_rows_that_did_not_come_back_are_named(written: Path, tmp_path: Path, new: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(written, copy)
    _change('"public.tenant": 1,', '"public.tenant": 2,')(copy)
    with pytest.raises(StartError, match=r"public\.tenant: 2 → 1"):
        restore(copy, new)


def test_tables_that_are_there_are_never_overwritten(
    home: Path, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with backup.opened(home) as place:
        monkeypatch.setenv("DATABASE_URL", place.database)
        monkeypatch.setenv("BACKUP_DATABASE_URL", place.database)
        monkeypatch.setenv("REDIS_URL", place.valkey)
        with pytest.raises(StartError, match="has tables already"):
            restore(written, home)
        assert asked(place.database, "SELECT slug FROM tenant") == [("a",)]
