"""The benchmark runs, on a stack of its own, at small sizes; its figures are for nobody here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]
FOREIGN = {"DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CDP_HOME", "MAIL_DIR"}


def test_every_part_runs_and_leaves_nothing_behind(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if k not in FOREIGN} | {"TMPDIR": str(tmp_path)}
    tmp_path.chmod(0o711)
    page = tmp_path / "page.md"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rows=3000", f"--out={page}"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=560)
    assert done.returncode == 0, done.stderr[-3000:]
    text = page.read_text()
    titles = re.findall(r"^## (.*)$", text, re.M)
    assert titles == [
        "Cleaning a row",
        "Imports beside COPY",
        "Undoing, and sharing the workers",
        "Beside others",
        "Bulk actions",
        "Probable duplicates",
        "Pages",
        "Visitors and resolved contacts",
        "Rules",
        "Fresh segments",
        "Lookalikes",
        "The pixel",
        "The API",
        "A file by the API",
        "A very large upload",
        "Audiences",
        "Data syncs",
        "Dashboards",
        "Operations",
        "Many workspaces at once",
        "Today against the last release",
    ]
    assert "All " in text
    assert "acknowledged hits were found" in text
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]
