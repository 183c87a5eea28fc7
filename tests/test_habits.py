"""Habits of the repository: subjects of commits, workflow and hooks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

CHECK = ROOT / "bin" / "commit-subject"


def checked(message: str, folder: Path) -> tuple[int, str]:
    file = folder / "message"
    file.write_text(message)
    done = subprocess.run([sys.executable, CHECK, file], capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "message",
    [
        "Add a lint for templates\n",
        "Bring the sheet to the front\n\nBecause it was behind.\n# a comment of git\n",
        "Pass the cleaner in\n",
        "Merge branch 'main' into something with a name that is far longer than seventy-two characters\n",
        'Revert "Added this."\n',
    ],
)
def test_good_subjects_pass(message: str, tmp_path: Path) -> None:
    assert checked(message, tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Add " + "x" * 69, "73 characters"),
        ("add a lint", "capital letter"),
        ("", "capital letter"),
        ("Added a lint", "'Added'"),
        ("Adding a lint", "'Adding'"),
        ("Adds a lint", "'Adds'"),
        ("Add a lint.", "full stop"),
        ("Add a lint\nfor templates", "second line"),
    ],
)
def test_other_subjects_are_told_what_is_wrong(message: str, said: str, tmp_path: Path) -> None:
    code, sentences = checked(message, tmp_path)
    assert code == 1
    assert said in sentences


def test_the_workflow_runs_what_has_to_pass_on_every_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())
    job = workflow["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in job["steps"] if "uses" in step)
    assert workflow["permissions"] == {"contents": "read"}


def test_hooks_are_tools_of_our_own() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}
    checks = (ROOT / "bin" / "check").read_text()
    for hook in hooks["repos"][0]["hooks"]:
        tool = hook["entry"].split()[0]
        assert (ROOT / tool).exists() or (tool.startswith(".venv/bin/") and f"$bin/{Path(tool).name}" in checks), tool


def test_locks_name_no_index_host() -> None:
    names = [path.stem for path in (ROOT / "requirements").glob("*.in")]
    assert len(names) >= 4
    for name in names:
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert "--hash=sha256:" in lock
        assert "://" not in lock
