"""How to try a connector with the usual programs: real host, port and user, ready to copy."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from connectors import logins
from connectors.models import Connector, Protocol
from tenants.models import Tenant


@dataclass(frozen=True)
class Steps:
    """What to do in one program: lines to copy, or pairs to enter."""

    program: str
    key: str
    text: str = ""
    pairs: tuple[tuple[str, str], ...] = ()


def address(tenant: Tenant, connector: Connector) -> dict[str, Any]:
    """Host, port and user of a connector, and its address in one line."""
    port = settings.SFTP_PORT if connector.protocol == Protocol.SFTP else settings.FTPS_PORT
    user = logins.user_name(tenant, connector)
    scheme = "sftp" if connector.protocol == Protocol.SFTP else "ftp"
    return {
        "host": settings.FILES_HOST, "port": port, "user": user,
        "url": f"{scheme}://{user}@{settings.FILES_HOST}:{port}/in/",
    }  # fmt: skip


def steps(tenant: Tenant, connector: Connector) -> list[Steps]:
    """The programs that can be used, the simplest first."""
    to = address(tenant, connector)
    host, port, user = to["host"], to["port"], to["user"]
    if connector.protocol == Protocol.SFTP:
        return [
            Steps("OpenSSH", "openssh", f"echo 'put customers.csv in/' | sftp -b - -P {port} {user}@{host}"
                  if connector.public_keys else f"sftp -P {port} {user}@{host}\nput customers.csv in/"),
            Steps("lftp", "lftp", f"lftp -e 'put -O in customers.csv; bye' -u {user} sftp://{host}:{port}"),
            Steps("FileZilla", "filezilla", pairs=(
                ("Protocol", "SFTP - SSH File Transfer Protocol"), ("Host", host), ("Port", str(port)),
                ("Logon type", "Ask for password"), ("User", user), ("Remote folder", "/in"))),
            Steps("WinSCP", "winscp", pairs=(
                ("File protocol", "SFTP"), ("Host name", host), ("Port number", str(port)), ("User name", user),
                ("Remote directory", "/in"))),
        ]  # fmt: skip
    own = "" if settings.FTPS_CERTIFICATE else " -k"
    trust = "" if settings.FTPS_CERTIFICATE else "set ssl:verify-certificate no; "
    return [
        Steps("curl", "curl", f"curl{own} --ssl-reqd --user {user} -T customers.csv ftp://{host}:{port}/in/"),
        Steps("lftp", "lftp", (
            f"lftp -e 'set ftp:ssl-force true; {trust}put -O in customers.csv; bye' -u {user} ftp://{host}:{port}")),
        Steps("FileZilla", "filezilla", pairs=(
            ("Protocol", "FTP - File Transfer Protocol"), ("Encryption", "Require explicit FTP over TLS"),
            ("Host", host), ("Port", str(port)), ("Logon type", "Ask for password"), ("User", user),
            ("Default remote folder", "/in"))),
        Steps("WinSCP", "winscp", pairs=(
            ("File protocol", "FTP"), ("Encryption", "TLS/SSL Explicit encryption"), ("Host name", host),
            ("Port number", str(port)), ("User name", user), ("Remote directory", "/in"))),
    ]  # fmt: skip
