"""A backup of a stack while a file is imported and a site sends hits, and what runs on after it was restored elsewhere."""

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdp.stack.restore import read
from cdp.stack.supervisor import wait_until
from tests.faults.stack import ROOT, Stack, result
from tests.faults.test_faults import people, send_hit
from tests.servers import throw_away

pytestmark = pytest.mark.faults
PASSWORD = "correct horse battery"


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[list[Path]]:
    made = [tmp_path / name / "home" for name in ("before", "after")]
    for home in made:
        home.parent.mkdir()
    yield made
    for home in made:
        throw_away(home)


def done(process: Any, seconds: float = 300) -> dict[str, Any]:
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, err.decode()[-3000:]
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def restoring(backup: Path, home: Path) -> Any:
    names = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "CDP_HOME")
    environ = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "manage.py", "restore", str(backup), "--home", str(home)]
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def signs_in(stack: Stack, slug: str) -> bool:
    """Whether the owner's password opens the workspace."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = opener.open(f"{stack.info['url']}/login/", timeout=30).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    fields = {"csrfmiddlewaretoken": token[1], "login": "keeper@example.com", "password": PASSWORD}
    opener.open(f"{stack.info['url']}/login/", urllib.parse.urlencode(fields).encode(), timeout=30)
    with opener.open(f"{stack.info['url']}/w/{slug}/contacts/", timeout=30) as answer:
        return bool(answer.url.endswith(f"/w/{slug}/contacts/"))


def imported(stack: Stack, tenant_id: int) -> dict[str, Any]:
    """The state without visitors, who came after the backup, too. Two imports have rows of the same number."""
    return {name: sorted(rows, key=repr) for name, rows in stack.state(tenant_id).items() if name != "visitors"}


def events(stack: Stack, tenant_id: int) -> int:
    with stack.database(tenant_id) as connection:
        row = connection.execute("SELECT count(*) FROM event WHERE tenant_id = %s", [tenant_id]).fetchone()
    return int(row[0]) if row else -1


def test_a_backup_under_load_runs_on_elsewhere(homes: list[Path], tmp_path: Path) -> None:
    before = Stack(homes[0])
    try:
        made = before.manage(
            "create_workspace", "shop", "--name", "Shop", "--owner", "keeper@example.com", "--password", PASSWORD
        )
        tenant_id = int(done(made)["id"])
        key = f"{tenant_id:x}-0123456789abcdef"
        with before.database(tenant_id) as connection:
            connection.execute(
                "INSERT INTO site (name, key, created_at, dropped) VALUES ('shop', %s, now(), '{}')", [key]
            )
        first = done(before.bring(people(tmp_path / "a.csv", 2_000), "shop"))
        hits = sum(send_hit(before, key) for _ in range(40))
        units = before.units_done(tenant_id)
        running = before.bring(people(tmp_path / "b.csv", 15_000, 5_000), "shop", "segment=Everybody")
        while before.units_done(tenant_id) < units + 3:
            time.sleep(0.02)
        # The import stands still until its tables are read: it is in the middle, however fast the machine is.
        main = before.worker()
        workers = [main, *main.children(recursive=True)]
        for process in workers:
            process.suspend()
        writing = before.manage("backup", str(tmp_path / "backups"))
        wait_until(lambda: bool(list(tmp_path.glob("backups/*/staging/toc.dat"))) or bool(writing.poll()), seconds=30)
        for process in workers:
            process.resume()
        while writing.poll() is None:
            send_hit(before, key)
        backup = Path(done(writing)["backup"])
        assert result(running)["status"] == "imported"
        undisturbed = imported(before, tenant_id)
    finally:
        assert before.stop() == 0
    note = read(backup)
    assert sum(rows for name, rows in note["rows"].items() if name.startswith("staging.")) > 0  # it was running
    assert done(restoring(backup, homes[1]))["hits"] == note["hits"]
    after = Stack(homes[1])
    try:
        until = time.monotonic() + 120
        while (state := imported(after, tenant_id)) != undisturbed and time.monotonic() < until:
            time.sleep(0.5)
        assert state == undisturbed
        assert events(after, tenant_id) >= hits > 30
        assert signs_in(after, "shop")
        undone = done(after.manage("undo_import", str(first["id"]), "--workspace", "shop", "--json"))
        assert undone["status"] == "undone"
        with after.database(tenant_id) as connection:
            living = "SELECT count(*) FROM contact WHERE tenant_id = %s AND deleted_at IS NULL AND external_id = 'C-20'"
            assert connection.execute(living, [tenant_id]).fetchone() == (0,)
    finally:
        assert after.stop() == 0
