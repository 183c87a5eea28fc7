"""A test run that is interrupted, in whatever way, leaves no server and no file behind."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from cdp.stack.supervisor import wait_until
from tests.servers import NO_TABLES

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]
SHOW = "import os, time; print(os.environ['CDP_HOME'], flush=True); time.sleep(600)"
TEST = """
import os, time
def test_waits():
    os.write(2, (os.environ["CDP_HOME"] + "\\n").encode())
    time.sleep(600)
"""
PROGRAM = """
import os, sys, time
from tests.servers import program
def test_waits():
    with program([sys.executable, "-c", "import time; time.sleep(600)"]) as started:
        os.write(1, f"{started.pid} {os.environ['CDP_HOME']}\\n".encode())
        time.sleep(600)
"""


def answer_interrupts() -> None:
    """What a shell has started in the background ignores Ctrl-C, what `nohup` has the end of the terminal, and so would
    everything that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def run_of(file: Path) -> list[str]:
    """The command that runs the tests of one file, with the settings of the project."""
    pytest_ = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider"]
    return [*pytest_, "-c", str(ROOT / "pyproject.toml"), str(file)]


def start(command: list[str], **options: Any) -> "subprocess.Popen[str]":
    """The command as a shell would start it: in a session of its own, without what this test run has set."""
    env = {k: v for k, v in os.environ.items() if k != "CDP_HOME" and not k.startswith("PYTEST")} | {NO_TABLES: "1"}
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=answer_interrupts, **options,
    )  # fmt: skip


def of_home(home: str) -> list[psutil.Process]:
    """The processes that work in a home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(home):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_program_of_a_test_stays(number: signal.Signals, tmp_path: Path) -> None:
    """Web servers and whole stacks that tests start go, too, not only the servers of the test run."""
    file = tmp_path / "test_waiting.py"
    file.write_text(PROGRAM)
    with start(run_of(file)) as parent:
        assert parent.stdout
        number_of, home = next(line for line in parent.stdout if "cdp-tests-" in line).split(maxsplit=1)
        started = psutil.Process(int(number_of.lstrip(".")))
        assert started.is_running()
        parent.send_signal(number)
        parent.wait(60)
    assert wait_until(lambda: not started.is_running() and not Path(home.strip()).exists(), seconds=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("way", ["a command", "a test run", "a run that is shared out"])
def test_nothing_stays(number: signal.Signals, way: str, tmp_path: Path) -> None:
    file = tmp_path / "test_waiting.py"
    file.write_text(TEST)
    shared = way == "a run that is shared out"
    run = run_of(file)
    command = {
        "a command": [sys.executable, "-m", "tests.servers", sys.executable, "-c", SHOW],
        "a test run": run,
        "a run that is shared out": [*run, "-p", "tests.servers", "-n", "2", "--dist", "loadfile"],
    }[way]
    with start(command, stderr=subprocess.STDOUT) as parent:
        assert parent.stdout
        home = next(line for line in parent.stdout if "cdp-tests-" in line).strip()
        home = home[home.index("/") :]
        if shared:  # the servers are those of all processes
            assert Path(home).name.startswith("gw")
            home = str(Path(home).parent)
        family = psutil.Process(parent.pid).children(recursive=True) if shared else []
        assert home != os.environ["CDP_HOME"]
        assert len(of_home(home)) > 1
        if number == signal.SIGINT:  # as Ctrl-C does
            os.killpg(parent.pid, number)
        else:
            parent.send_signal(number)
        for child in psutil.Process(parent.pid).children() if parent.poll() is None else []:
            with contextlib.suppress(psutil.NoSuchProcess):  # it may be ending already
                if "time.sleep" in " ".join(child.cmdline()):
                    child.kill()
        parent.wait(60)
    assert wait_until(lambda: not of_home(home) and not Path(home).exists(), seconds=60)
    assert wait_until(lambda: not any(process.is_running() for process in family), seconds=60)
