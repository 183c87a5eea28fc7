"""A backup of a home at rest, and PostgreSQL alone. Under load: tests/faults/test_backups.py."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from cdp.stack import backup
from cdp.stack.embedded import Postgres, Valkey
from cdp.stack.machine import StartError
from cdp.stack.supervisor import wait_until
from tests.servers import ROOT, program, throw_away

pytestmark = pytest.mark.faults
FOREIGN = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "BACKUP_DATABASE_URL", "UPLOAD_DIR", "CDP_HOME")
ENVIRON = {name: value for name, value in os.environ.items() if name not in FOREIGN}
TENANT = """
INSERT INTO tenant (slug, name, country, time_zone, colour, max_upload_bytes, max_rows, max_columns, keep_files_days,
                    identifier_order, created_at)
VALUES ('a', 'Åse', '', 'UTC', '#000000', 1, 1, 1, 1, 'email', now())"""


@pytest.fixture(autouse=True)
def no_servers_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the tests names their own servers."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)


def manage(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py, outside of any stack."""
    command = [sys.executable, "manage.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=ENVIRON | environ, capture_output=True, text=True, timeout=300)


def migrate(owner: str, home: Path) -> None:
    done = manage(
        "migrate", "--skip-checks", "--verbosity=0", DATABASE_URL=owner, CDP_HOME=str(home), SECRET_KEY="x" * 50,
        REDIS_URL="redis://127.0.0.1:1/0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def asked(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home at rest with a workspace, files, secrets and hits that wait. Nobody holds its lock, so it is none of those
    that another run of the tests may take for abandoned."""
    path = tmp_path_factory.mktemp("home")
    try:
        with backup.private_servers(path) as place:
            migrate(place.database, path)
            asked(place.database, TENANT)
            with redis.Redis.from_url(place.valkey) as client:
                for place_in_line in range(1, 2_502):
                    client.xadd(backup.STREAM, {"h": f'[{place_in_line}, "é"]', "n": 2}, id=f"{place_in_line}-1")
                client.hset("cdp:drops:1:1", "bot", 7)
        (path / "secret").write_text("the secret of this home")
        (path / "uploads" / "1").mkdir(parents=True)
        (path / "uploads" / "1" / "people.csv").write_bytes(b"email\njos\xc3\xa9@example.com\n")
        (path / "uploads" / "link").symlink_to("/etc")
        yield path
    finally:
        throw_away(path)


@pytest.fixture(scope="module")
def written(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    done = manage("backup", tmp_path_factory.mktemp("backups"), "--home", home)
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["backup"])


def test_it_says_what_is_in_it(written: Path) -> None:
    note = json.loads((written / "backup.json").read_text())
    assert (note["format"], note["hits"], note["rows"]["public.tenant"]) == (1, 5_002, 1)
    assert ["contacts", "0001_initial"] in note["migrations"]
    assert {"files/uploads/1/people.csv", "files/home/secret", "inbox.jsonl"} < note["files"].keys()
    assert not any("link" in name for name in note["files"])
    whatever = [path for path in (written, *written.rglob("*")) if path.stat().st_mode & 0o077]
    assert [path for path in whatever if path.is_file() and "files" in path.parts] == []
    assert written.stat().st_mode & 0o077 == 0


def test_only_the_newest_stay_and_nothing_else_is_touched(home: Path, tmp_path: Path) -> None:
    (tmp_path / "cdp-20200101T000000Z").mkdir()  # no whole backup
    (tmp_path / "letters").mkdir()
    with backup.opened(home) as place:
        made = [backup.write(place, tmp_path, now=datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2, 3)]
        with pytest.raises(StartError, match="exists already"):
            backup.write(place, tmp_path, now=datetime(2026, 1, 3, tzinfo=UTC))
    assert backup.tidy(tmp_path, keep=2) == made[:1]
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["cdp-20200101T000000Z", "cdp-20260102T000000Z", "cdp-20260103T000000Z", "letters"]


def test_a_backup_that_fails_leaves_nothing(home: Path, tmp_path: Path) -> None:
    with backup.opened(home) as place:
        away = backup.Place(place.database + "_away", place.valkey, place.home, place.folders)
        with pytest.raises(psycopg.OperationalError):
            backup.write(away, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "There is nothing to back up"),
        ({"DATABASE_URL": "postgresql://a@127.0.0.1:1/cdp"}, "BACKUP_DATABASE_URL"),
    ],
)
def test_what_cannot_be_backed_up_is_one_sentence(tmp_path: Path, environ: dict[str, str], sentence: str) -> None:
    done = manage("backup", tmp_path / "to", "--home", tmp_path / "home", **environ)
    assert (done.returncode, sentence in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_servers_of_the_environment_are_backed_up(home: Path, tmp_path: Path) -> None:
    server, valkey = Postgres(home), Valkey(home)
    try:
        urls, broker = server.start(), valkey.start()
        environ = {"DATABASE_URL": urls.app, "BACKUP_DATABASE_URL": urls.superuser, "REDIS_URL": broker}
        done = manage("backup", tmp_path, "--home", tmp_path / "elsewhere", **environ)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["hits"] == 5_002
    finally:
        valkey.stop()
        server.stop()


def test_postgresql_alone_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "home"
    try:
        command = [sys.executable, "-m", "cdp.stack.embedded", str(path)]
        with program(command, stderr=subprocess.PIPE) as process:
            assert process.stderr
            assert b"answers on port" in process.stderr.readline()
            again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
            assert (again.returncode, "in use" in again.stderr, "Traceback" in again.stderr) == (1, True, False)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        assert wait_until(lambda: not Postgres(path).leftovers(), seconds=10)
    finally:
        throw_away(path)
