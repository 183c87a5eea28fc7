"""The form of a connector: what somebody has entered, checked, and the values that are stored."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import asyncssh

from connectors.models import DROPPING, GB, Connector, Protocol
from core.parse import parse_id
from imports.files import encodings
from imports.mapping.guess import normal_name
from imports.models import SavedMapping

MOST_NETWORKS, MOST_KEYS = 50, 20
MAX_QUIET, MAX_GB, MAX_FILES = 3_600, 1_000, 10_000
# Keys that are weak, or that need a device for every sign-in of a program.
KEY_TYPES = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
MIN_RSA_BITS = 2048


@dataclass
class ConnectorForm:
    """Texts as they were entered; `errors` has a sentence by field."""

    name: str = ""
    protocol: str = Protocol.SFTP
    mapping: int | None = None
    encoding: str = ""
    public_keys: str = ""
    networks: str = ""
    quiet_seconds: str = "10"
    max_gb: str = "5"
    max_files: str = "1000"
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, connector: Connector) -> "ConnectorForm":
        """The form that changes a connector."""
        return cls(
            name=connector.name, protocol=connector.protocol, mapping=connector.mapping_id, encoding=connector.encoding,
            public_keys=connector.public_keys, networks=connector.networks, quiet_seconds=str(connector.quiet_seconds),
            max_gb=f"{connector.max_bytes / GB:g}", max_files=str(connector.max_files),
        )  # fmt: skip

    @classmethod
    def read(cls, posted: Any, *, protocol: str = "") -> "ConnectorForm":
        """The form as it was sent, checked. The protocol of a connector that exists does not change."""

        def text(name: str, size: int) -> str:
            return str(posted.get(name, "")).replace("\x00", "").replace("\r\n", "\n").strip()[:size]

        form = cls(
            name=text("name", 120), protocol=protocol or text("protocol", 12), mapping=parse_id(text("mapping", 20)),
            encoding=text("encoding", 30),
            public_keys=text("public_keys", 20_000), networks=text("networks", 5_000),
            quiet_seconds=text("quiet_seconds", 12), max_gb=text("max_gb", 12), max_files=text("max_files", 12),
        )  # fmt: skip
        form._check()
        return form

    def _check(self) -> None:
        if not self.name:
            self.errors["name"] = "Enter a name, for example Shop customers."
        if self.protocol not in DROPPING:
            self.errors["protocol"] = "Choose how files come."
        if self.mapping is None or not SavedMapping.objects.filter(pk=self.mapping).exists():
            self.errors["mapping"] = "Choose the saved mapping of the files."
        if self.encoding and self.encoding not in encodings.CHOICES:
            self.errors["encoding"] = "Choose an encoding of the list."
        for name, low, high in (("quiet_seconds", 0, MAX_QUIET), ("max_gb", 1, MAX_GB), ("max_files", 1, MAX_FILES)):
            value = getattr(self, name)
            if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
                self.errors[name] = f"Enter a whole number from {low} to {high:,}."
        for name, check in (("networks", read_networks), ("public_keys", read_keys)):
            try:
                setattr(self, name, "\n".join(check(getattr(self, name))))
            except ValueError as problem:
                self.errors[name] = str(problem)
        if self.protocol == Protocol.FTPS and self.public_keys:
            self.errors["public_keys"] = "FTPS has no public keys. Choose SFTP, or leave this empty."

    def values(self) -> dict[str, Any]:
        """What is stored. Only of a form without errors."""
        return {
            "name": self.name, "mapping_id": self.mapping, "encoding": self.encoding,
            "public_keys": self.public_keys, "networks": self.networks,
            "quiet_seconds": int(self.quiet_seconds), "max_bytes": int(self.max_gb) * GB, "max_files": int(self.max_files),
        }  # fmt: skip


def read_networks(text: str) -> list[str]:
    """Addresses and networks, one a line or separated by commas, in their normal form. Raises ValueError with a sentence."""
    networks = []
    for part in re.split(r"[\s,]+", text.strip()):
        if not part:
            continue
        try:
            networks.append(str(ip_network(part, strict=False)))
        except ValueError:
            raise ValueError(f"“{part[:60]}” is not an address or a network. Write it like 203.0.113.0/24.") from None
    if len(networks) > MOST_NETWORKS:
        raise ValueError(f"{len(networks)} networks are too many. The limit is {MOST_NETWORKS}.")
    return list(dict.fromkeys(networks))


def read_keys(text: str) -> list[str]:
    """Public keys as OpenSSH writes them, one a line. Raises ValueError with a sentence."""
    keys = []
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            key = asyncssh.import_public_key(line)
        except (asyncssh.KeyImportError, ValueError):
            raise ValueError(
                f"“{line[:40]}…” is not a public key. Paste the line of a file such as id_ed25519.pub."
            ) from None
        if key.get_algorithm() not in KEY_TYPES:
            raise ValueError(f"Keys of the type {key.get_algorithm()} are not accepted. Use ssh-ed25519.")
        bits = getattr(key.pyca_key, "key_size", MIN_RSA_BITS)
        if key.get_algorithm() == "ssh-rsa" and bits < MIN_RSA_BITS:
            raise ValueError(f"This RSA key has {bits} bits. The least is {MIN_RSA_BITS}.")
        keys.append(" ".join(line.split()[:3]))
    if len(keys) > MOST_KEYS:
        raise ValueError(f"{len(keys)} keys are too many. The limit is {MOST_KEYS}.")
    return list(dict.fromkeys(keys))


def free_login(name: str) -> str:
    """A user name for a connector of this name that no other one of the workspace has had."""
    base = re.sub(r"[^a-z0-9]+", "-", normal_name(name)).strip("-")[:30].strip("-") or "files"
    taken = set(Connector.objects.filter(login__gte=base, login__lt=f"{base}~").values_list("login", flat=True))
    return next(login for n in range(1, len(taken) + 2) if (login := base if n == 1 else f"{base}-{n}") not in taken)
