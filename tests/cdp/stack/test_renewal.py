"""A successor that does not come up; the whole of it: tests/faults/test_restarts.py."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp.stack import renewal
from cdp.stack.supervisor import Child, Supervisor, stop_all, wait_until

pytestmark = pytest.mark.faults
# A program with one process that works.
POOL = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    said: list[str] = []
    made = Supervisor(tmp_path / "pids.json", mark="test", say=said.append)
    for name in ("worker", "drain"):
        made.add(Child(name, argv=[sys.executable, "-c", POOL], log=tmp_path / f"{name}.log", cwd=tmp_path))
    yield made
    stop_all(made.children)


def numbers(supervisor: Supervisor) -> dict[str, int | None]:
    return {child.name: child.pid for child in supervisor.children}


def test_each_program_has_a_new_process(supervisor: Supervisor, tmp_path: Path) -> None:
    assert wait_until(lambda: renewal._size(supervisor.children[0]) == 1, seconds=20)
    before = numbers(supervisor)
    renewal.renew(supervisor, tmp_path / "note")
    assert json.loads((tmp_path / "note").read_text()) == {"failed": []}
    now = numbers(supervisor)
    assert now.keys() == before.keys()
    assert all(child.alive() for child in supervisor.children)
    assert not set(now.values()) & set(before.values())
    rows = json.loads((tmp_path / "pids.json").read_text())["children"]
    assert {row["name"]: row["pid"] for row in rows} == now


def test_who_has_no_successor_stays(supervisor: Supervisor, tmp_path: Path) -> None:
    worker = supervisor.children[0]
    assert wait_until(lambda: renewal._size(worker) == 1, seconds=20)
    before = numbers(supervisor)
    worker.argv = [sys.executable, "-c", "raise SystemExit('broken')"]
    renewal.renew(supervisor, tmp_path / "note")
    assert json.loads((tmp_path / "note").read_text()) == {"failed": ["worker"]}
    assert numbers(supervisor)["worker"] == before["worker"]
    assert worker.alive()
    assert numbers(supervisor)["drain"] != before["drain"]


def test_without_a_stack_it_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert renewal.main(["--home", str(tmp_path)]) == 1
    assert "No stack is running" in capsys.readouterr().err
