"""A file without a name can be written and read by its path, and is gone with the process that had it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from core.unnamed_files import unnamed_file

PROGRAM = """
import sys
from pathlib import Path
from core.unnamed_files import unnamed_file
with unnamed_file(beside=Path(sys.argv[1])) as path:
    path.write_text("x" * 100_000)
    print("written", path.stat().st_size, flush=True)
    sys.stdin.read()
"""


def test_it_is_written_and_read_several_times(tmp_path: Path) -> None:
    with unnamed_file(beside=tmp_path / "a.csv") as path:
        path.write_text("first, and longer")
        path.write_text("second")
        with path.open() as one, path.open() as other:
            assert (one.read(), other.read(3)) == ("second", "sec")
        assert path.stat().st_size == 6
        assert path.stat().st_mode & 0o077 == 0
        assert list(tmp_path.iterdir()) == []
    assert not path.exists()


def test_kill_9_leaves_nothing(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / "a.csv")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "written 100000\n"
        os.kill(program.pid, signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []
