"""The form of a connector that fetches: where, what, when. Secrets that are left empty stay as they are."""

import json
from dataclasses import dataclass, field
from datetime import time
from typing import Any
from urllib.parse import urlsplit

import asyncssh

from connectors.connector_form import MAX_QUIET
from connectors.fetching import schedule
from connectors.fetching.job import PURPOSE
from connectors.models import FETCHING, Connector, Protocol
from core import encryption, outside_addresses
from core.outside_addresses import BadAddress
from core.parse import parse_id
from imports.files import encodings
from imports.models import SavedMapping

# Name of a field → (label, what is in it when it is empty, whether it must be filled), by protocol.
PLACES: dict[str, dict[str, tuple[str, str, bool]]] = {
    Protocol.FETCH_SFTP: {
        "host": ("Host", "sftp.example.com", True),
        "port": ("Port", "22", True),
        "user": ("User", "cdp", True),
        "folder": ("Folder", "/export", False),
    },
    Protocol.FETCH_S3: {
        "endpoint": ("Endpoint", "https://s3.eu-west-1.amazonaws.com", True),
        "region": ("Region", "eu-west-1", True),
        "bucket": ("Bucket", "shop-exports", True),
        "prefix": ("Prefix", "customers/", False),
        "access_key": ("Access key", "AKIA…", True),
    },
}
SECRETS: dict[str, tuple[str, ...]] = {
    Protocol.FETCH_SFTP: ("password", "private_key"),
    Protocol.FETCH_S3: ("secret_key",),
}


@dataclass
class FetchForm:
    """Texts as they were entered; `errors` has a sentence by field."""

    name: str = ""
    protocol: str = Protocol.FETCH_SFTP
    mapping: int | None = None
    encoding: str = ""
    place: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    pattern: str = "*.csv"
    every: str = "15"
    daily_at: str = "03:00"
    quiet_seconds: str = "60"
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def blank(cls, protocol: str) -> "FetchForm":
        """The form of a new connector."""
        known = protocol if protocol in FETCHING else Protocol.FETCH_SFTP
        return cls(protocol=known, place={"port": "22"} if known == Protocol.FETCH_SFTP else {})

    @classmethod
    def of(cls, connector: Connector) -> "FetchForm":
        """The form that changes a connector."""
        return cls(
            name=connector.name, protocol=connector.protocol, mapping=connector.mapping_id, encoding=connector.encoding,
            place={name: str(value) for name, value in connector.remote.items()}, pattern=connector.pattern,
            every=str(connector.every_minutes), daily_at=f"{connector.daily_at or time(3, 0):%H:%M}",
            quiet_seconds=str(connector.quiet_seconds),
        )  # fmt: skip

    @classmethod
    def read(cls, posted: Any, *, protocol: str, known: Connector | None = None) -> "FetchForm":
        """The form as it was sent, checked. `known` is the connector that it changes."""

        def text(name: str, size: int = 250) -> str:
            return str(posted.get(name, "")).replace("\x00", "").replace("\r\n", "\n").strip()[:size]

        form = cls.blank(protocol)
        form.name, form.mapping, form.pattern = text("name", 120), parse_id(text("mapping", 20)), text("pattern", 200)
        form.encoding = text("encoding", 30)
        form.every, form.daily_at, form.quiet_seconds = text("every", 6), text("daily_at", 8), text("quiet_seconds", 6)
        form.place = {name: text(name) for name in PLACES[form.protocol]}
        form.secrets = {name: text(name, 20_000) for name in SECRETS[form.protocol]}
        form._check(known)
        return form

    def _check(self, known: Connector | None) -> None:
        if not self.name:
            self.errors["name"] = "Enter a name, for example Shop customers."
        if self.mapping is None or not SavedMapping.objects.filter(pk=self.mapping).exists():
            self.errors["mapping"] = "Choose the saved mapping of the files."
        if self.encoding and self.encoding not in encodings.CHOICES:
            self.errors["encoding"] = "Choose an encoding of the list."
        for name, (label, example, needed) in PLACES[self.protocol].items():
            if needed and not self.place[name]:
                self.errors[name] = f"{label}: enter a value such as {example}."
        if not (self.every.isascii() and self.every.isdigit() and int(self.every) in schedule.CHOICES):
            self.errors["every"] = "Choose how often."
        if _time(self.daily_at) is None:
            self.errors["daily_at"] = "Enter a time such as 03:00."
        if not (self.quiet_seconds.isascii() and self.quiet_seconds.isdigit() and int(self.quiet_seconds) <= MAX_QUIET):
            self.errors["quiet_seconds"] = f"Enter a whole number from 0 to {MAX_QUIET:,}."
        if not any(self.secrets.values()) and known is None:
            self.errors[SECRETS[self.protocol][0]] = "Enter the secret that opens it."
        self._check_key()
        self._check_address()

    def _check_key(self) -> None:
        if key := self.secrets.get("private_key"):
            try:
                asyncssh.import_private_key(key)
            except (asyncssh.KeyImportError, ValueError):
                self.errors["private_key"] = "This is not a private key without a passphrase, as ssh-keygen writes it."

    def _check_address(self) -> None:
        """The host must be one of the internet: said here as well as at each connection."""
        if self.protocol == Protocol.FETCH_SFTP:
            port = parse_id(self.place["port"])
            if port is None or not 0 < port < 65_536:
                self.errors.setdefault("port", "Enter a port from 1 to 65,535.")
            elif self.place["host"]:
                self._resolve("host", self.place["host"], port)
            return
        try:
            at = urlsplit(self.place["endpoint"])
            host, port = at.hostname or "", at.port or (443 if at.scheme == "https" else 80)
        except ValueError:
            host, port = "", 0
        if not host or at.scheme not in ("https", "http") or at.path.strip("/") or at.query or at.username:
            self.errors.setdefault("endpoint", "Enter an address such as https://s3.eu-west-1.amazonaws.com.")
        elif at.scheme == "http" and not outside_addresses.is_inside(host, port):
            self.errors["endpoint"] = "The address must begin with https://."
        else:
            self._resolve("endpoint", host, port)

    def _resolve(self, name: str, host: str, port: int) -> None:
        try:
            outside_addresses.resolve(host, port)
        except BadAddress as problem:
            self.errors[name] = str(problem)

    def values(self, known: Connector | None = None) -> dict[str, Any]:
        """What is stored. Only of a form without errors."""
        remote: dict[str, Any] = {**self.place}
        if "port" in remote:
            remote["port"] = int(remote["port"])
        out = {
            "name": self.name, "mapping_id": self.mapping, "encoding": self.encoding, "remote": remote,
            "pattern": self.pattern,
            "every_minutes": int(self.every), "daily_at": _time(self.daily_at),
            "quiet_seconds": int(self.quiet_seconds),
        }  # fmt: skip
        if any(self.secrets.values()):
            out["remote_secret"] = encryption.encrypt(json.dumps(self.secrets), purpose=PURPOSE)
        if known is not None and known.remote.get("host") != remote.get("host"):
            out["remote_host_key"] = ""
        return out


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        return None
