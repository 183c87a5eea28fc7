"""What keeps `up`, and every other program, from starting is said in one sentence."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cdp.stack import stack

ROOT = Path(__file__).resolve().parents[3]


def start(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    command = [sys.executable, "manage.py", "up", "--no-demo", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**env, **environ}, capture_output=True, text=True, timeout=60)


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """The one sentence of a start that has failed."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999999999", "http", "80.5", "", "١"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    assert "whole number from 1 to 65535" in said(start("--home", str(tmp_path / "h"), f"--port={port}"))
    assert not (tmp_path / "h").exists()
    if port:
        assert "whole number from 1 to 65535" in said(start("--home", str(tmp_path / "h"), CDP_PORT=port))


@pytest.mark.parametrize("workers", ["0", "-3", "many", "1000"])
def test_a_number_of_workers_that_is_none(tmp_path: Path, workers: str) -> None:
    assert "whole number from 1 to 64" in said(start("--home", str(tmp_path / "h"), f"--workers={workers}"))


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert "is a file" in said(start("--home", str(file)))
    assert "Nothing can be written" in said(start("--home", str(file / "below")))


@pytest.mark.parametrize("home", ["/proc/home", "/dev/null/home", "/sys/home"])
@pytest.mark.skipif(sys.platform != "linux", reason="these folders are Linux's")
def test_a_home_that_cannot_be_written(home: str) -> None:
    assert "Nothing can be written" in said(start("--home", home))


@pytest.mark.parametrize("sign", ['"', "\\", "\n"])
def test_a_home_whose_name_servers_cannot_read(tmp_path: Path, sign: str) -> None:
    assert "choose another --home" in said(start("--home", str(tmp_path / f"a{sign}b")))


def test_a_disk_without_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "x"))

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    assert stack.main(["--home", str(tmp_path), "--no-demo"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    # Also where it comes later than at the first look.
    monkeypatch.setattr(stack, "Stack", full)
    assert stack.main(["--home", str(tmp_path), "--no-demo"]) == 1
    assert "make room there" in capsys.readouterr().err


VALUES = [
    ("TRUSTED_PROXIES", "two"), ("TRUSTED_PROXIES", "-1"), ("CDP_WORKERS", "0"), ("DEBUG", "maybe"), ("BEHIND_PROXY", "2"),
    ("SITE_URL", "example.com"), ("SITE_URL", "ftp://example.com"), ("SITE_URL", "http://"), ("SITE_URL", "http://x:99999"),
    ("DATABASE_URL", "mysql://x/y"), ("DATABASE_URL", "nonsense"), ("DATABASE_URL", "postgresql://[x/y"),
    ("REDIS_URL", "localhost:6379"), ("REDIS_URL", "redis+sentinel://nonsense@one:26379"),
    ("LOG_LEVEL", "LOUD"), ("COLLECTOR", "thread"), ("HITS_PER_MINUTE", "many"),
    ("INSIDE_NETWORKS", "10.1.0.0/16,office"),
    ("SECRET_KEY", ""), ("DATABASE_URL", ""), ("REDIS_URL", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_a_bad_value_in_the_environment(name: str, value: str) -> None:
    """Of any program, as all read the same settings; what may be a password is not repeated."""
    env = {**os.environ, name: value}
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert re.match(rf"{name} (is|must be) ", said(done))
    assert "nonsense" not in done.stderr


def test_a_port_that_is_taken_by_somebody_else_is_no_fault() -> None:
    from cdp.stack.machine import free_port, is_free

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        taken = door.getsockname()[1]
        assert not is_free(taken)
        assert free_port([taken]) != taken
