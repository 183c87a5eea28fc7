"""What the servers are known by: the host key of SFTP and the certificate of FTPS, made once and kept in the home."""

import contextlib
import os
from pathlib import Path

import asyncssh
from django.conf import settings


def host_key() -> asyncssh.SSHKey:
    """The key of the SFTP server; made at the first start, in a file that only we can read."""
    path = Path(settings.HOME) / "sftp_host_key"
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment="cdp")
        _write_once(path, key.export_private_key())
    return asyncssh.read_private_key(str(path))


def fingerprint() -> str:
    """The fingerprint of the host key as clients show it; empty before the first start of the server."""
    path = Path(settings.HOME) / "sftp_host_key"
    return str(asyncssh.read_private_key(str(path)).get_fingerprint()) if path.exists() else ""


def _write_once(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read, whole or not at all; the first of several who try at once wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
