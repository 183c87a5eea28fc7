"""The commands of docs/operations.md: a dump of the embedded server, and its way back into a new home."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cdp.stack.embedded import Postgres
from cdp.stack.supervisor import wait_until
from tests.servers import ROOT, new_home, program, throw_away

pytestmark = pytest.mark.faults
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)


@contextlib.contextmanager
def a_home() -> Iterator[Path]:
    home = new_home()
    try:
        yield home
    finally:
        throw_away(home)


def run(server: Postgres, commands: str, folder: Path) -> None:
    """Run the lines of the page, where the home is that of the server."""
    script = commands.replace(".home/postgres", str(server.folder)).replace(".venv/bin/python", sys.executable)
    script = script.replace("cdp.dump", str(folder / "cdp.dump"))
    subprocess.run(["sh", "-euc", script], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120)


def asked(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_dump_comes_back_with_rows_policies_and_rights(tmp_path: Path) -> None:
    variables = "\n".join(line.strip() for line in BLOCKS[0].splitlines() if "pg_dump" not in line)
    dump = "\n".join(line.strip() for line in BLOCKS[0].splitlines() if "pg_dump" in line)
    restore = BLOCKS[1].strip()
    row = "SELECT name, slug FROM tenant ORDER BY 1"
    with a_home() as before, a_home() as after:
        server = Postgres(before, throwaway=True)
        urls = server.start()
        migrate(urls.owner, before)
        asked(urls.superuser, TENANT)
        schema = asked(urls.superuser, POLICIES)
        run(server, f"{variables}\n{dump}", tmp_path)
        server.stop()
        new = Postgres(after, throwaway=True)
        urls = new.start()
        run(new, f"{variables}\n{restore}", tmp_path)
        assert asked(urls.app, row) == [("Åse", "a")]
        assert asked(urls.app, "SELECT count(*) FROM contact") == [(0,)]
        assert asked(urls.superuser, POLICIES) == schema
        assert len(schema) > 30
        new.stop()


TENANT = """
INSERT INTO tenant (slug, name, country, time_zone, colour, max_upload_bytes, max_rows, max_columns, keep_files_days,
                    identifier_order, created_at)
VALUES ('a', 'Åse', '', 'UTC', '#000000', 1, 1, 1, 1, 'email', now())"""
POLICIES = (
    "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text, c.relowner::regrole::text, p.polname "
    "FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid ORDER BY 1, 6"
)


def migrate(owner: str, home: Path) -> None:
    env = os.environ | {"DATABASE_URL": owner, "CDP_HOME": str(home)}
    command = [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=120)


def test_postgresql_alone_runs_until_it_is_told_to_stop() -> None:
    with a_home() as home:
        command = [sys.executable, "-m", "cdp.stack.embedded", str(home)]
        with program(command, stderr=subprocess.PIPE) as process:
            assert process.stderr
            assert b"answers on port" in process.stderr.readline()
            again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
            assert (again.returncode, "in use" in again.stderr, "Traceback" in again.stderr) == (1, True, False)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        assert wait_until(lambda: not Postgres(home).leftovers(), seconds=10)
