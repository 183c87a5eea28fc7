"""Where the files of a connector are on the disk.

CONNECTOR_DIR/<workspace>/<connector>/
    jail/in, jail/done, jail/failed   what the user sees
    taken/                            files that the pick-up has moved away from the user
    unfinished/                       a mark, named after the inode, for each file whose upload has not ended well
    lock                              shared by uploads, exclusive while a file is moved away
    settled                           when somebody looked last and nothing but incomplete files was there
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

INCOMING, DONE, FAILED = "in", "done", "failed"
SHOWN = (INCOMING, DONE, FAILED)
# Times of files may be a little behind the clock.
CLOCK_SECONDS = 1.0


@dataclass(frozen=True)
class Folders:
    """The folders of one connector."""

    root: Path

    @property
    def jail(self) -> Path:
        return self.root / "jail"

    @property
    def incoming(self) -> Path:
        return self.jail / INCOMING

    @property
    def taken(self) -> Path:
        return self.root / "taken"

    @property
    def unfinished(self) -> Path:
        return self.root / "unfinished"

    def make(self) -> None:
        """Make what is missing. Only the program's own account may enter."""
        outer = (self.root.parent.parent, self.root.parent, self.root, self.jail)
        for folder in (*outer, *(self.jail / name for name in SHOWN), self.taken, self.unfinished):
            folder.mkdir(exist_ok=True, mode=0o700)
        (self.root / "lock").touch(mode=0o600)

    def mark(self, inode: int) -> Path:
        """The mark of a file whose upload has not ended well."""
        return self.unfinished / str(inode)

    def settle(self, at: float) -> None:
        """Note that until this moment there was nothing to do: the sweep passes the connector by until something changes."""
        mark = self.root / "settled"
        mark.touch(mode=0o600)
        os.utime(mark, (at, at))

    def unsettle(self) -> None:
        """Let the next sweep look."""
        (self.root / "settled").unlink(missing_ok=True)

    @property
    def is_settled(self) -> bool:
        """Whether nothing has changed since somebody has looked."""
        try:
            looked = (self.root / "settled").stat().st_mtime
        except FileNotFoundError:
            return False
        if os.listdir(self.taken):
            return False
        with os.scandir(self.incoming) as entries:
            newest = max((entry.stat(follow_symlinks=False).st_ctime for entry in entries), default=0.0)
        return max(newest, self.incoming.stat().st_ctime) < looked - CLOCK_SECONDS

    @contextlib.contextmanager
    def locked(self, *, exclusive: bool) -> Iterator[None]:
        """Wait for the lock, which is held only while names change. It goes with the process."""
        file = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield
        finally:
            os.close(file)


def of(tenant_id: int, connector_id: int) -> Folders:
    """The folders of a connector."""
    return Folders(of_workspace(tenant_id) / str(connector_id))


def of_workspace(tenant_id: int) -> Path:
    """Where the folders of all connectors of a workspace are."""
    return Path(settings.CONNECTOR_DIR) / str(tenant_id)


def all_of_disk() -> list[Path]:
    """The folders of all connectors that have any."""
    base = Path(settings.CONNECTOR_DIR)
    if not base.is_dir():
        return []
    return [inner for outer in base.iterdir() if outer.name.isdecimal() for inner in outer.iterdir() if is_whole(inner)]


def is_whole(folder: Path) -> bool:
    """Whether a folder is that of a connector, with all of its parts."""
    return folder.name.isdecimal() and (folder / "jail" / INCOMING).is_dir() and (folder / "taken").is_dir()
