"""The broker's address, and a broker behind sentinels: real servers whose primary is killed."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterator
from typing import Any

import kombu.connection
import kombu.exceptions
import pytest
import redis
from django.core.cache import caches
from django.test import override_settings

from core import sentinels
from core.sentinels import NotReplicatedError, Sentinels
from tests.watched_broker import WatchedBroker

ADDRESS = "redis+sentinel://us%3Aer:p%40ss@one:26379,two,[::1]:7000/main/3?replicas=2&sentinel_password=word"


def test_an_address_of_sentinels_is_read() -> None:
    assert sentinels.sentinels_of(ADDRESS) == Sentinels(
        hosts=(("one", 26379), ("two", 26379), ("::1", 7000)),
        primary="main",
        database=3,
        username="us:er",
        password="p@ss",
        sentinel_password="word",
        replicas=2,
    )


@pytest.mark.parametrize("address", ["redis://127.0.0.1:6379/0", "rediss://:p@cache.example:6380/1", "unix:///tmp/s"])
def test_an_address_of_a_server_names_no_sentinels(address: str) -> None:
    assert sentinels.sentinels_of(address) is None
    assert sentinels.celery_broker(address) == (address, {})
    assert sentinels.replicas_needed(address) == 0


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("redis+sentinel://one:26379", "names no primary"),
        ("redis+sentinel://one:26379/", "names no primary"),
        ("redis+sentinel:///main", "without a host"),
        ("redis+sentinel://one,,two/main", "without a host"),
        ("redis+sentinel://one:port/main", "no number up to 65535"),
        ("redis+sentinel://one:70000/main", "no number up to 65535"),
        ("redis+sentinel://one/main/first", "the database as a number"),
        ("redis+sentinel://one/main?replicas=-1", "replicas as a number"),
        ("redis+sentinel://one/main?replica=1", "nothing else"),
    ],
)
def test_an_address_that_cannot_be_used_is_told(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sentinels.sentinels_of(address)


def test_celery_gets_the_address_in_its_own_form() -> None:
    address, options = sentinels.celery_broker(ADDRESS)
    assert address == ";".join(
        f"sentinel://us%3Aer:p%40ss@{host}/3" for host in ("one:26379", "two:26379", "[::1]:7000")
    )
    assert options["master_name"] == "main"
    assert options["sentinel_kwargs"]["password"] == "word"


# --- a real primary, two replicas, three sentinels -----------------------------------------------------------------


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedBroker]:
    broker = WatchedBroker(tmp_path_factory.mktemp("watched"))
    with contextlib.closing(broker):
        yield broker


def patiently(act: Any, *, seconds: float = 60) -> Any:
    """The result of `act` as soon as the broker takes it."""
    until = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (redis.RedisError, kombu.exceptions.OperationalError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def write(client: redis.Redis, name: str, *, replicas: int) -> list[Any]:
    with client.pipeline(transaction=False) as pipe:
        sentinels.add_transaction(pipe, [("SET", name, "1"), ("INCRBY", "sum", 2)], replicas=replicas)
        return sentinels.check_transaction(pipe.execute(), replicas=replicas)


def test_what_is_written_with_a_wait_outlives_the_primary(watched: WatchedBroker) -> None:
    """Each part of the product that speaks to the broker goes on by itself."""
    client = sentinels.connect(watched.address, socket_timeout=2)
    with override_settings(CACHES={"default": cache_settings(watched)}):
        cache = caches["default"]
        written = []
        for _kill in range(2):
            name = secrets.token_hex(4)
            patiently(lambda name=name: write(client, name, replicas=1))
            written.append(name)
            patiently(lambda: cache.set("known", "value", None))
            send(watched, name)
            watched.kill_primary()
            assert patiently(lambda: client.mget(written)) == [b"1"] * len(written)
            assert patiently(lambda name=name: asyncio.run(read_asynchronously(watched, name))) == b"1"
            patiently(lambda: cache.set("later", "value", None))
            assert patiently(lambda: cache.get("later")) == "value"
            patiently(lambda name=name: send(watched, f"{name} again"))
            watched.start_again()


def cache_settings(watched: WatchedBroker) -> dict[str, Any]:
    options = {"pool_class": "core.sentinels.CachePool", "socket_timeout": 2}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": [watched.address], "OPTIONS": options
    }  # fmt: skip


async def read_asynchronously(watched: WatchedBroker, name: str) -> Any:
    client = sentinels.connect_asynchronously(watched.address, socket_timeout=2)
    try:
        return await client.get(name)
    finally:
        await sentinels.close_asynchronously(client)


def send(watched: WatchedBroker, text: str) -> None:
    """A message through the library that Celery speaks to brokers with, there and back."""
    address, options = sentinels.celery_broker(watched.address)
    make: Any = kombu.connection.Connection
    with make(address, transport_options={**options, "socket_timeout": 2, "max_retries": 1}) as connection:
        queue = connection.SimpleQueue(f"queue-{secrets.token_hex(4)}")
        queue.put(text)
        assert queue.get(timeout=10).payload == text


def test_what_too_few_replicas_have_is_not_acknowledged(watched: WatchedBroker) -> None:
    client = sentinels.connect(watched.address, socket_timeout=5)
    assert patiently(lambda: write(client, "two", replicas=2))[0] == b"OK"
    with pytest.raises(NotReplicatedError, match="2 of 3"):
        write(client, "three", replicas=3)
    assert client.get("three") == b"1"  # the primary has it: the same hit may come again


def test_a_command_that_fails_is_told(watched: WatchedBroker) -> None:
    client = sentinels.connect(watched.address, socket_timeout=5)
    patiently(lambda: client.set("text", "no number"))
    with client.pipeline(transaction=False) as pipe:
        sentinels.add_transaction(pipe, [("INCRBY", "text", 1)], replicas=1)
        answers = pipe.execute()
    with pytest.raises(redis.ResponseError, match="not an integer"):
        sentinels.check_transaction(answers, replicas=1)
