"""The way back from a backup (cdp.stack.backup) into an empty home, or into empty servers that the environment names.

Nothing is written before all of the backup was read and found whole. A restore that did not finish leaves a mark in the
home: no stack starts there, and the next restore begins anew.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

from cdp.stack import backup
from cdp.stack.backup import DATABASE, FILES, FORMAT, INBOX, NOTE, STAGING, STREAM, Place
from cdp.stack.machine import StartError, open_home, take_lock
from cdp.stack.stack import RESTORING
from core import sentinels

ROOT = Path(__file__).resolve().parents[2]
WAITING = "cdp:inbox:hits"


def read(folder: Path) -> dict[str, Any]:
    """What a backup says of itself, once every file of it was found to be as it was written. Raises StartError."""
    try:
        note: dict[str, Any] = json.loads((folder / NOTE).read_text())
    except FileNotFoundError:
        raise StartError(f"{folder} is not a backup, or one that was not finished: it has no {NOTE}.") from None
    except ValueError:
        raise StartError(f"{folder / NOTE} is damaged.") from None
    if note.get("format") != FORMAT:
        raise StartError(f"The backup has format {note.get('format')}; this version reads format {FORMAT}.")
    if newer := [f"{app}.{name}" for app, name in note["migrations"] if _is_unknown(app, name)]:
        raise StartError(f"The backup was made by a newer version, which has {newer[0]}. Update this one first.")
    for name, measured in note["files"].items():
        path = folder / name
        if not path.is_file() or backup.measure(path) != measured:
            raise StartError(f"The backup is damaged: {name} is not as it was written.")
    return note


def _is_unknown(app: str, name: str) -> bool:
    """A migration of one of our apps that this version does not have."""
    migrations = ROOT / app / "migrations"
    return migrations.is_dir() and not (migrations / f"{name}.py").is_file()


def restore(folder: Path, home: Path) -> dict[str, Any]:
    """Restore a backup; returns what it said of itself. Raises StartError."""
    folder = folder.resolve()
    note = read(folder)
    with _emptied(home) as place:
        _restore_files(folder, place)
        _restore_tables(folder, place)
        _compare(note, place)
        _restore_inbox(folder, place)
    return note


@contextmanager
def _emptied(home: Path) -> Iterator[Place]:
    """Servers and folders with nothing in them."""
    home = open_home(home)
    if place := backup.servers_of_environment(home):
        if _tables(place):
            raise StartError(
                "The database that BACKUP_DATABASE_URL names has tables already. Restore into an empty one."
            )
        yield place
        return
    with take_lock(home / "lock"):
        mark = home / RESTORING
        unfinished = mark.exists()
        used = StartError(f"{home} has data already. Restore into a new --home.")
        if (home / "secret").exists() and not unfinished:
            raise used
        with backup.private_servers(home) as place:
            if _tables(place):
                if not unfinished:
                    raise used
                _empty(place)
            mark.touch()
            yield place
        mark.unlink()


def _tables(place: Place) -> bool:
    with psycopg.connect(place.database) as connection:
        return bool(connection.execute(backup.TABLES, [["public", "staging"]]).fetchone())


def _empty(place: Place) -> None:
    """Take out what a restore that did not finish has written."""
    with psycopg.connect(place.database) as connection:
        for schema in ("public", "staging"):
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        connection.execute("CREATE SCHEMA public")
    with sentinels.connect(place.valkey) as client:
        client.flushdb()


def _restore_files(folder: Path, place: Place) -> None:
    for name, target in place.folders.items():
        backup.copy_tree(folder / FILES / name, target)
    backup.copy_tree(folder / FILES / "home", place.home)


def _restore_tables(folder: Path, place: Place) -> None:
    jobs = f"--jobs={min(4, os.cpu_count() or 1)}"
    options = ("--clean", "--if-exists", "--exit-on-error", "--dbname", place.database.rpartition("/")[2])
    try:
        backup.pg(place, "pg_restore", *options, jobs, str(folder / DATABASE))
        backup.pg(place, "pg_restore", *options, str(folder / STAGING))
    except subprocess.CalledProcessError as problem:
        raise StartError(f"pg_restore failed: {problem.stderr.strip()[-600:]}") from None
    with psycopg.connect(place.database, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _compare(note: dict[str, Any], place: Place) -> None:
    with psycopg.connect(place.database) as connection:
        found = backup.count_rows(connection, ["public", "staging"])
    if wrong := sorted(
        name for name in note["rows"].keys() | found.keys() if note["rows"].get(name) != found.get(name)
    ):
        told = ", ".join(f"{name}: {note['rows'].get(name)} → {found.get(name)}" for name in wrong[:5])
        raise StartError(f"Some tables have a different number of rows: {told}.")


def _restore_inbox(folder: Path, place: Place) -> None:
    with sentinels.connect(place.valkey) as client, (folder / INBOX).open() as file:
        for line in file:
            entry = json.loads(line)
            if "hash" in entry:
                client.hset(entry["hash"], mapping=entry["fields"])
                continue
            with client.pipeline(transaction=True) as pipe:
                pipe.xadd(STREAM, entry["fields"], id=entry["id"])
                pipe.incrby(WAITING, int(entry["fields"].get("n", 1)))
                pipe.execute()


def main(argv: Sequence[str]) -> int:
    """`manage.py restore`: 0 when all came back, 1 with one sentence when it did not."""
    parser = argparse.ArgumentParser(prog="manage.py restore", description="Restore a backup into an empty home.")
    add_arguments(parser)
    options = parser.parse_args(argv)
    try:
        note = restore(Path(options.backup), Path(options.home))
    except (StartError, psycopg.Error, redis.RedisError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    rows = sum(note["rows"].values())
    sys.stdout.write(json.dumps({"home": str(Path(options.home).resolve()), "rows": rows, "hits": note["hits"]}) + "\n")
    return 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A backup, and where it goes."""
    parser.add_argument("backup", help="folder that `backup` has written")
    backup.add_home(parser)
