"""A client's SFTP server. Its host key is pinned at the first connection; another one later is refused."""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncssh

from connectors.fetching.remote import MOST_FILES, SECONDS, NotFetched, RemoteFile
from core import outside_addresses
from core.outside_addresses import BadAddress

BLOCK = 4 << 20


@dataclass(frozen=True)
class Address:
    """Where the server is, and who signs in."""

    host: str
    port: int
    user: str
    folder: str
    password: str = ""
    private_key: str = ""


async def host_key(address: Address) -> asyncssh.SSHKey:
    """The key that the server shows. Raises NotFetched."""
    try:
        async with asyncio.timeout(SECONDS):
            key = await asyncssh.get_server_host_key(
                address.host, address.port, sock=await _socket(address), config=None
            )
    except (OSError, asyncssh.Error, TimeoutError) as problem:
        raise NotFetched(f"{address.host} does not answer as an SFTP server: {_words(problem)}.") from None
    if key is None:
        raise NotFetched(f"{address.host} shows no host key.")
    return key


class SftpPlace:
    """A connection, with a loop of its own that runs while something is asked."""

    def __init__(self, address: Address, *, key: str) -> None:
        self.address, self.key = address, key
        self._runner = asyncio.Runner()
        self._stack: Any = None
        self._files: asyncssh.SFTPClient | None = None

    def __enter__(self) -> "SftpPlace":
        self._stack = _connected(self.address, self.key)
        try:
            self._files = self._runner.run(self._stack.__aenter__())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(self, *about: Any) -> None:
        try:
            self._runner.run(self._stack.__aexit__(None, None, None))
        finally:
            self._runner.close()

    def files(self) -> list[RemoteFile]:
        return self._runner.run(self._list())

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        at = 0
        while block := self._runner.run(self._block(file, at)):
            yield block
            at += len(block)
        if self._runner.run(self._version(file)) != (file.size, file.version) or at != file.size:
            raise NotFetched(f"{file.name} changes while it is fetched.")

    async def _list(self) -> list[RemoteFile]:
        assert self._files is not None
        found = []
        try:
            async with asyncio.timeout(SECONDS):
                async for entry in self._files.scandir(self.address.folder or "."):
                    about, name = entry.attrs, str(entry.filename)
                    if about.permissions is None or not stat.S_ISREG(about.permissions) or about.size is None:
                        continue
                    path = f"{self.address.folder.rstrip('/')}/{name}" if self.address.folder else name
                    found.append(RemoteFile(path, name, about.size, str(about.mtime or 0), float(about.mtime or 0)))
                    if len(found) >= MOST_FILES:
                        raise NotFetched(f"The folder has more than {MOST_FILES:,} files. Move old ones away.")
        except (asyncssh.Error, OSError, TimeoutError) as problem:
            raise NotFetched(f"The folder “{self.address.folder}” cannot be listed: {_words(problem)}.") from None
        return sorted(found, key=lambda file: (file.changed_at, file.name))

    async def _block(self, file: RemoteFile, at: int) -> bytes:
        assert self._files is not None
        try:
            async with asyncio.timeout(SECONDS), self._files.open(file.path, "rb") as opened:
                read = await opened.read(BLOCK, at)
                return read if isinstance(read, bytes) else read.encode()
        except (asyncssh.Error, OSError, TimeoutError) as problem:
            raise NotFetched(f"{file.name} cannot be read: {_words(problem)}.") from None

    async def _version(self, file: RemoteFile) -> tuple[int, str]:
        assert self._files is not None
        try:
            async with asyncio.timeout(SECONDS):
                about = await self._files.stat(file.path)
        except (asyncssh.Error, OSError, TimeoutError) as problem:
            raise NotFetched(f"{file.name} cannot be read: {_words(problem)}.") from None
        return int(about.size or 0), str(about.mtime or 0)


@asynccontextmanager
async def _connected(address: Address, key: str) -> AsyncIterator[asyncssh.SFTPClient]:
    try:
        known: Any = ([asyncssh.import_public_key(key)], [], [])
        own = [asyncssh.import_private_key(address.private_key)] if address.private_key else None
        async with asyncio.timeout(SECONDS):
            connection = await asyncssh.connect(
                address.host, address.port, sock=await _socket(address), username=address.user,
                password=address.password or None, client_keys=own, known_hosts=known, config=None, agent_path=None,
                keepalive_interval=15,
            )  # fmt: skip
    except asyncssh.HostKeyNotVerifiable:
        raise NotFetched(
            f"The host key of {address.host} is not the one that was seen first. If its owner has changed it, forget the "
            "old key on this page."
        ) from None
    except asyncssh.PermissionDenied:
        raise NotFetched(f"{address.host} refuses the user {address.user}: check the password or the key.") from None
    except (OSError, asyncssh.Error, ValueError, TimeoutError) as problem:
        raise NotFetched(f"{address.host} cannot be reached: {_words(problem)}.") from None
    async with connection, connection.start_sftp_client() as files:
        yield files


async def _socket(address: Address) -> Any:
    """A connection to a checked address."""
    try:
        return await asyncio.to_thread(outside_addresses.connect, address.host, address.port, seconds=SECONDS)
    except BadAddress as problem:
        raise NotFetched(str(problem)) from None


def _words(problem: Exception) -> str:
    return str(problem).strip(". ") or type(problem).__name__
