"""`python -m tests.watchdog HOME` and `python -m tests.watchdog --process PID`: what stays behind when our parent is gone.

The parent holds the other end of standard input and never writes to it. Where it ends in order it has thrown the home
away, or ended the process, itself before; where it is killed, nobody else would. With a home go the servers that work in
it, with a process all that it has started.
"""

import sys
from pathlib import Path

import psutil

from tests.servers import throw_away

# So long a process may take to end in order.
SECONDS = 20


def end(process: psutil.Process) -> None:
    """End a process and its children: in order, or by force where that takes too long. It may be gone already."""
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:  # psutil compares the time of the start, so no other one is ended in its place
        return
    _gone, alive = psutil.wait_procs(family, timeout=SECONDS)
    for left in alive:
        left.kill()


if __name__ == "__main__":
    watched = psutil.Process(int(sys.argv[2])) if sys.argv[1] == "--process" else None
    sys.stdin.buffer.read()
    if watched is not None:
        end(watched)
    else:
        throw_away(Path(sys.argv[1]))
