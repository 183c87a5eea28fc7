"""A server that speaks S3, on this machine, with a bucket. For tests of what is kept in an object store."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.server import ThreadedMotoServer


class S3Server:
    """A server that can go away and come back with what it had."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._server = ThreadedMotoServer(host, port=0, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]
        self.bucket = f"files-{uuid.uuid4().hex[:12]}"
        self.address = f"s3://key:secret@{host}:{self.port}/{self.bucket}?tls=no"
        self.client: Any = boto3.client(
            "s3", endpoint_url=f"http://{host}:{self.port}", region_name="us-east-1", aws_access_key_id="key",
            aws_secret_access_key="secret",
        )  # fmt: skip
        self.client.create_bucket(Bucket=self.bucket)

    def names(self) -> set[str]:
        """What is in the bucket."""
        return {found["Key"] for found in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])}

    @contextmanager
    def away(self) -> Iterator[None]:
        """The server does not answer."""
        self._server.stop()
        try:
            yield
        finally:
            self._server = ThreadedMotoServer(self._host, port=self.port, verbose=False)
            self._server.start()

    def stop(self) -> None:
        self._server.stop()
