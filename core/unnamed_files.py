"""Files without a name, for what is needed during a piece of work alone: they go with the process, however that ends."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unnamed_file(*, beside: Path | None = None) -> Iterator[Path]:
    """A path by which this process, and no other, writes and reads a file that has no name. It is on the disk of the file
    `beside` which it is wanted, by default on that of temporary files."""
    with tempfile.TemporaryFile(dir=beside.parent if beside else None) as file:
        yield Path(f"/proc/self/fd/{file.fileno()}")
