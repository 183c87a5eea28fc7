"""The broker's address: one server, or a primary with replicas that sentinels watch and replace.

`redis+sentinel://[user:password@]host:port,host:port,…/PRIMARY[/DATABASE][?replicas=1&sentinel_password=…]` names the
sentinels. `replicas` says on how many replicas a hit must be before it is acknowledged: replication does not wait for
them by itself, so a primary that dies would take with it what it had taken last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

SCHEME = "redis+sentinel"
USUAL_PORT = 26_379
# A sentinel that does not answer is passed over at once: the next one knows the same.
SENTINEL_SECONDS = 0.5
# For how long a write waits for its replicas: those of a busy machine answer within milliseconds.
REPLICA_MILLISECONDS = 1_500

# A command as it is sent: its name and its arguments.
Command = tuple[Any, ...]


class NotReplicatedError(redis.ConnectionError):
    """Too few replicas have said that they hold what was written; the primary has it, for as long as it lives."""


@dataclass(frozen=True)
class Sentinels:
    """What an address says of a watched primary. `replicas`: how many must hold a hit before it is acknowledged."""

    hosts: tuple[tuple[str, int], ...]
    primary: str
    database: int
    username: str | None
    password: str | None
    sentinel_password: str | None
    replicas: int

    def options(self, **more: Any) -> dict[str, Any]:
        """The arguments of a connection to the primary."""
        return {"db": self.database, "username": self.username, "password": self.password, **more}

    def to_sentinels(self, retry: Any) -> dict[str, Any]:
        """The arguments of a connection to a sentinel, with the library's kind of `retry`."""
        patience = {"socket_timeout": SENTINEL_SECONDS, "socket_connect_timeout": SENTINEL_SECONDS}
        return {**patience, "password": self.sentinel_password, "retry": retry}


def sentinels_of(address: str) -> Sentinels | None:
    """The sentinels that an address names; None when it names a server. Raises ValueError with a sentence."""
    parts = urlsplit(address)
    if parts.scheme != SCHEME:
        return None
    login, _at, places = parts.netloc.rpartition("@")
    user, _colon, password = login.partition(":")
    primary, _slash, database = parts.path.strip("/").partition("/")
    said = dict(parse_qsl(parts.query))
    replicas = said.pop("replicas", "1")
    sentinel_password = said.pop("sentinel_password", None)
    if not primary:
        raise ValueError("names no primary: redis+sentinel://host:26379,host:26379/PRIMARY")
    if said:
        raise ValueError("may say replicas and sentinel_password after its question mark, nothing else")
    return Sentinels(
        hosts=tuple(_place(place) for place in places.split(",")),
        primary=unquote(primary),
        database=_number(database or "0", "the database"),
        username=unquote(user) or None,
        password=unquote(password) or None,
        sentinel_password=sentinel_password,
        replicas=_number(replicas, "replicas"),
    )


def connect(address: str, **options: Any) -> redis.Redis:
    """A client of the server, or of whatever server is the primary now. `options` are those of a connection."""
    watched = sentinels_of(address)
    if watched is None:
        return redis.Redis.from_url(address, **options)
    make: Any = redis.sentinel.Sentinel
    manager = make(watched.hosts, sentinel_kwargs=watched.to_sentinels(Retry(NoBackoff(), 0)))
    client: redis.Redis = manager.master_for(watched.primary, **watched.options(**options))
    return client


def connect_asynchronously(address: str, **options: Any) -> "redis.asyncio.Redis":
    """As `connect`, for an event loop."""
    watched = sentinels_of(address)
    if watched is None:
        return redis.asyncio.Redis.from_url(address, **options)
    make: Any = redis.asyncio.sentinel.Sentinel
    manager = make(watched.hosts, sentinel_kwargs=watched.to_sentinels(AsyncRetry(NoBackoff(), 0)))
    client: redis.asyncio.Redis = manager.master_for(watched.primary, **watched.options(**options))
    return client


async def close_asynchronously(client: "redis.asyncio.Redis") -> None:
    """End a client of `connect_asynchronously`, and its connections to sentinels, which the client itself leaves open."""
    pool = client.connection_pool
    await client.aclose()
    if isinstance(pool, redis.asyncio.sentinel.SentinelConnectionPool):
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


class CachePool:
    """What Django's cache takes for a class of connection pools."""

    @classmethod
    def from_url(cls, address: str, **options: Any) -> redis.ConnectionPool:
        """The pool of a server, or of the primary."""
        pool: redis.ConnectionPool = connect(address, **options).connection_pool
        return pool


def celery_broker(address: str) -> tuple[str, dict[str, Any]]:
    """What Celery calls this broker, and the transport options that it needs for it."""
    watched = sentinels_of(address)
    if watched is None:
        return address, {}
    login = urlsplit(address).netloc.rpartition("@")[0]
    urls = (f"sentinel://{login}{'@' * bool(login)}{_written(*place)}/{watched.database}" for place in watched.hosts)
    retry = Retry(NoBackoff(), 0)
    return ";".join(urls), {"master_name": watched.primary, "sentinel_kwargs": watched.to_sentinels(retry)}


def replicas_needed(address: str) -> int:
    """On how many replicas a hit must be before it is acknowledged; 0 for a server that nobody watches."""
    watched = sentinels_of(address)
    return watched.replicas if watched else 0


def add_transaction(pipe: Any, commands: Iterable[Command], *, replicas: int) -> None:
    """Put a transaction into a pipeline of either client (`transaction=False`), and behind it the wait for replicas: only
    on the connection that wrote, and only until it ends, does the server know for what to wait."""
    # Names as bytes: the client then takes the answers as they are, also "QUEUED" where it expects a number.
    for name, *arguments in (("MULTI",), *commands, ("EXEC",)):
        pipe.execute_command(name.encode(), *arguments)
    if replicas:
        pipe.execute_command(b"WAIT", replicas, REPLICA_MILLISECONDS)


def check_transaction(answers: Sequence[Any], *, replicas: int) -> list[Any]:
    """The answers to the commands of `add_transaction`. Raises redis.RedisError when one failed or too few replicas have
    them: then nothing may be acknowledged."""
    held = answers[-1] if replicas else 0
    own: list[Any] = answers[-2] if replicas else answers[-1]
    for answer in own:
        if isinstance(answer, redis.RedisError):
            raise answer
    if held < replicas:
        raise NotReplicatedError(f"{held} of {replicas} replicas have the write")
    return own


def _place(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port or USUAL_PORT
    except ValueError:
        raise ValueError("names a sentinel whose port is no number up to 65535") from None
    if not parts.hostname:
        raise ValueError("names a sentinel without a host")
    return parts.hostname, port


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        raise ValueError(f"must say {what} as a number below 100")
    return int(text)
