"""FTPS: FTP with explicit TLS on both channels; a password or a byte of a file is never taken without it.

Each connection has a thread (pyftpdlib), which may wait for the database and for the hash of a password. Connections are
made by the client alone: active mode is refused. Why an upload here is complete only if its data channel was closed by TLS
itself: docs/decisions/0021-complete-files.md.
"""

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.db import close_old_connections, connection
from OpenSSL import SSL

from connectors import logins
from connectors.jail import Place, Refused, Upload
from connectors.logins import Denied, Session
from connectors.models import Protocol

with warnings.catch_warnings():
    # It stands on a part of Python 3.11 that later versions no longer have; there it has its own copy of it.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.exceptions import AuthenticationFailed, FilesystemError
    from pyftpdlib.filesystems import AbstractedFS
    from pyftpdlib.handlers import TLS_DTPHandler, TLS_FTPHandler
    from pyftpdlib.servers import ThreadedFTPServer

log = logging.getLogger(__name__)
MOST_CONNECTIONS, MOST_FROM_ADDRESS = 400, 100
IDLE_SECONDS, STALL_SECONDS, LOOK_SECONDS = 300, 120, 10
# List, change folder, read, append, delete, rename, write, and the time of a file, which is told and not kept.
RIGHTS = "elradfwT"
REFUSED_COMMANDS = ("PORT", "EPRT", "STOU", "SITE", "SITE HELP", "SITE CHMOD", "REIN")


@contextmanager
def database() -> Iterator[None]:
    """The thread asks the database, and leaves no connection open."""
    close_old_connections()
    try:
        yield
    finally:
        connection.close()


@contextmanager
def _told() -> Iterator[None]:
    """What the jail refuses, in the words that the client shows."""
    try:
        yield
    except Refused as refused:
        raise FilesystemError(refused.sentence) from None


class UploadFile:
    """An upload as pyftpdlib wants a file: written one piece after another."""

    def __init__(self, upload: Upload, name: str) -> None:
        self.upload, self.name = upload, name
        self.complete = False

    @property
    def closed(self) -> bool:
        return self.upload.closed

    def seek(self, position: int) -> None:
        self.upload.position = position

    def write(self, data: bytes) -> int:
        return self.upload.write(bytes(data))

    def close(self) -> None:
        self.upload.close(complete=self.complete)


class Files(AbstractedFS):  # type: ignore[misc]
    """The jail of a connector. Paths stay those that the user sees; none is one of the disk."""

    def __init__(self, root: str, cmd_channel: "Control") -> None:
        super().__init__(root, cmd_channel)
        assert cmd_channel.session is not None
        self.jail = cmd_channel.session.jail

    def place(self, path: str) -> Place:
        with _told():
            return self.jail.place(path)

    def ftp2fs(self, ftppath: str) -> str:
        return str(self.ftpnorm(ftppath))

    def fs2ftp(self, fspath: str) -> str:
        return fspath

    def realpath(self, path: str) -> str:
        return path

    def validpath(self, path: str) -> bool:
        try:
            self.jail.place(path)
        except Refused:
            return False
        return True

    def chdir(self, path: str) -> None:
        if not self.place(path).is_folder:
            raise FilesystemError("Not a folder")
        self.cwd = path

    def open(self, filename: str, mode: str) -> "IO[bytes] | UploadFile":
        place = self.place(filename)
        with _told():
            if mode == "rb":
                return os.fdopen(self.jail.open_read(place), "rb")
            upload = self.jail.open_write(place, truncate=mode == "wb", create=mode != "r+b")
        file = UploadFile(upload, filename)
        if mode == "ab":
            file.seek(upload.size)
        return file

    def listdir(self, path: str) -> list[str]:
        with _told():
            return self.jail.names(self.place(path))

    listdirinfo = listdir

    def remove(self, path: str) -> None:
        with _told():
            self.jail.remove(self.place(path))

    def rename(self, src: str, dst: str) -> None:
        """As FTP servers do it, a file that has the name already is replaced."""
        with _told():
            self.jail.rename(self.place(src), self.place(dst), replace=True)

    def stat(self, path: str) -> os.stat_result:
        with _told():
            return self.jail.stat(self.place(path))

    lstat = stat

    def utime(self, path: str, timeval: float) -> None:
        """Accepted, so that programs which set it go on, and not kept."""
        self.stat(path)

    def getsize(self, path: str) -> int:
        return self.stat(path).st_size

    def getmtime(self, path: str) -> float:
        return self.stat(path).st_mtime

    def isfile(self, path: str) -> bool:
        return self.lexists(path) and not self.place(path).is_folder

    def isdir(self, path: str) -> bool:
        return self.validpath(path) and self.place(path).is_folder

    def islink(self, path: str) -> bool:
        return False

    def lexists(self, path: str) -> bool:
        try:
            self.jail.stat(self.jail.place(path))
        except OSError:
            return False
        return True

    def get_user_by_uid(self, uid: int) -> str:
        return "cdp"

    get_group_by_gid = get_user_by_uid


class Data(TLS_DTPHandler):  # type: ignore[misc]
    """A data channel. An upload is complete when its client has closed TLS before the connection: else, says RFC 8446,
    nobody knows whether all has come."""

    timeout = STALL_SECONDS
    transfer_finished: bool
    _looked = 0.0

    def handle_read(self) -> None:
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            if not self.cmd_channel.is_good():
                self._resp = ("426 The connector has changed; sign in again.", log.info)
                self.close()
                self.cmd_channel.close_when_done()
                return
        super().handle_read()

    def handle_read_event(self) -> None:
        """The class below binds its own `handle_read`."""
        if not self._ssl_requested or self._ssl_accepting or self._ssl_closing:
            super().handle_read_event()
            return
        with self._handle_ssl_want_rw():
            self._ssl_want_read = False
            self.handle_read()

    def push(self, data: bytes) -> None:
        """Send an answer. One without a byte, such as an empty list, is not written: OpenSSL takes that for a broken
        connection (findings/pyftpdlib-empty-list.sh)."""
        if data:
            super().push(data)
            return
        self._initialized = True
        self.modify_ioloop_events(self.ioloop.WRITE)
        self._wanted_io_events = self.ioloop.WRITE

    def close(self) -> None:
        file = self.file_obj
        if isinstance(file, UploadFile) and not file.closed:
            file.complete = self.transfer_finished and self._ended_by_tls()
            if self.transfer_finished and not file.complete:
                self.transfer_finished = False
                self._resp = ("426 The connection ended before the upload was complete.", log.info)
        super().close()

    def _ended_by_tls(self) -> bool:
        return isinstance(self.socket, SSL.Connection) and bool(self.socket.get_shutdown() & SSL.RECEIVED_SHUTDOWN)


class Control(TLS_FTPHandler):  # type: ignore[misc]
    """A control channel: who is signed in, and what was announced."""

    proto_cmds = {name: about for name, about in TLS_FTPHandler.proto_cmds.items() if name not in REFUSED_COMMANDS}  # noqa: RUF012
    dtp_handler = Data
    abstracted_fs = Files
    banner = "CDP"
    timeout = IDLE_SECONDS
    tls_control_required = tls_data_required = True
    unicode_errors = "strict"
    use_sendfile = False

    def __init__(self, conn: Any, server: Any, ioloop: Any = None) -> None:
        self.session: Session | None = None
        self.announced: int | None = None
        self._looked = time.monotonic()
        super().__init__(conn, server, ioloop)

    def is_good(self) -> bool:
        """Whether the session may go on."""
        if self.session is None:
            return True
        with database():
            return logins.still_good(self.session)

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        if self.session is not None and time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            if not self.is_good():
                self.respond("421 The connector has changed. Sign in again.")
                self.close_when_done()
                return
        super().process_command(cmd, *args, **kwargs)

    def ftp_ALLO(self, line: str) -> None:  # noqa: N802  the name of the command
        """Remember how large the next upload will be."""
        size = line.split(" ")[0]
        self.announced = int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None
        self.respond("200 Noted." if self.announced is not None else "501 Say the size in bytes.")

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:  # noqa: N802
        done = super().ftp_STOR(file, mode)
        queued = self.data_channel.file_obj if self.data_channel is not None else (self._in_dtp_queue or (None,))[0]
        # Line ends are translated in ASCII mode: the size is then another one.
        if done and isinstance(queued, UploadFile) and self._current_type == "i":
            queued.upload.announced = self.announced
        self.announced = None
        return done

    def log(self, msg: str, logfun: Callable[..., None] = log.info) -> None:
        logfun("%s:%s %s", self.remote_ip, self.remote_port, msg)


class SignIn:
    """What pyftpdlib asks about users."""

    def validate_authentication(self, username: str, password: str, handler: Control) -> None:
        with database():
            try:
                handler.session = logins.by_password(
                    username, password, address=handler.remote_ip, protocol=Protocol.FTPS
                )
            except Denied as denied:
                log.info("sign-in denied: %s", denied)
                raise AuthenticationFailed("Authentication failed.") from None

    def get_home_dir(self, username: str) -> str:
        return "/"

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        return perm in RIGHTS

    def get_perms(self, username: str) -> str:
        return RIGHTS

    def get_msg_login(self, username: str) -> str:
        return "Signed in. Upload files into the folder in."

    def get_msg_quit(self, username: str) -> str:
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        """Files belong to the program."""

    def terminate_impersonation(self, username: str) -> None:
        """Nothing to end."""


class Server:
    """The server in a thread of its own."""

    def __init__(
        self, *, host: str, port: int, certificate: Path, passive_ports: Sequence[int] = (), passive_address: str = ""
    ) -> None:
        context = tls(certificate)
        more = {
            "ssl_context": context,
            "authorizer": SignIn(),
            "passive_ports": list(passive_ports) or None,
            "masquerade_address": passive_address or None,
        }
        self.server = ThreadedFTPServer((host, port), type("Control", (Control,), more))
        self.server.max_cons, self.server.max_cons_per_ip = MOST_CONNECTIONS, MOST_FROM_ADDRESS
        self.port = int(self.server.address[1])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ftps", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and end the connections: uploads that are open stay incomplete."""
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.server.serve_forever(timeout=0.5, blocking=False, handle_exit=False)
        self.server.close_all()


def tls(certificate: Path) -> SSL.Context:
    """TLS 1.2 and 1.3 by a certificate; a data channel may take up the session of its control channel."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate_chain_file(str(certificate))
    context.use_privatekey_file(str(certificate))
    context.check_privatekey()
    context.set_session_id(b"cdp-ftps")
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    return context
