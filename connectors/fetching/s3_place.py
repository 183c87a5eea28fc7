"""A bucket that speaks S3. Requests are signed by botocore and sent over a connection to a checked address: no redirects."""

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from connectors.fetching.remote import MOST_FILES, SECONDS, NotFetched, RemoteFile
from core import outside_addresses
from core.outside_addresses import BadAddress

BLOCK, PAGE = 1 << 20, 1_000
MAX_ANSWER = 8 << 20
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of no bytes


@dataclass(frozen=True)
class Bucket:
    """Where the bucket is, and with which key it is read. `endpoint` is an https address without a path."""

    endpoint: str
    region: str
    bucket: str
    prefix: str
    access_key: str
    secret_key: str


class S3Place:
    """A bucket; each request has a connection of its own."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.at = urlsplit(bucket.endpoint)

    def __enter__(self) -> "S3Place":
        return self

    def __exit__(self, *_about: Any) -> None:
        """Nothing stays open."""

    def files(self) -> list[RemoteFile]:
        found: list[RemoteFile] = []
        more: str | None = ""
        while more is not None:
            query = {"list-type": "2", "prefix": self.bucket.prefix, "delimiter": "/", "max-keys": str(PAGE)}
            query |= {"continuation-token": more} if more else {}
            tree = self._list(query)
            found += [file for entry in _all(tree, "Contents") if (file := self._file(entry)) is not None]
            if len(found) >= MOST_FILES:
                raise NotFetched(f"The folder has more than {MOST_FILES:,} files. Move old ones away.")
            more = _text(tree, "NextContinuationToken") or None
        return sorted(found, key=lambda file: (file.changed_at, file.name))

    def _list(self, query: dict[str, str]) -> ElementTree.Element:
        with self._answer("", query=query) as answer:
            raw = answer.read(MAX_ANSWER)
        try:
            return ElementTree.fromstring(raw)  # noqa: S314  entities of others are not loaded, and the answer is short
        except ElementTree.ParseError:
            raise NotFetched(f"{self.at.hostname} does not answer as S3 does.") from None

    def _file(self, entry: ElementTree.Element) -> RemoteFile | None:
        key, size = _text(entry, "Key"), _text(entry, "Size")
        name = key.removeprefix(self.bucket.prefix)
        if not name or "/" in name or not size.isdigit():
            return None
        changed = datetime.fromisoformat(_text(entry, "LastModified").replace("Z", "+00:00")).timestamp()
        return RemoteFile(key, name, int(size), _text(entry, "ETag").strip('"'), changed)

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        got = 0
        with self._answer(file.path, headers={"If-Match": f'"{file.version}"'}) as answer:
            while block := answer.read(BLOCK):
                got += len(block)
                yield block
        if got != file.size:
            raise NotFetched(f"Of {file.name}, {got:,} of {file.size:,} bytes were sent.")

    def _answer(
        self, key: str, *, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> "_Answer":
        path = quote(f"{self.at.path.rstrip('/')}/{self.bucket.bucket}" + (f"/{key}" if key else ""))
        url = f"{self.at.scheme}://{self.at.netloc}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        request = AWSRequest("GET", url, headers={"x-amz-content-sha256": EMPTY, **(headers or {})})
        request.context["payload_signing_enabled"] = True
        S3SigV4Auth(Credentials(self.bucket.access_key, self.bucket.secret_key), "s3", self.bucket.region).add_auth(
            request
        )
        return _Answer(self.at, url.partition(self.at.netloc)[2], dict(request.headers.items()))


class _Answer:
    """An answer that is read block by block."""

    def __init__(self, at: Any, path: str, headers: dict[str, str]) -> None:
        self.host = str(at.hostname)
        port = at.port or (443 if at.scheme == "https" else 80)
        try:
            sock = outside_addresses.connect(self.host, port, seconds=SECONDS)
            if at.scheme == "https":
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.host)
        except BadAddress as problem:
            raise NotFetched(str(problem)) from None
        except OSError as problem:
            raise NotFetched(f"{self.host} cannot be reached: {problem}.") from None
        self.connection = http.client.HTTPConnection(self.host, port, timeout=SECONDS)
        self.connection.sock = sock
        self.path, self.headers = path, headers
        self.answer: http.client.HTTPResponse | None = None

    def __enter__(self) -> "_Answer":
        try:
            self.connection.request("GET", self.path, headers=self.headers)
            self.answer = self.connection.getresponse()
        except (OSError, http.client.HTTPException) as problem:
            self.connection.close()
            raise NotFetched(f"{self.host} cannot be reached: {problem}.") from None
        if self.answer.status != 200:
            status, said = self.answer.status, _code(self.answer.read(4_096))
            self.connection.close()
            raise NotFetched(
                f"{self.host} answers {status}{f' ({said})' if said else ''}. {_HINTS.get(status, '')}".strip()
            )
        return self

    def __exit__(self, *_about: Any) -> None:
        self.connection.close()

    def read(self, size: int) -> bytes:
        assert self.answer is not None
        try:
            return self.answer.read(size)
        except (OSError, http.client.HTTPException) as problem:
            raise NotFetched(f"The answer of {self.host} broke off: {problem}.") from None


_HINTS = {
    301: "The bucket is in another region.",
    400: "Check the region.",
    403: "Check the access key and what it may do.",
    404: "Check the name of the bucket.",
    412: "The file has changed since it was listed.",
}


def _all(tree: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [entry for entry in tree if entry.tag.rpartition("}")[2] == name]


def _text(tree: ElementTree.Element, name: str) -> str:
    found = _all(tree, name)
    return (found[0].text or "") if found else ""


def _code(raw: bytes) -> str:
    """The code of an error as S3 says it."""
    try:
        return _text(ElementTree.fromstring(raw), "Code")[:60]  # noqa: S314  as above
    except ElementTree.ParseError:
        return ""
