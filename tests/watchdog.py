"""`python -m tests.watchdog HOME`: throws the home away, with the servers that work in it, when its parent is gone.

The parent holds the other end of standard input and never writes to it. Where it ends in order it has thrown the home away
itself before; where it is killed, nobody else would.
"""

import sys
from pathlib import Path

from tests.servers import throw_away

if __name__ == "__main__":
    sys.stdin.buffer.read()
    throw_away(Path(sys.argv[1]))
