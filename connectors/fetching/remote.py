"""What every place is to the fetching: a list of files, and the bytes of one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

SECONDS = 30.0
MOST_FILES = 10_000


class NotFetched(ValueError):
    """Why files cannot be fetched, as a sentence."""


@dataclass(frozen=True)
class RemoteFile:
    """A file elsewhere. `version` changes when its content does, as far as the place tells: a time or a tag."""

    path: str
    name: str
    size: int
    version: str
    changed_at: float  # seconds since 1970


class Place(Protocol):
    """An open connection."""

    def files(self) -> list[RemoteFile]:
        """The files of the folder. Raises NotFetched."""

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        """The bytes of a file, in blocks. Raises NotFetched, also when it is another one by now."""


Opener = Callable[[], AbstractContextManager[Place]]
