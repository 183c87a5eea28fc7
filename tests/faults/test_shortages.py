"""What does not die but is missing for a while: the database for a minute, room on the disk, the right time. The deep check
says so in words within 15 seconds, all goes on by itself when it is over, and nothing is lost.

The clock is set inside of chosen processes: `clock.py` is put before their own code by PYTHONPATH, and what they read as the
time is moved. The clock of the machine is left alone.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.faults.browsers import Browsers
from tests.faults.stack import Stack, result
from tests.faults.test_faults import people
from tests.faults.test_hits import stored
from tests.faults.test_operations import HEALED_WITHIN, SAID_WITHIN, deep, until

pytestmark = [pytest.mark.faults, pytest.mark.long]
ROWS = 20_000
AWAY_SECONDS = 60
# For so long the database hangs in `make faults`, and in the usual run.
HANGS_SECONDS = 40 if int(os.environ.get("CDP_FAULTS", "0")) else 12
# So many hits, and every collector has seen the site.
KNOWN_HITS = 200
MB = 1_000_000
# The room on the small disk, and how much of it has to stay free.
DISK_MB, LEAST_MB = 64, 16
CLOCK = """
import datetime, os, sys, threading, time

def follow():
    import time_machine
    path, role, travel, before = os.environ["CLOCK_FILE"], os.environ["CLOCK_OF"], None, ""
    while True:
        try:
            with open(path) as file:
                told = file.read().strip()
        except FileNotFoundError:
            told = ""
        if told != before:
            if travel is not None:
                travel.stop()
                travel = None
            if told:
                moved = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=float(told))
                travel = time_machine.travel(moved, tick=True)
                travel.start()
            before = told
        threading.Event().wait(0.2)

if os.environ["CLOCK_OF"] in " ".join(sys.orig_argv):
    threading.Thread(target=follow, daemon=True).start()
"""


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own in memory, of DISK_MB; only root may mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0777", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which a test says by how many seconds the clock of the scheduler is wrong."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "sitecustomize.py").write_text(CLOCK)
    return folder / "offset"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, clock: Path) -> Iterator[Stack]:
    python_path = os.pathsep.join([str(clock.parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environ = {"PYTHONPATH": python_path, "CLOCK_FILE": str(clock), "CLOCK_OF": "celery -A cdp beat"}
    running = Stack(tmp_path_factory.mktemp("shortages") / "home", environ=environ)
    yield running
    running.process.send_signal(signal.SIGCONT)
    assert running.stop() == 0


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return people(tmp_path_factory.mktemp("files") / "people.csv", ROWS)


def site_of(stack: Stack, tenant_id: int) -> str:
    key = f"{tenant_id:x}-{uuid.uuid4().hex[:16]}"
    with stack.database(tenant_id) as connection:
        connection.execute("INSERT INTO site (name, key, created_at, dropped) VALUES ('shop', %s, now(), '{}')", [key])
    return key


def is_whole(done: dict[str, int]) -> bool:
    """Whether every row of a file has become something."""
    outcomes = ("created", "updated", "unchanged", "duplicates", "skipped", "in_error")
    return done["rows"] == ROWS == sum(done[name] for name in outcomes)


def well(stack: Stack) -> float:
    return until(lambda: deep(stack) == {}, seconds=HEALED_WITHIN, told=lambda: deep(stack))


def test_without_database_for_a_minute(stack: Stack, file: Path) -> None:
    """An import is under way and browsers send hits: the one waits, the others are taken all the while."""
    well(stack)
    tenant_id = stack.workspace("minute")
    key = site_of(stack, tenant_id)
    run = stack.bring(file, "minute", "segment=Everybody")
    stack.wait_for_import(tenant_id)
    with Browsers(stack.info["url"], key=key, count=5) as browsers:
        # A site that no collector has looked up yet is unknown without the database.
        until(lambda: len(browsers.acknowledged) > KNOWN_HITS, seconds=60, told=lambda: browsers.failed)
        stack.process.send_signal(signal.SIGSTOP)
        try:
            stack.kill_postgres(random.Random(1))
            away = time.monotonic()
            said = until(lambda: "database_down" in deep(stack), seconds=SAID_WITHIN, told=lambda: deep(stack))
            before = len(browsers.acknowledged)
            until(lambda: time.monotonic() - away > AWAY_SECONDS, seconds=AWAY_SECONDS + 5, told=lambda: "")
            assert "database_down" in deep(stack)
            assert len(browsers.acknowledged) > before, "hits are taken without the database"
        finally:
            stack.process.send_signal(signal.SIGCONT)
        healed = well(stack)
    done = result(run, 240)
    assert done["status"] == "imported", done
    assert is_whole(done)
    events = stored(stack, tenant_id, most=len(browsers.acknowledged), seconds=60)
    assert browsers.acknowledged <= events.keys()
    assert set(events.values()) == {1}
    print(f"said after {said:.1f} s, well {healed:.1f} s after it could be; {len(events)} hits, {ROWS} rows, none lost")


@contextlib.contextmanager
def standing_still(stack: Stack) -> Iterator[None]:
    """All processes of the stack's database take signals of nobody but us: they accept connections and answer nothing."""
    found = stack._find(lambda c: bool(c) and c[0].endswith("/postgres") and "-D" in c)
    processes = [found[0], *found[0].children(recursive=True)]
    try:
        for process in processes:
            process.suspend()
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def asked(stack: Stack, path: str, *, session: str = "") -> tuple[int, str]:
    """Status and text of a page, which has to come within SAID_WITHIN; with a session, which the database is asked for."""
    headers = {"Cookie": f"session={session}"} if session else {}
    request = urllib.request.Request(stack.info["url"] + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=SAID_WITHIN) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read().decode()


def test_a_database_that_hangs(stack: Stack, file: Path) -> None:
    """It is not away: it takes connections and answers nothing. Said in time, hits are taken, and all goes on."""
    well(stack)
    tenant_id = stack.workspace("hangs")
    key = site_of(stack, tenant_id)
    run = stack.bring(file, "hangs", "segment=Everybody")
    stack.wait_for_import(tenant_id, seconds=120)
    with Browsers(stack.info["url"], key=key, count=5) as browsers:
        until(lambda: len(browsers.acknowledged) > KNOWN_HITS, seconds=60, told=lambda: browsers.failed)
        stack.process.send_signal(signal.SIGSTOP)
        try:
            with standing_still(stack):
                began = time.monotonic()
                said = until(lambda: "database_down" in deep(stack), seconds=SAID_WITHIN, told=lambda: deep(stack))
                for path in ("/health/ready", "/healthz"):
                    for session in ("", "a" * 32):
                        status, text = asked(stack, path, session=session)
                        assert (status, json.loads(text)["database"]) == (503, False), (path, session)
                status, text = asked(stack, "/operations/", session="a" * 32)
                assert status == 503
                assert "database" in text
                assert asked(stack, "/health/live")[0] == 200
                before = len(browsers.acknowledged)
                # Hits are taken although the database says nothing.
                until(lambda: len(browsers.acknowledged) > before, seconds=20, told=lambda: browsers.failed)
                until(lambda: time.monotonic() - began > HANGS_SECONDS, seconds=HANGS_SECONDS + 5, told=lambda: "")
                assert "database_down" in deep(stack)
        finally:
            stack.process.send_signal(signal.SIGCONT)
        healed = well(stack)
    done = result(run, 240)
    assert done["status"] == "imported", done
    assert is_whole(done)
    events = stored(stack, tenant_id, most=len(browsers.acknowledged), seconds=60)
    assert browsers.acknowledged <= events.keys()
    assert set(events.values()) == {1}
    print(f"said after {said:.1f} s, well {healed:.1f} s after it went on; {len(events)} hits, {ROWS} rows, none lost")


def test_a_clock_that_is_wrong(stack: Stack, clock: Path, file: Path) -> None:
    """The scheduler believes that it is five minutes later, and then that it is not: said, noted, and nothing stops."""
    well(stack)
    tenant_id = stack.workspace("clock")
    run = stack.bring(file, "clock", "segment=Everybody")
    stack.wait_for_import(tenant_id)
    clock.write_text("300")
    said = until(lambda: "clock_wrong" in deep(stack), seconds=SAID_WITHIN, told=lambda: deep(stack))
    done = result(run, 150)
    assert done["status"] == "imported", done
    assert is_whole(done)
    clock.unlink()
    healed = well(stack)

    def noted() -> bool:
        with psycopg.connect(stack.info["database_url"]) as connection:
            rows = connection.execute("SELECT count(*) FROM incident WHERE component = 'clock'").fetchone()
        return bool(rows and rows[0])

    until(noted, seconds=30, told=lambda: "the clock that was set is no incident")
    with psycopg.connect(stack.info["database_url"]) as connection:
        rows = connection.execute(
            "SELECT component, name FROM incident WHERE component IN ('worker', 'drain', 'files') AND noticed_at > now()"
        ).fetchall()
    assert rows == [], "nobody died, only the clock was wrong"
    print(f"said after {said:.1f} s, well {healed:.1f} s after it was right")


def test_a_disk_that_is_full(tmp_path_factory: pytest.TempPathFactory, file: Path) -> None:
    """New files are refused in words, what is there already is imported, and all goes on when there is room."""
    home = tmp_path_factory.mktemp("disk") / "home"
    with small_disk(home.parent / "uploads") as disk:
        running = Stack(home, environ={"UPLOAD_DIR": str(disk), "LEAST_FREE_MB": str(LEAST_MB)})
        try:
            well(running)
            tenant_id = running.workspace("disk")
            run = running.bring(file, "disk", "segment=Everybody")
            running.wait_for_import(tenant_id)
            ballast = disk / "ballast"
            with ballast.open("wb") as heap, contextlib.suppress(OSError):
                while True:
                    heap.write(b"\0" * MB)
                    heap.flush()
            said = until(lambda: "disk_full" in deep(running), seconds=SAID_WITHIN, told=lambda: deep(running))
            assert "0" in deep(running)["disk_full"]
            done = result(run, 150)
            assert done["status"] == "imported", done
            assert is_whole(done)
            refused = running.bring(file, "disk", "segment=Everybody")
            out, err = refused.communicate(timeout=60)
            assert refused.returncode != 0, out
            assert b"Traceback" not in err, err.decode()[-3000:]
            assert b"disk_full" in out, out
            ballast.unlink()
            healed = well(running)
            again = result(running.bring(file, "disk", "segment=Everybody"))
            assert (again["status"], is_whole(again)) == ("imported", True)
            print(f"said after {said:.1f} s, well {healed:.1f} s after there was room")
        finally:
            assert running.stop() == 0
