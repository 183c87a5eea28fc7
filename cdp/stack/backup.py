"""A backup: the whole state of a stack as a folder, taken while it runs. `cdp.stack.restore` is the way back.

    backup.json   what is in it: format, migrations, rows of each table, size and SHA-256 of each file
    database/     all tables, as of one moment (pg_dump's directory format)
    staging/      the tables of imports that were running, as of the same moment
    inbox.jsonl   hits of the pixel that were acknowledged and not stored yet
    files/        uploads, folders of connectors, and the secrets of the home

The inbox is read before that moment, so that an acknowledged hit is in it or in a table, or in both: the consumer stores a
hit once, however often it comes. Files are copied after it: what a table names was written before.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import redis
from psycopg import sql

from cdp.stack.embedded import Postgres, Valkey, running_stack
from cdp.stack.machine import StartError, open_home, postgres_binaries, server_folder, service_account, take_lock
from core import sentinels

FORMAT = 1
NOTE, INBOX = "backup.json", "inbox.jsonl"
DATABASE, STAGING, FILES = "database", "staging", "files"
# What the pixel's collector keeps in Valkey (tracking.pixel.inbox): hits, and per site what was dropped and seen.
STREAM, KEPT_HASHES = "cdp:inbox", ("cdp:drops:*", "cdp:signs:*")
# Files of the home without which what is encrypted cannot be read, and clients would meet another server.
SECRETS = ("secret", "sftp_host_key", "ftps.pem", "demo.json")
ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"cdp-[0-9]{8}T[0-9]{6}Z").fullmatch
PIECE = 1 << 20
ENTRIES = 1000
# A table of an import that ends at this moment makes the dump of its tables fail: another moment is chosen.
TRIES = 5
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY(%s) ORDER BY 1, 2"""


@dataclass(frozen=True)
class Place:
    """Where a stack keeps its state: addresses of its servers (the database's as a superuser), and folders."""

    database: str
    valkey: str
    home: Path
    folders: Mapping[str, Path]  # name in the backup → folder


def folders_of(home: Path) -> dict[str, Path]:
    """The folders with files of people, by their name in a backup."""
    environ = os.environ
    return {
        "uploads": Path(environ.get("UPLOAD_DIR") or home / "uploads"),
        "connectors": Path(environ.get("CONNECTOR_DIR") or home / "connectors"),
    }


def servers_of_environment(home: Path) -> Place | None:
    """The servers that the environment names; None: it names none, so they are private ones in the home."""
    environ = os.environ
    if not environ.get("DATABASE_URL"):
        return None
    if not (environ.get("BACKUP_DATABASE_URL") and environ.get("REDIS_URL")):
        raise StartError(
            "DATABASE_URL is set, so BACKUP_DATABASE_URL, the same database as a superuser, and REDIS_URL are needed."
        )
    return Place(environ["BACKUP_DATABASE_URL"], environ["REDIS_URL"], home, folders_of(home))


@contextlib.contextmanager
def opened(home: Path) -> Iterator[Place]:
    """The state of a home: of the stack that runs there, or else its servers alone. Raises StartError."""
    own = (server_folder(home, name="postgres", account=service_account()) / "superuser").exists()
    if own and (stack := running_stack(home)):
        yield Place(_as_superuser(home, stack["database_url"]), stack["redis_url"], home, folders_of(home))
        return
    if place := servers_of_environment(home):
        yield place
        return
    if not own:
        raise StartError(f"There is nothing to back up in {home}.")
    with take_lock(open_home(home) / "lock"), private_servers(home) as place:
        yield place


@contextlib.contextmanager
def private_servers(home: Path) -> Iterator[Place]:
    """PostgreSQL and Valkey of a home, for as long as the block runs."""
    postgres, valkey = Postgres(home), Valkey(home)
    try:
        yield Place(postgres.start().superuser, valkey.start(), home, folders_of(home))
    finally:
        valkey.stop()
        postgres.stop()


def _as_superuser(home: Path, url: str) -> str:
    password = (server_folder(home, name="postgres", account=service_account()) / "superuser").read_text().strip()
    return urlsplit(url)._replace(netloc=f"postgres:{password}@127.0.0.1:{urlsplit(url).port}").geturl()


def write(place: Place, folder: Path, *, now: datetime | None = None) -> Path:
    """Write a backup into a new folder below `folder`, whole or not at all; returns it. Raises StartError."""
    begun = now or datetime.now(UTC)
    target = folder.resolve() / f"cdp-{begun:%Y%m%dT%H%M%SZ}"
    draft = target.with_name(f"{target.name}.part")
    if target.exists() or draft.exists():
        raise StartError(f"{target} exists already.")
    draft.mkdir(parents=True, mode=0o700)
    try:
        note = {"format": FORMAT, "begun": begun.isoformat(), **_contents(place, draft)}
        note["files"] = {str(path.relative_to(draft)): measure(path) for path in sorted(_files(draft))}
        with (draft / NOTE).open("x") as file:
            json.dump(note, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return target


def _contents(place: Place, draft: Path) -> dict[str, Any]:
    for attempt in range(1, TRIES + 1):
        hits = _write_inbox(place, draft / INBOX)
        try:
            facts = _dump(place, draft)
            break
        except subprocess.CalledProcessError as problem:
            # Its lines name tables, never rows.
            if attempt == TRIES or (draft / DATABASE).exists():
                raise StartError(f"pg_dump failed: {problem.stderr.strip()[-600:]}") from None
        shutil.rmtree(draft / STAGING, ignore_errors=True)
    copied, vanished = 0, 0
    for name, source in place.folders.items():
        some = copy_tree(source, draft / FILES / name)
        copied, vanished = copied + some[0], vanished + some[1]
    for name in SECRETS:
        if (place.home / name).is_file():
            copy_file(place.home / name, draft / FILES / "home" / name)
    return {
        **facts,
        "hits": hits,
        "copied": copied,
        "vanished": vanished,
        "bucket": bool(os.environ.get("OBJECT_STORE")),
    }


def _write_inbox(place: Place, path: Path) -> int:
    """Keep what waits in the inbox; returns how many hits that is."""
    hits, after = 0, "-"
    with sentinels.connect(place.valkey) as client, path.open("wb") as file:
        while entries := client.xrange(STREAM, min=after, count=ENTRIES):
            for key, fields in entries:
                texts = {name.decode(): value.decode() for name, value in fields.items()}
                hits += int(texts.get("n", 1))
                file.write(json.dumps({"id": key.decode(), "fields": texts}).encode() + b"\n")
            after = f"({entries[-1][0].decode()}"
        for pattern in KEPT_HASHES:
            for key in client.scan_iter(match=pattern, count=ENTRIES):
                texts = {name.decode(): value.decode() for name, value in client.hgetall(key).items()}
                file.write(json.dumps({"hash": key.decode(), "fields": texts}).encode() + b"\n")
    return hits


def _dump(place: Place, draft: Path) -> dict[str, Any]:
    """Dump and count all tables as of one moment. Tables of imports come first and are let go at once: an import that ends
    drops its own, and would wait."""
    with psycopg.connect(place.database) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        pg(
            place,
            "pg_dump",
            "--format=directory",
            f"--snapshot={snapshot}",
            "--schema=staging",
            f"--file={draft / STAGING}",
        )
        counts = _count(place, snapshot, ["staging"])
        jobs = f"--jobs={min(4, os.cpu_count() or 1)}"
        options = (
            "--format=directory",
            jobs,
            "--compress=gzip:1",
            f"--snapshot={snapshot}",
            "--exclude-schema=staging",
        )
        pg(place, "pg_dump", *options, f"--file={draft / DATABASE}")
        counts |= _count(place, snapshot, ["public"])
        migrations = connection.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2").fetchall()
        version = _one(connection, "SHOW server_version")
    return {"postgres": version, "migrations": [list(row) for row in migrations], "rows": counts}


def _count(place: Place, snapshot: str, schemas: list[str]) -> dict[str, int]:
    with psycopg.connect(place.database) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        return count_rows(connection, schemas)


def count_rows(connection: Any, schemas: Sequence[str]) -> dict[str, int]:
    """How many rows each table has, by "schema.table"."""
    tables = connection.execute(TABLES, [list(schemas)]).fetchall()
    statement = sql.SQL("SELECT count(*) FROM {}")
    return {
        f"{schema}.{table}": _one(connection, statement.format(sql.Identifier(schema, table)))
        for schema, table in tables
    }


def _one(connection: Any, statement: Any) -> Any:
    return connection.execute(statement).fetchone()[0]


def pg(place: Place, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on the database. Raises subprocess.CalledProcessError with what it said."""
    parts = urlsplit(place.database)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {
        # A password in the arguments would be read by everybody on the machine.
        "PGPASSWORD": unquote(parts.password or ""), "PGUSER": unquote(parts.username or ""),
        "PGHOST": parts.hostname or "", "PGPORT": str(parts.port or 5432), "PGDATABASE": parts.path.removeprefix("/"),
    }  # fmt: skip
    binary = postgres_binaries(place.home, account=service_account()) / name
    subprocess.run(  # noqa: S603  programs of the package
        [binary, "--no-password", *arguments], env=environ, check=True, capture_output=True, text=True
    )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def measure(path: Path) -> list[Any]:
    """Size in bytes, and SHA-256, of a file."""
    with path.open("rb") as file:
        return [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def copy_tree(source: Path, target: Path) -> tuple[int, int]:
    """Copy the files of a folder, links left out; returns how many were copied, and how many went meanwhile."""
    copied = vanished = 0
    for path in source.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            copy_file(path, target / path.relative_to(source))
            copied += 1
        except FileNotFoundError:
            vanished += 1
    return copied, vanished


def copy_file(source: Path, target: Path) -> None:
    """Copy a file to where only we may read it."""
    with source.open("rb") as file:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
            shutil.copyfileobj(file, copy, PIECE)


def tidy(folder: Path, *, keep: int) -> list[Path]:
    """Remove all but the newest whole backups of a folder; returns what was removed."""
    whole = sorted(path for path in folder.resolve().iterdir() if NAME(path.name) and (path / NOTE).is_file())
    gone = whole[:-keep]
    for path in gone:
        shutil.rmtree(path)
    return gone


def main(argv: Sequence[str]) -> int:
    """`manage.py backup`: 0 when it is whole, 1 with one sentence when it could not be written."""
    parser = argparse.ArgumentParser(
        prog="manage.py backup", description="Write a backup of everything, also while it runs."
    )
    add_arguments(parser)
    options = parser.parse_args(argv)
    try:
        with opened(Path(options.home).resolve()) as place:
            written = write(place, Path(options.folder))
        gone = tidy(Path(options.folder), keep=options.keep) if options.keep else []
    except (StartError, psycopg.Error, redis.RedisError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    note = json.loads((written / NOTE).read_text())
    told = {
        "backup": str(written), "rows": sum(note["rows"].values()), "hits": note["hits"],
        "bytes": sum(size for size, _digest in note["files"].values()), "removed": [path.name for path in gone],
    }  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, from which home, and how many of them stay."""
    parser.add_argument("folder", help="folder in which a new one is made for this backup")
    add_home(parser)
    parser.add_argument("--keep", type=int, default=0, help="remove all but so many of the newest backups there")


def add_home(parser: argparse.ArgumentParser) -> None:
    """The home of `up`."""
    parser.add_argument("--home", default=os.environ.get("CDP_HOME") or ROOT / ".home", help="state folder")
