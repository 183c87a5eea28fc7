"""Files that outlive a request: uploads, exports, archives. Every name is below UPLOAD_DIR.

By itself UPLOAD_DIR is the store. With the setting OBJECT_STORE a bucket is (core.object_store), and UPLOAD_DIR is each
machine's copy of what it works with: workers on several hosts then need no folder that they share. All code writes a file to
`path_of`, says `keep` when it is complete, and reads it by `fetch`. Only this module knows which of the two it is.

A copy is used for as long as its ETag, kept beside it, is that of the bucket. When the bucket does not answer, a copy that
is there is good enough; otherwise StoreUnavailable is raised, and whoever works in the background comes back.
"""

import contextlib
import logging
import os
import shutil
import time
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

log = logging.getLogger(__name__)
# Copies that nobody has asked for in this time go; the bucket has them.
KEEP_COPIES_SECONDS = 24 * 3600
_ETAG = ".etag"
# The ending of files that are being written, and get their name when they are complete.
DRAFT = ".part"
MAX_INCOMING = 255


class StoreUnavailable(OSError):
    """The object store does not answer, or not as it should. Nothing is lost: the same call works later."""


def path_of(name: str) -> Path:
    """Where a file lies on this machine, if it is here."""
    return Path(settings.UPLOAD_DIR) / name


def keep(name: str) -> None:
    """A file is complete at `path_of(name)`: from now on every machine can fetch it. Raises StoreUnavailable."""
    if bucket := _bucket():
        _etag_path(path_of(name)).write_text(bucket.put(name, path_of(name)))


def fetch(name: str) -> Path:
    """A file, readable on this machine. Raises FileNotFoundError: there is none of this name; StoreUnavailable."""
    path, bucket = path_of(name), _bucket()
    if bucket is None:
        if not path.is_file():
            raise FileNotFoundError(name)
        return path
    try:
        _refresh(path, name, bucket)
    except StoreUnavailable as problem:
        if not path.is_file():
            raise
        log.warning("the copy of %s is used: %s", name, problem)
    return path


def fetch_incoming(tenant_id: int, name: str) -> Path:
    """A file that somebody has put into the store for a workspace, at incoming/<number of the workspace>/<name>. Raises
    FileNotFoundError, also for a name that leads elsewhere; StoreUnavailable."""
    parts = name.split("/")
    if (
        not name.isprintable()
        or len(name) > MAX_INCOMING
        or not all(part.strip(". ") for part in parts)
        or "\\" in name
    ):
        raise FileNotFoundError(name)
    return fetch(f"incoming/{tenant_id}/{name}")


def exists(name: str) -> bool:
    """Whether there is a file of this name. Raises StoreUnavailable where that cannot be known."""
    try:
        fetch(name)
    except FileNotFoundError:
        return False
    return True


def remove(*names: str) -> None:
    """Remove files, here and in the store; one that is not there is as good. Raises StoreUnavailable; repeat it then."""
    for name in names:
        path_of(name).unlink(missing_ok=True)
        _etag_path(path_of(name)).unlink(missing_ok=True)
    if bucket := _bucket():
        bucket.delete(names)


def remove_folder(name: str) -> None:
    """Remove all files below a folder, here and in the store. Raises StoreUnavailable; repeat it then."""
    shutil.rmtree(path_of(name), ignore_errors=True)
    if bucket := _bucket():
        bucket.delete_below(f"{name.rstrip('/')}/")


def size_of_folder(name: str) -> int:
    """How many bytes the files below a folder have. Raises StoreUnavailable."""
    if bucket := _bucket():
        return int(bucket.size_below(f"{name.rstrip('/')}/"))
    found = 0
    for path in path_of(name).rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # somebody removes it meanwhile
            found += path.stat().st_size if path.is_file() else 0
    return found


def forget_drafts(*, now: float | None = None) -> int:
    """Remove files of this machine that were being written when a program was killed, and that nobody has written to for a
    day; returns how many. What others have put into the store may be called as they like."""
    gone, limit = 0, (now or time.time()) - KEEP_COPIES_SECONDS
    own = "[0-9]*"  # folders of workspaces
    for draft in (found for below in (own, f"exports/{own}") for found in path_of("").glob(f"{below}/*{DRAFT}")):
        with contextlib.suppress(FileNotFoundError):  # it was finished just now
            if draft.stat().st_mtime < limit:
                draft.unlink()
                gone += 1
    return gone


def forget_copies(*, now: float | None = None) -> int:
    """Remove copies of what the bucket has, where nobody has used them lately; returns how many. Without a bucket nothing
    happens: the files are the only ones."""
    if _bucket() is None:
        return 0
    gone, limit = 0, (now or time.time()) - KEEP_COPIES_SECONDS
    for mark in Path(settings.UPLOAD_DIR).rglob(f"*{_ETAG}"):
        copy = mark.with_name(mark.name.removesuffix(_ETAG))
        if mark.stat().st_mtime < limit:  # fetch touches it
            copy.unlink(missing_ok=True)
            mark.unlink(missing_ok=True)
            gone += 1
    return gone


def options_of(address: str) -> dict[str, Any]:
    """The options of django-storages for OBJECT_STORE: s3://KEY:SECRET@HOST[:PORT]/BUCKET[?region=…&tls=no]. Without a host
    the bucket is Amazon's. Raises ValueError with a sentence that does not contain the secret."""
    parts = urlsplit(address)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    bucket = parts.path.strip("/")
    if parts.scheme != "s3" or not bucket or "/" in bucket or not query.keys() <= {"region", "tls"}:
        raise ValueError("OBJECT_STORE must be s3://KEY:SECRET@HOST/BUCKET, with ?region= or &tls=no where needed.")
    scheme = "http" if query.get("tls") == "no" else "https"
    host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    return {
        "bucket_name": bucket,
        "access_key": unquote(parts.username or "") or None,
        "secret_key": unquote(parts.password or "") or None,
        "region_name": query.get("region") or "us-east-1",
        "endpoint_url": f"{scheme}://{host}" if host else None,
        "addressing_style": "path" if host else "auto",
    }


@lru_cache(maxsize=1)
def _bucket_of(address: str) -> Any:
    return import_string("core.object_store.Bucket")(address)


def _bucket() -> Any:
    return _bucket_of(settings.OBJECT_STORE) if settings.OBJECT_STORE else None


def _refresh(path: Path, name: str, bucket: Any) -> None:
    """Make the copy what the bucket has."""
    etag, mark = bucket.etag(name), _etag_path(path)
    if path.is_file() and mark.is_file() and mark.read_text() == etag:
        os.utime(mark)
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}{DRAFT}")
    try:
        bucket.get(name, draft)
        draft.chmod(0o600)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    mark.write_text(etag)


def _etag_path(path: Path) -> Path:
    return path.with_name(path.name + _ETAG)
