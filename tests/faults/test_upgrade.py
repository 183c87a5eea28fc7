"""A home of an older version is brought up to date by the next start: contacts, imports with their undo, members, log-in."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.faults.stack import ROOT, Stack, result
from tests.faults.test_backups import PASSWORD, done, signs_in
from tests.faults.test_faults import people, visitors
from tests.servers import ask, throw_away

pytestmark = pytest.mark.faults
# Before smart segments, the API, audiences and data syncs had their tables.
OLDER = "483ff27"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The code of that version; its libraries are all among ours."""
    packed = subprocess.run(["git", "archive", OLDER], cwd=ROOT, capture_output=True)
    if packed.returncode:
        pytest.skip(f"this copy has no history, so there is no {OLDER} to come from")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "older", filter="data")
    return tmp_path / "older"


def test_what_was_there_is_there(older: Path, tmp_path: Path) -> None:
    home, file = tmp_path / "home", people(tmp_path / "a.csv", 3_000)
    try:
        before = Stack(home, root=older)
        try:
            made = before.manage(
                "create_workspace", "shop", "--name", "Shop", "--owner", "keeper@example.com", "--password", PASSWORD
            )
            tenant_id = int(done(made)["id"])
            visitors(before, tenant_id)
            first = result(before.bring(file, "shop", "segment=Everybody"))
            assert first["created"] > 500
            migrated = _migrations(before)
            state = before.state(tenant_id)
        finally:
            assert before.stop() == 0
        after = Stack(home)
        try:
            assert len(_migrations(after)) > len(migrated) + 10
            now = after.state(tenant_id)
            assert {name: now[name] for name in state} == state
            assert signs_in(after, "shop")
            again = result(after.bring(file, "shop", "segment=Everybody"))
            assert (again["created"], again["updated"]) == (0, 0)
            undone = done(after.manage("undo_import", str(first["id"]), "--workspace", "shop", "--json"))
            assert undone["status"] == "undone"
        finally:
            assert after.stop() == 0
    finally:
        throw_away(home)


def _migrations(stack: Stack) -> list[object]:
    return list(ask(stack.info["owner_database_url"], "SELECT app, name FROM django_migrations"))
