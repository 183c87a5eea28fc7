"""What the servers are known by: the host key of SFTP and the certificate of FTPS, made once and kept in the home."""

import contextlib
import os
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import timezone


def host_key() -> asyncssh.SSHKey:
    """The key of the SFTP server; made at the first start, in a file that only we can read."""
    path = Path(settings.HOME) / "sftp_host_key"
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment="cdp")
        _write_once(path, key.export_private_key())
    return asyncssh.read_private_key(str(path))


def certificate() -> Path:
    """The file with certificate and key of the FTPS server: the one that is named, else one of our own making."""
    if settings.FTPS_CERTIFICATE:
        return Path(settings.FTPS_CERTIFICATE)
    path = Path(settings.HOME) / "ftps.pem"
    if not path.exists():
        _write_once(path, self_signed(settings.FILES_HOST, now=timezone.now()))
    return path


def self_signed(host: str, *, now: datetime) -> bytes:
    """Key and certificate for a host, in PEM; good for ten years, because no one is reminded of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    try:
        other: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        other = x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([other]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return private + made.public_bytes(serialization.Encoding.PEM)


def certificate_fingerprint() -> str:
    """SHA-256 of the certificate, as clients show it; empty while there is none."""
    path = Path(settings.FTPS_CERTIFICATE or Path(settings.HOME) / "ftps.pem")
    if not path.exists():
        return ""
    digest = x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


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
