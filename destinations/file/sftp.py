"""A file on an SFTP server whose host key is known."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from core import outside_addresses
from core.outside_addresses import BadAddress
from destinations.kinds import Busy, Outcome, Refused

SECONDS, TRANSFER_SECONDS = 30.0, 250.0
PART = ".part"


class SftpFile:
    """One file. Each act has a connection of its own."""

    def __init__(self, account: Mapping[str, Any], secret: Mapping[str, Any], path: str) -> None:
        self.account, self.secret, self.path = account, secret, path

    def replace(self, path: str, *, rows: int) -> Outcome:
        asyncio.run(self._put(path))
        return Outcome(rows)

    def check(self) -> str:
        """Signs in, and looks at the folder."""
        asyncio.run(self._look())
        return f"The server {self.account['host']} answers."

    async def _put(self, local: str) -> None:
        async with asyncio.timeout(TRANSFER_SECONDS), _connected(self.account, self.secret) as files:
            # By which it is reached may be a link to a file without a name (core.unnamed_files).
            await files.put(local, self.path + PART, follow_symlinks=True)
            await files.posix_rename(self.path + PART, self.path)

    async def _look(self) -> None:
        async with asyncio.timeout(SECONDS), _connected(self.account, self.secret) as files:
            await files.stat(str(self.account.get("folder") or "."))


@asynccontextmanager
async def _connected(account: Mapping[str, Any], secret: Mapping[str, Any]) -> AsyncIterator[asyncssh.SFTPClient]:
    """Raises Busy, Refused, also for what happens while it is open."""
    host, port = str(account["host"]), int(account.get("port") or 22)
    try:
        known: Any = ([asyncssh.import_public_key(str(account["host_key"]))], [], [])
        own = [asyncssh.import_private_key(str(secret["private_key"]))] if secret.get("private_key") else None
        sock = await asyncio.to_thread(outside_addresses.connect, host, port, seconds=SECONDS)
        connection = await asyncssh.connect(
            host, port, sock=sock, username=str(account["user"]), password=secret.get("password") or None,
            client_keys=own, known_hosts=known, config=None, agent_path=None, keepalive_interval=15,
        )  # fmt: skip
        async with connection, connection.start_sftp_client() as files:
            yield files
    except asyncssh.KeyImportError:
        raise Refused("The host key or the private key cannot be read.") from None
    except asyncssh.HostKeyNotVerifiable:
        raise Refused(f"{host} shows another host key than the one that was entered.") from None
    except asyncssh.PermissionDenied:
        raise Refused(f"{host} refuses the user {account['user']}: check the password or the key.") from None
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied) as problem:
        raise Refused(f"The file cannot be written: {problem.reason}.") from None
    except BadAddress as problem:
        raise Busy(str(problem)) from None
    except (OSError, asyncssh.Error, TimeoutError) as problem:
        raise Busy(f"{host} cannot be reached: {str(problem).strip('. ') or type(problem).__name__}.") from None
