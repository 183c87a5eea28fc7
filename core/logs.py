"""How log lines look: for people by default, as JSON with LOG_FORMAT=json. Both have the ids that are bound (workspace,
import, task) and neither has values of people: texts of errors quote what they stumbled over, so they are masked.
"""

import logging
import re
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog

Event = MutableMapping[str, Any]
_EMAIL = re.compile(r"[^\s<>(),;:]+@[^\s<>()=,;]+")
_NUMBER = re.compile(r"\+?\d[\d .\-()/]{6,}\d")
# What an error quotes. An apostrophe within a word is none of them.
_QUOTED = re.compile(r"(?<!\w)'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|“[^”\n]*”")
_FORMATS = ("text", "json")


def mask(text: str) -> str:
    """Text without what looks like somebody's: e-mail addresses and phone numbers."""
    return _NUMBER.sub("<number>", _EMAIL.sub("<e-mail>", text))


def describe(error: BaseException) -> str:
    """An error in one line without values: of the database its code and its names, of others the text without quotes."""
    database = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(database, psycopg.Error):
        names = (database.diag.constraint_name, database.diag.table_name, database.diag.column_name)
        where = " ".join(name for name in names if name)
        return f"{type(error).__name__}: {database.sqlstate or 'no connection'} {where}".rstrip()
    first, *_rest = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {mask(_QUOTED.sub('…', first))[:300]}".rstrip(": ")


def stack_of(error: BaseException) -> str:
    """Where an error came from, innermost last, without the texts of errors."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)
        own = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        lines = [*own, describe(current), *(["caused:"] if lines else []), *lines]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n".join(lines)


class Formatter(logging.Formatter):
    """Turns a record into a line; `style` as in `config`. Knows the ids that structlog has bound for this work."""

    def __init__(self, *, style: str) -> None:
        super().__init__()
        self._draw: Any = (
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False) if style == "json" else _as_line
        )

    def format(self, record: logging.LogRecord) -> str:
        return str(self._draw(None, record.levelname, _event(record)))


def _event(record: logging.LogRecord) -> Event:
    """What is said of a record: when, how bad, by whom, what; ids; of an error its description and where it came from."""
    info = record.exc_info
    error = info[1] if isinstance(info, tuple) else None
    text = _message(record)
    if record.name == "celery.app.trace" and error is not None:
        text = "task failed"  # Celery quotes the error in its message
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    event: Event = {"at": at, "level": record.levelname.lower(), "logger": record.name, "event": mask(text)}
    event.update(structlog.contextvars.get_contextvars())
    if error is not None:
        event.update(error=describe(error), stack=stack_of(error))
    return event


def _message(record: logging.LogRecord) -> str:
    """The text of a record in which errors that are arguments are described, not quoted."""
    args: Any = record.args or ()
    if isinstance(args, tuple):
        args = tuple(describe(a) if isinstance(a, BaseException) else a for a in args)
    try:
        return str(record.msg) % args if args else str(record.msg)
    except (TypeError, ValueError):
        return str(record.msg)


def _as_line(_logger: Any, _method: str, event: Event) -> str:
    """For people: time, level, logger, message, ids; the stack below."""
    ids = " ".join(f"{k}={v}" for k, v in event.items() if k not in ("event", "level", "logger", "at", "stack"))
    stack = f"\n{event['stack']}" if event.get("stack") else ""
    tail = f" [{ids}]" if ids else ""
    return f"{event['at']} {event['level'].upper()} {event['logger']} {event['event']}{tail}{stack}"


def config(*, style: str, level: str) -> dict[str, Any]:
    """The setting LOGGING. `style`: "text" or "json". Raises ValueError for another."""
    if style not in _FORMATS:
        raise ValueError(f"LOG_FORMAT is {style}; it has to be one of {', '.join(_FORMATS)}.")
    quiet = ("django.server", "celery", "asyncssh", "pyftpdlib")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": Formatter, "style": style}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in quiet},
    }
