"""The bucket that core.file_store keeps files in: anything that speaks S3. Loaded only where there is one, as its client is
slow to load."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from core.file_store import StoreUnavailable, options_of

# One request removes so many objects at most.
REMOVED_AT_ONCE = 1_000


class Bucket:
    """A bucket by its address (core.file_store.options_of). Every method raises StoreUnavailable when the store does not
    answer as it should, and FileNotFoundError when it has no such object."""

    def __init__(self, address: str) -> None:
        options = options_of(address)
        # Stores other than Amazon's refuse the check sums that newer clients send by themselves.
        config = Config(
            s3={"addressing_style": options["addressing_style"]},
            connect_timeout=3,
            read_timeout=20,
            retries={"total_max_attempts": 3},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._bucket: Any = S3Storage(**options, client_config=config).bucket

    def put(self, name: str, path: Path) -> str:
        """Store a file; returns its ETag. Large ones go in parts, with flat memory."""
        with _answer(name):
            self._bucket.upload_file(str(path), name)
            return str(self._bucket.Object(name).e_tag)

    def etag(self, name: str) -> str:
        """What an object is known by: another content has another one."""
        with _answer(name):
            return str(self._bucket.Object(name).e_tag)

    def get(self, name: str, path: Path) -> None:
        """Write an object into a file."""
        with _answer(name):
            self._bucket.download_file(name, str(path))

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; those that are not there are as good."""
        for start in range(0, len(names), REMOVED_AT_ONCE):
            found = [{"Key": name} for name in names[start : start + REMOVED_AT_ONCE]]
            with _answer(names[start]):
                self._bucket.delete_objects(Delete={"Objects": found, "Quiet": True})

    def delete_below(self, prefix: str) -> None:
        """Remove all objects whose names begin so."""
        with _answer(prefix):
            self._bucket.objects.filter(Prefix=prefix).delete()

    def size_below(self, prefix: str) -> int:
        """How many bytes the objects have whose names begin so."""
        with _answer(prefix):
            return sum(int(found.size) for found in self._bucket.objects.filter(Prefix=prefix))


@contextmanager
def _answer(name: str) -> Iterator[None]:
    """Turn what the client raises into the two exceptions of the file store."""
    try:
        yield
    except ClientError as problem:
        status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = problem.response.get("Error", {}).get("Code")
        if status == 404 and code != "NoSuchBucket":
            raise FileNotFoundError(name) from problem
        raise StoreUnavailable(f"{name}: {problem}") from problem
    except (BotoCoreError, Boto3Error) as problem:
        raise StoreUnavailable(f"{name}: {problem}") from problem
