"""A CSV file in a bucket (S3) or on a server (SFTP): every run puts a complete one in the place of the one before.

A bucket has the new object or the old one, never half of it. On a server the file is written under another name and renamed.
"""

import hashlib
import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from core import outside_addresses
from core.outside_addresses import BadAddress
from destinations.file import sftp
from destinations.file.form import SFTP
from destinations.kinds import Busy, Outcome, Refused

SECONDS = 60.0


@contextmanager
def connect(
    account: Mapping[str, Any], secret: Mapping[str, Any], target: Mapping[str, Any]
) -> Iterator["S3File | sftp.SftpFile"]:
    """A place for a file; nothing is opened before the first request."""
    path = "/".join(part for part in (str(account.get("folder", "")), str(target.get("file_name", ""))) if part)
    yield sftp.SftpFile(account, secret, path) if account["place"] == SFTP else S3File(account, secret, path)


class S3File:
    """An object of a bucket. Requests are signed by botocore and sent over a connection to a checked address."""

    def __init__(self, account: Mapping[str, Any], secret: Mapping[str, Any], key: str) -> None:
        self.account, self.secret, self.key = account, secret, key
        self.at = urlsplit(str(account["endpoint"]))

    def replace(self, path: str, *, rows: int) -> Outcome:
        with Path(path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with Path(path).open("rb") as file:
            self._request("PUT", self.key, digest, body=file, size=Path(path).stat().st_size)
        return Outcome(rows)

    def check(self) -> str:
        """Asks for the bucket."""
        self._request("HEAD", "", hashlib.sha256(b"").hexdigest())
        return f"The bucket {self.account['bucket']} answers."

    def _request(self, method: str, key: str, digest: str, *, body: Any = None, size: int = 0) -> None:
        path = quote(f"{self.at.path.rstrip('/')}/{self.account['bucket']}" + (f"/{key}" if key else ""))
        headers = {"x-amz-content-sha256": digest} | ({"content-type": "text/csv"} if body is not None else {})
        request = AWSRequest(method, f"{self.at.scheme}://{self.at.netloc}{path}", headers=headers)
        request.context["payload_signing_enabled"] = True
        own = Credentials(str(self.account["access_key"]), str(self.secret["secret_key"]))
        S3SigV4Auth(own, "s3", str(self.account["region"])).add_auth(request)
        signed = dict(request.headers.items()) | ({"content-length": str(size)} if body is not None else {})
        _judge(self._exchange(method, path, signed, body), str(self.at.hostname))

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: Any) -> int:
        host = str(self.at.hostname)
        port = self.at.port or (443 if self.at.scheme == "https" else 80)
        try:
            sock = outside_addresses.connect(host, port, seconds=SECONDS)
            if self.at.scheme == "https":
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
            elif not outside_addresses.is_inside(host, port):
                raise Refused("Use https: what is sent is about your contacts.")
            connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
            connection.sock = sock
            try:
                connection.request(method, path, body=body, headers=headers)
                answer = connection.getresponse()
                answer.read()
                return answer.status
            finally:
                connection.close()
        except BadAddress as problem:
            raise Busy(str(problem)) from None
        except (OSError, http.client.HTTPException) as problem:
            raise Busy(f"{host} cannot be reached: {problem or type(problem).__name__}.") from None


def _judge(status: int, host: str) -> None:
    if status in (408, 429) or status >= 500:
        raise Busy(f"{host} answered {status}.")
    if status in (401, 403):
        raise Refused(f"{host} refuses the key, or it may not write here ({status}).")
    if not 200 <= status < 300:
        raise Refused(f"{host} answered {status}. Check bucket, region and address.")
