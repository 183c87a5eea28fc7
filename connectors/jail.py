"""What a user of the file servers can do: in three folders, with plain files of his own, and nothing else.

Both servers use it, so both allow the same. A path is a list of names below the jail, never one of the disk: `..` ends at
the jail, links are neither made nor followed, and there are no folders to make. What is being moved away by the pick-up
cannot be touched: an upload holds a lock on its file, and the pick-up takes only what it can lock itself.

An upload that has not ended well leaves a mark (connectors.folders), which is made before its first byte: also a server that
is killed leaves no file that looks finished.
"""

import contextlib
import errno
import fcntl
import json
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from connectors.folders import INCOMING, SHOWN, Folders

MAX_NAME = 200  # bytes
# After so many bytes of an upload its quota is looked at again.
LOOK_AGAIN = 16 << 20


class Refused(OSError):
    """What a user may not do. `errno` and a sentence for his program to show."""

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(number, sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Limits:
    """What may wait in the incoming folder, and how large a file may be."""

    max_bytes: int
    max_files: int
    max_file_bytes: int


@dataclass(frozen=True)
class Place:
    """Where a path leads: the jail itself (no folder), a folder (no name), or a file in it."""

    folder: str = ""
    name: str = ""

    @property
    def is_folder(self) -> bool:
        return not self.name

    @property
    def text(self) -> str:
        """The path as the user sees it."""
        return "/" + "/".join(part for part in (self.folder, self.name) if part)


# Uploads of this process by their file, so that a client that has lost its connection can go on with a new one.
_open_uploads: dict[tuple[int, int], "Upload"] = {}
_registry_lock = threading.Lock()


def check_name(name: str) -> None:
    """Raise Refused for a name that no file can have here."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise Refused(errno.EINVAL, "The name is not UTF-8.") from None
    if not name or name in (".", "..") or "/" in name or "\\" in name or size > MAX_NAME:
        raise Refused(errno.EINVAL, f"A name has 1 to {MAX_NAME} bytes and no slash.")
    if not name.isprintable():
        raise Refused(errno.EINVAL, "The name has line breaks or control characters.")


class Jail:
    """The folders of one connector as its user sees them."""

    def __init__(self, folders: Folders, limits: Limits) -> None:
        self.folders, self.limits = folders, limits

    def place(self, path: str) -> Place:
        """Where a path of the user leads; relative ones begin at the jail. Raises Refused."""
        parts: list[str] = []
        for part in path.split("/"):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                check_name(part)
                parts.append(part)
        if not parts:
            return Place()
        if parts[0] not in SHOWN or len(parts) > 2:
            raise Refused(errno.ENOENT, "There are only the folders in, done and failed, and files in them.")
        return Place(*parts)

    def stat(self, place: Place) -> os.stat_result:
        """What is known of a folder or file. Raises OSError."""
        return os.lstat(self._path(place))

    def names(self, place: Place) -> list[str]:
        """Names in a folder. Raises OSError; of a file, NotADirectoryError."""
        if not place.folder:
            return list(SHOWN)
        if place.name:
            self.stat(place)
            raise Refused(errno.ENOTDIR, f"{place.name} is not a folder.")
        with os.scandir(self._path(place)) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))

    def open_read(self, place: Place) -> int:
        """A descriptor to read a file with. Raises OSError."""
        self._file(place)
        return self._opened(place, os.O_RDONLY)

    def open_write(
        self, place: Place, *, truncate: bool = True, create: bool = True, exclusive: bool = False
    ) -> "Upload":
        """Begin or go on with an upload into the incoming folder. Raises OSError.

        Where an upload of the same file is still open, that one is broken off: its connection is dead, or its user wants so.
        """
        self._incoming(place)
        self._refuse_over_quota(place, create=create)
        flags = os.O_RDWR | (os.O_CREAT if create else 0) | (os.O_EXCL if exclusive else 0)
        with self.folders.locked(exclusive=False):
            file = self._opened(place, flags)
            try:
                self._own(file)
                return Upload(file, place, self, truncate=truncate)
            except BaseException:
                os.close(file)
                raise

    def remove(self, place: Place) -> None:
        """Remove a file that is not being uploaded. Raises OSError."""
        self._file(place)
        with self.folders.locked(exclusive=False), self._unused(place) as inode:
            os.unlink(self._path(place))
            self.folders.mark(inode).unlink(missing_ok=True)

    def rename(self, old: Place, new: Place, *, replace: bool) -> None:
        """Give a file of the incoming folder another name there, at once. Raises OSError; a file that has the name already
        is replaced or Refused."""
        self._incoming(old)
        self._incoming(new)
        with self.folders.locked(exclusive=False), contextlib.ExitStack() as stack:
            stack.enter_context(self._unused(old))
            if old == new:
                return
            replaced = None
            with contextlib.suppress(FileNotFoundError):
                replaced = stack.enter_context(self._unused(new))
            if replaced is not None and not replace:
                raise Refused(errno.EEXIST, f"{new.name} is already there.")
            os.rename(self._path(old), self._path(new))
            if replaced is not None:
                self.folders.mark(replaced).unlink(missing_ok=True)

    def waiting_bytes(self, *, without: str = "") -> tuple[int, int]:
        """Number and bytes of the files in the incoming folder, one of them left out."""
        with os.scandir(self.folders.incoming) as entries:
            sizes = [entry.stat(follow_symlinks=False).st_size for entry in entries if entry.name != without]
        return len(sizes), sum(sizes)

    def room(self, name: str) -> int:
        """How large the file of this name may become."""
        _files, others = self.waiting_bytes(without=name)
        return max(0, min(self.limits.max_file_bytes, self.limits.max_bytes - others))

    def _refuse_over_quota(self, place: Place, *, create: bool) -> None:
        files, others = self.waiting_bytes(without=place.name)
        if create and files >= self.limits.max_files:
            raise Refused(errno.EDQUOT, f"{files:,} files are waiting. The limit of this connector is reached.")
        if others >= self.limits.max_bytes:
            raise Refused(errno.EDQUOT, f"{others:,} bytes are waiting. The limit of this connector is reached.")

    def _path(self, place: Place) -> str:
        return os.path.join(self.folders.jail, place.folder, place.name) if place.folder else str(self.folders.jail)

    def _file(self, place: Place) -> None:
        if place.is_folder:
            raise Refused(errno.EISDIR, f"{place.text} is a folder.")

    def _incoming(self, place: Place) -> None:
        self._file(place)
        if place.folder != INCOMING:
            raise Refused(errno.EACCES, "Files can be uploaded and renamed in the folder in only.")

    def _opened(self, place: Place, flags: int) -> int:
        """A descriptor of a plain file with one name."""
        file = os.open(self._path(place), flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        known = os.fstat(file)
        if not stat.S_ISREG(known.st_mode) or known.st_nlink != 1:
            os.close(file)
            raise Refused(errno.EACCES, f"{place.name} is not a plain file.")
        return file

    def _own(self, file: int) -> None:
        """Lock a file for an upload; one that is open in this process is broken off. Raises Refused."""
        known = os.fstat(file)
        with _registry_lock:
            before = _open_uploads.get((known.st_dev, known.st_ino))
        if before is not None:
            before.close(complete=False)
        if not lock(file):
            raise Refused(errno.EBUSY, "The file is in use. Try again in a moment.")

    @contextlib.contextmanager
    def _unused(self, place: Place) -> Iterator[int]:
        """The inode of a file that is not being uploaded; it stays that file's until the block ends."""
        file = self._opened(place, os.O_RDONLY)
        try:
            if not lock(file):
                raise Refused(errno.EBUSY, f"{place.name} is being uploaded.")
            yield os.fstat(file).st_ino
        finally:
            os.close(file)


def lock(file: int) -> bool:
    """Lock an open file for this descriptor alone, as long as it is open. False when somebody else holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Upload:
    """A file that is being written. `close` says whether its end has come as it should."""

    def __init__(self, file: int, place: Place, jail: Jail, *, truncate: bool) -> None:
        self.file, self.place, self.jail = file, place, jail
        known = os.fstat(file)
        self.key = (known.st_dev, known.st_ino)
        self.announced: int | None = None
        self.position, self.appends = 0, False
        self._write_mark("open")
        if truncate:
            os.ftruncate(file, 0)
        self.room, self.written = jail.room(place.name), 0
        self.closed = False
        self._closing = threading.Lock()
        with _registry_lock:
            _open_uploads[self.key] = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        self.close(complete=kind is None)

    @property
    def size(self) -> int:
        return os.fstat(self.file).st_size

    def write(self, data: bytes, offset: int | None = None) -> int:
        """Write all of the bytes at an offset, or where the last ones ended. Raises OSError, Refused over the quota."""
        if self.closed:
            raise Refused(errno.EIO, "The upload was broken off, because the file was opened again.")
        at = self.position if offset is None else offset
        if self.written // LOOK_AGAIN != (self.written + len(data)) // LOOK_AGAIN:
            self.room = self.jail.room(self.place.name)
        if at + len(data) > self.room:
            raise Refused(errno.EDQUOT, f"The limit is reached: the file may have at most {self.room:,} bytes.")
        view = memoryview(data)
        while view:
            done = os.pwrite(self.file, view, at)
            view, at = view[done:], at + done
        self.position = at
        self.written += len(data)
        return len(data)

    def read(self, size: int, offset: int) -> bytes:
        """Bytes of the file."""
        return os.pread(self.file, size, offset)

    def truncate(self, size: int) -> None:
        """Cut the file, or fill it up, to a size. Raises Refused over the quota."""
        if size > self.room:
            raise Refused(errno.EDQUOT, f"The file may have at most {self.room:,} bytes.")
        os.ftruncate(self.file, size)

    def close(self, *, complete: bool) -> None:
        """End the upload. Unless it is complete, and as large as was announced, its mark stays."""
        with self._closing:
            if self.closed:
                return
            self.closed = True
        with _registry_lock:
            if _open_uploads.get(self.key) is self:
                del _open_uploads[self.key]
        size = self.size
        if complete and self.announced in (None, size):
            self.jail.folders.mark(self.key[1]).unlink(missing_ok=True)
        else:
            self._write_mark("size" if complete else "broken")
        os.fchmod(self.file, 0o600)  # a time of change: from now on it is quiet, and to be looked at again
        os.close(self.file)  # and with it the lock

    def _write_mark(self, reason: str) -> None:
        mark = self.jail.folders.mark(self.key[1])
        text = json.dumps({"reason": reason, "announced": self.announced})
        draft = mark.with_suffix(".new")
        draft.write_text(text)
        draft.replace(mark)
