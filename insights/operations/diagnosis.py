"""What is wrong, in words, and what to do: pure, from what was found. The page, the health check and alerts say the same."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from core.formatting import duration, filesize, number
from insights.operations.machinery import ROLES, Machinery
from tracking import event_partitions

# A hit should be stored within seconds; after this long something is wrong.
LAG_LIMIT = 60.0
WAIT_LIMIT = 60.0
MAIL_LIMIT = 600.0
QUEUE_LIMIT = 1_000
CLOCK_LIMIT = 5.0
CONNECTIONS_SHARE = 0.9


@dataclass(frozen=True)
class Problem:
    """Something that is wrong: a code that alerts and the runbook share, a sentence, what to do, and how bad it is."""

    code: str
    sentence: str
    advice: str
    tone: str = "bad"


def problems(found: Machinery) -> list[Problem]:
    """All that is wrong, the worst first."""
    return sorted(_all(found), key=lambda problem: problem.tone != "bad")


def _all(found: Machinery) -> Iterator[Problem]:
    if not found.database:
        yield Problem(
            "database_down", "The database does not answer.",
            "Start PostgreSQL, or look at its log. Everything waits and continues by itself.",
        )  # fmt: skip
    if not found.broker:
        yield Problem(
            "broker_down", "Valkey does not answer.",
            "Start Valkey, or look at its log. Imports wait, and sites send their hits again.",
        )  # fmt: skip
    yield from _programs(found) if found.broker else ()
    yield from _waiting(found)
    yield from _servers(found)


def _programs(found: Machinery) -> Iterator[Problem]:
    if not found.living("worker"):
        waiting = _active(found)
        what = (
            f" {number(waiting)} import{'' if waiting == 1 else 's'} wait{'s' if waiting == 1 else ''}."
            if waiting
            else ""
        )
        yield Problem(
            "no_worker", f"No worker is running.{what}",
            "Start one with make up, or look at the container called worker.",
        )  # fmt: skip
    if not found.living("beat"):
        yield Problem(
            "no_beat", "The scheduler is not running.",
            "Start one with make up, or look at the container called beat. Until then nothing is started by the clock: "
            "work that was interrupted, mail, data syncs.",
        )  # fmt: skip
    if not found.living("drain"):
        yield Problem(
            "no_drain", "The pixel consumer is not running.",
            "Start one with make up, or look at the container called drain. Hits wait in Valkey and none is lost.",
        )  # fmt: skip
    if not found.living("files"):
        yield Problem(
            "no_files", "The file servers are not running.",
            "Start them with make up, or look at the container called files. Partners cannot deliver files by SFTP or FTPS.",
            "warn",
        )  # fmt: skip
    if found.living("worker") and found.living("beat") and found.sample and found.sample.is_old(found.at):
        yield Problem(
            "workers_busy", f"Workers have not looked at the platform for {_age(found)}.",
            "All of them are busy, or they hang: see what each does now. More worker processes help (CDP_WORKERS).", "warn",
        )  # fmt: skip


def _age(found: Machinery) -> str:
    sample = found.sample
    return duration(found.at - sample.at) if sample and sample.at else "a long time"


def _active(found: Machinery) -> int:
    imports = found.sample.imports if found.sample else {}
    return sum(n for phase, n in imports.items() if phase not in ("draft", "review"))


def _waiting(found: Machinery) -> Iterator[Problem]:
    if found.queued is not None and found.queued > QUEUE_LIMIT:
        yield Problem(
            "queue_long", f"{number(found.queued)} messages wait for workers.",
            "Start more worker processes (CDP_WORKERS), or see what the workers do now.", "warn",
        )  # fmt: skip
    if found.hits_lag is not None and found.hits_lag > LAG_LIMIT:
        yield Problem(
            "hits_late", f"Hits of the pixel are stored {duration(found.hits_lag)} late; "
            f"{number(found.hits_waiting)} wait.",
            "Look at the consumer’s log. During a large import the hits of its workspace wait for it.", "warn",
        )  # fmt: skip
    if found.sample is None:
        return
    if found.sample.stuck:
        yield stuck(found.sample.stuck)
    if found.sample.oldest_mail > MAIL_LIMIT or found.sample.mails_failed:
        failed = found.sample.mails_failed
        yield Problem(
            "mail_late",
            f"{number(failed)} e-mail{'' if failed == 1 else 's'} could not be sent." if failed
            else f"E-mails have waited for {duration(found.sample.oldest_mail)}.",
            "Look at EMAIL_URL and at the worker’s log.", "warn",
        )  # fmt: skip


def stuck(count: int) -> Problem:
    """So many imports show no sign of life."""
    return Problem(
        "imports_stuck", f"{number(count)} import{' has' if count == 1 else 's have'} shown no sign of life for a minute.",
        "The list says why. Retry asks a worker at once; the scheduler does every 15 seconds.",
    )  # fmt: skip


def _servers(found: Machinery) -> Iterator[Problem]:
    if found.disk_free < settings.LEAST_FREE_BYTES:
        yield Problem(
            "disk_full", f"The disk for files is full: {filesize(found.disk_free)} free of {filesize(found.disk_bytes)}.",
            "Make room, or move UPLOAD_DIR. New files are refused until then; nothing that is stored is lost.",
        )  # fmt: skip
    if found.event_months is not None and found.event_months < event_partitions.LEAST_AHEAD:
        yield Problem(
            "partitions_end",
            f"Partitions for events are made for {number(found.event_months)} months ahead.",
            "Run manage.py keep_partitions as the owner of the tables, or look at the container called partitions. "
            "Later events are stored all the same, together in one table, which makes them slow.", "warn",
        )  # fmt: skip
    if found.clock_difference is not None and abs(found.clock_difference) > CLOCK_LIMIT:
        yield Problem(
            "clock_wrong",
            f"The clocks of this machine and of the database differ by {duration(abs(found.clock_difference))}.",
            "Let both machines set their clocks by NTP.", "warn",
        )  # fmt: skip
    elif wrong := next((p for role in ROLES for p in found.living(role) if abs(p.ahead) > CLOCK_LIMIT), None):
        yield Problem(
            "clock_wrong",
            f"The clock of {wrong.name} is {duration(abs(wrong.ahead))} {'ahead' if wrong.ahead > 0 else 'behind'}.",
            "Let all machines set their clocks by NTP.", "warn",
        )  # fmt: skip
    elif any(program.seen_at > found.at + CLOCK_LIMIT for program in found.programs):
        yield Problem(
            "clock_wrong", "A clock was set back: some signs of life are from the future.",
            "Let all machines set their clocks by NTP. This ends when the clock has caught up.", "warn",
        )  # fmt: skip
    yield from _replica(found)
    if found.connections and found.most_connections and found.connections > CONNECTIONS_SHARE * found.most_connections:
        yield Problem(
            "connections_used_up",
            f"{number(found.connections)} of {number(found.most_connections)} connections to the database are used.",
            "Start fewer processes, or raise max_connections.", "warn",
        )  # fmt: skip


def _replica(found: Machinery) -> Iterator[Problem]:
    seen = found.replica
    if seen is None or seen.is_near:
        return
    if not seen.up:
        yield Problem(
            "replica_down", "The read replica does not answer, or it is no replica of this database.",
            "Look at its log and at REPLICA_DATABASE_URL. Dashboards and counts ask the primary meanwhile.", "warn",
        )  # fmt: skip
    else:
        behind = "an unknown time" if seen.lag is None else duration(seen.lag)
        yield Problem(
            "replica_late", f"The read replica is {behind} behind.",
            "See whether it is paused, or its disk or network is too slow. Dashboards and counts ask the primary meanwhile.",
            "warn",
        )  # fmt: skip
