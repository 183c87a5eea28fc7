"""Real client programs, each with a time limit. A test that needs one that is not on the machine is skipped, and says so."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where a program is missing."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not on this machine")


def run(command: Sequence[str | Path], **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end."""
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=SECONDS, **more)


def curl_command(port: int, user: str, password: str, *arguments: str | Path, path: str = "in/") -> list[str]:
    return [
        "curl", "--silent", "--show-error", "--insecure", "--ssl-reqd", "--tlsv1.3", "--user", f"{user}:{password}",
        *map(str, arguments), f"ftp://127.0.0.1:{port}/{path}",
    ]  # fmt: skip


def lftp_command(url: str, user: str, password: str, script: str) -> list[str]:
    # It closes a data channel without having read the session tickets of TLS 1.3: the kernel then resets the connection,
    # and a busy server loses what it has not read yet. It is told so (426), and goes on where the file ends.
    settings = "set net:max-retries 20; set net:reconnect-interval-base 1; set net:reconnect-interval-multiplier 1; "
    settings += "set net:timeout 10; set cmd:fail-exit true; "
    settings += "set ftp:ssl-force true; set ssl:verify-certificate no; set sftp:auto-confirm yes; "
    return ["lftp", "--norc", "-u", f"{user},{password}", url, "-e", f"{settings}{script}; bye"]


def openssh_command(port: int, user: str, key: Path, hosts: Path) -> list[str]:
    options = {
        "UserKnownHostsFile": str(hosts), "GlobalKnownHostsFile": "/dev/null", "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes", "IdentityAgent": "none", "BatchMode": "yes",
    }  # fmt: skip
    pairs = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return ["sftp", "-q", "-F", "none", "-i", str(key), *pairs, "-P", str(port), "-b", "-", f"{user}@127.0.0.1"]
