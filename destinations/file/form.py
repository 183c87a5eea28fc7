"""What a connection to a bucket or a server is asked for."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from destinations.kinds import Field

S3, SFTP = "s3", "sftp"
_IN_S3, _BY_SFTP = ("place", S3), ("place", SFTP)
ACCOUNT = (
    Field("place", "Where", choices=((S3, "A bucket (S3)"), (SFTP, "A server (SFTP)"))),
    Field("endpoint", "Address of the store", "Such as https://s3.eu-central-1.amazonaws.com.", when=_IN_S3),
    Field("region", "Region", "Such as eu-central-1.", when=_IN_S3),
    Field("bucket", "Bucket", when=_IN_S3),
    Field("access_key", "Access key", when=_IN_S3),
    Field("secret_key", "Secret key", secret=True, when=_IN_S3),
    Field("host", "Server", "Such as sftp.example.com.", when=_BY_SFTP),
    Field("port", "Port", "22 unless it says otherwise.", required=False, when=_BY_SFTP),
    Field("user", "User", when=_BY_SFTP),
    Field("password", "Password", secret=True, required=False, when=_BY_SFTP),
    Field("private_key", "Private key", "Instead of a password.", True, required=False, lines=True, when=_BY_SFTP),
    Field("host_key", "Host key", "Of the server, such as ssh-ed25519 AAAA…", when=_BY_SFTP),
    Field("folder", "Folder", "Such as exports/ads. Empty: the first one.", required=False),
)
TARGET = (Field("file_name", "Name of the file", "Such as vip.csv. Each run puts a complete file in its place."),)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}").fullmatch


def clean_account(account: MutableMapping[str, Any], secret: MutableMapping[str, Any]) -> None:
    """Raises ValueError with a sentence."""
    place = account.get("place")
    if place not in (S3, SFTP):
        raise ValueError("Choose where the file goes.")
    if place == SFTP and not (secret.get("password") or secret.get("private_key")):
        raise ValueError("Fill in a password or a private key.")
    if place == S3 and not str(account["endpoint"]).startswith(("https://", "http://")):
        raise ValueError("The address of a store begins with https://.")
    if place == SFTP:
        port = str(account.get("port") or "22")
        if not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65_536):
            raise ValueError("A port is a number from 1 to 65535.")
        account["port"] = port
    folder = str(account.get("folder", "")).strip("/")
    if ".." in folder.split("/"):
        raise ValueError("A folder has no “..” in it.")
    account["folder"] = folder


def clean_target(target: Mapping[str, Any]) -> None:
    """Raises ValueError with a sentence."""
    if not _NAME(str(target["file_name"])):
        raise ValueError("A file name has letters, digits, points, hyphens and underscores, such as vip.csv.")
