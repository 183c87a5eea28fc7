"""SFTP: one connection signs in as one connector and sees its jail. No shell, no commands, no forwarding, no links.

All of it runs in one event loop. Signing in is done by threads (connectors.logins); reading and writing files is done in the
loop, in pieces of at most 64 KB.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import asyncssh
from asyncssh import constants
from django.db import close_old_connections, connection

from connectors import logins
from connectors.jail import Jail, Place, Upload
from connectors.logins import Denied, Session
from connectors.models import Protocol

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
# Connections at once, all together and before they have signed in.
MOST_CONNECTIONS, MOST_FROM_ADDRESS = 400, 100
LOGIN_SECONDS, ALIVE_SECONDS, ALIVE_MISSES = 30, 20, 3
LOOK_SECONDS = 10
# Without SHA-1 and DSA.
SIGNATURES = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256",
)  # fmt: skip
_threads = ThreadPoolExecutor(4, thread_name_prefix="sign-in")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what waits for the database in a thread, which leaves no connection open."""

    def run() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


class Door(asyncssh.SSHServer):
    """One connection: who it is."""

    connections: "set[Door]" = set()  # noqa: RUF012  all of this process

    def __init__(self) -> None:
        self.session: Session | None = None
        self.name, self.address = "", ""
        self._keys: list[asyncssh.SSHKey] = []
        self._by_key = False
        self.connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.address = str(conn.get_extra_info("peername")[0])
        same = sum(door.address == self.address for door in self.connections)
        if len(self.connections) >= MOST_CONNECTIONS or same >= MOST_FROM_ADDRESS:
            log.warning("%s: too many connections", self.address)
            conn.abort()
            return
        self.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)

    async def begin_auth(self, username: str) -> bool:
        self.name = username
        texts = await in_thread(logins.keys_of, username, protocol=Protocol.SFTP)
        self._keys = [asyncssh.import_public_key(text) for text in texts]
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        return await self._signed_in(logins.by_password, username, password)

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Asked before the client has proved that it has the key, and again when it has. A session here opens nothing:
        without the proof there is no channel that could use it."""
        if not any(key.public_data == known.public_data for known in self._keys):
            return False
        self._by_key = await self._signed_in(logins.by_key, username)
        return self._by_key

    async def auth_completed(self) -> None:
        """The client is told before this ends, so what decides whether it comes in was done above."""
        if self._by_key and self.session is not None:
            await in_thread(logins.record, self.session, address=self.address, way="key")

    async def _signed_in(self, way: Callable[..., Session], *args: str) -> bool:
        try:
            self.session = await in_thread(way, *args, address=self.address, protocol=Protocol.SFTP)
        except Denied as denied:
            log.info("sign-in denied: %s", denied)
            return False
        return True


class Files(asyncssh.SFTPServer):
    """The jail of a connector, in the words of SFTP."""

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        door = chan.get_connection().get_owner()
        if not isinstance(door, Door) or door.session is None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "Permission denied.")
        self.jail: Jail = door.session.jail
        self.exited = False
        super().__init__(chan, chroot=os.fsencode(self.jail.folders.jail))

    def _place(self, path: bytes) -> Place:
        try:
            return self.jail.place(path.decode())
        except UnicodeDecodeError:
            raise asyncssh.SFTPFailure("The name is not UTF-8.") from None

    def format_user(self, uid: int | None) -> str:
        return "cdp"

    def format_group(self, gid: int | None) -> str:
        return "cdp"

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        place = self._place(path)
        if not pflags & constants.FXF_WRITE:
            return os.fdopen(self.jail.open_read(place), "rb", buffering=0)
        upload = self.jail.open_write(
            place,
            truncate=bool(pflags & constants.FXF_TRUNC),
            create=bool(pflags & constants.FXF_CREAT),
            exclusive=bool(pflags & constants.FXF_EXCL),
        )
        upload.appends = bool(pflags & constants.FXF_APPEND)
        return upload

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        raise asyncssh.SFTPOpUnsupported("Only version 3 of SFTP is spoken here.")

    def close(self, file_obj: object) -> None:
        """Closed by the client, or because the connection has gone: then `exit` is called before the loop runs again."""
        if not isinstance(file_obj, Upload):
            file_obj.close()  # type: ignore[attr-defined]
            return
        asyncio.get_running_loop().call_soon(lambda: file_obj.close(complete=not self.exited))

    def exit(self) -> None:
        self.exited = True

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if isinstance(file_obj, Upload):
            return file_obj.read(size, offset)
        return os.pread(file_obj.fileno(), size, offset)  # type: ignore[attr-defined]

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if not isinstance(file_obj, Upload):
            raise asyncssh.SFTPPermissionDenied("The file was opened for reading.")
        return file_obj.write(data, file_obj.size if file_obj.appends else offset)

    def lstat(self, path: bytes) -> os.stat_result:
        return self.jail.stat(self._place(path))

    stat = lstat

    def fstat(self, file_obj: object) -> os.stat_result:
        return os.fstat(file_obj.file if isinstance(file_obj, Upload) else file_obj.fileno())  # type: ignore[attr-defined]

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Times, owners and rights that programs want to take over are not: the size is the only thing that counts."""
        self.jail.stat(self._place(path))
        if attrs.size is not None:
            raise asyncssh.SFTPOpUnsupported("Open the file to change its size.")

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        if attrs.size is not None:
            if not isinstance(file_obj, Upload):
                raise asyncssh.SFTPPermissionDenied("The file was opened for reading.")
            file_obj.truncate(attrs.size)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        place = self._place(path)
        for name in self.jail.names(place):
            inner = Place(name) if not place.folder else Place(place.folder, name)
            try:
                attrs = asyncssh.SFTPAttrs.from_local(self.jail.stat(inner))
            except FileNotFoundError:
                continue  # it was taken, or has another name
            yield asyncssh.SFTPName(name.encode(), attrs=attrs)

    def remove(self, path: bytes) -> None:
        self.jail.remove(self._place(path))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self.jail.rename(self._place(oldpath), self._place(newpath), replace=False)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self.jail.rename(self._place(oldpath), self._place(newpath), replace=True)

    def realpath(self, path: bytes) -> bytes:
        return self._place(path).text.encode()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        if self._place(path).is_folder:
            raise asyncssh.SFTPFailure("The folder is already there.")
        raise asyncssh.SFTPPermissionDenied("Folders cannot be added here.")

    def rmdir(self, path: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("Folders cannot be removed here.")

    def readlink(self, path: bytes) -> bytes:
        raise asyncssh.SFTPOpUnsupported("There are no links here.")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("There are no links here.")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("There are no links here.")

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> None:
        raise asyncssh.SFTPOpUnsupported("Files are locked while they are written.")

    def unlock(self, file_obj: object, offset: int, length: int) -> None:
        raise asyncssh.SFTPOpUnsupported("Files are locked while they are written.")

    def statvfs(self, path: bytes) -> os.statvfs_result:
        raise asyncssh.SFTPOpUnsupported("The size of the disk is not told.")

    def fstatvfs(self, file_obj: object) -> os.statvfs_result:
        raise asyncssh.SFTPOpUnsupported("The size of the disk is not told.")

    async def fsync(self, file_obj: object) -> None:
        if isinstance(file_obj, Upload):
            await asyncio.to_thread(os.fsync, file_obj.file)


async def serve(*, host: str, port: int, key: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
    """Listen. Connections of connectors that are changed, disabled or deleted are closed within seconds."""
    acceptor = await asyncssh.listen(
        host,
        port,
        server_factory=Door,
        server_host_keys=[key],
        sftp_factory=Files,
        allow_scp=False,
        allow_pty=False,
        agent_forwarding=False,
        x11_forwarding=False,
        gss_host=None,
        server_version="CDP",
        signature_algs=SIGNATURES,
        login_timeout=LOGIN_SECONDS,
        keepalive_interval=ALIVE_SECONDS,
        keepalive_count_max=ALIVE_MISSES,
        compression_algs=None,
        config=None,
    )
    acceptor.looking = asyncio.ensure_future(_close_changed())  # type: ignore[attr-defined]
    return acceptor


async def _close_changed() -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await close_changed()


async def close_changed() -> None:
    """Close the connections of connectors that are not as they were when these began."""
    for door in list(Door.connections):
        if door.session is None:
            continue
        try:
            good = await in_thread(logins.still_good, door.session)
        except Exception:
            log.exception("a session of %s could not be looked at", door.name)
            continue
        if not good and door.connection is not None:
            door.connection.disconnect(asyncssh.DISC_BY_APPLICATION, "The connector has changed. Sign in again.")
