"""Web, workers and consumer are replaced while they work: no request is refused, no hit and no row is lost."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp.stack.supervisor import wait_until
from tests.faults.stack import Stack, result
from tests.faults.test_faults import people
from tests.servers import throw_away

pytestmark = pytest.mark.faults
PARTS = ("granian", "worker", "beat", "drain_inbox", "serve_files")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path / "home")
    yield running
    assert running.stop() == 0
    throw_away(tmp_path / "home")


class Visitors:
    """Somebody who opens pages, and a site that sends hits, one after another without a second try."""

    def __init__(self, stack: Stack, key: str) -> None:
        self.stack, self.key, self.ended = stack, key, threading.Event()
        self.opened = self.acknowledged = 0
        self.wrong: list[str] = []
        self.slowest = 0.0
        self.threads = [threading.Thread(target=self.repeat, args=(one,)) for one in (self.open, self.send)]

    def repeat(self, one: object) -> None:
        assert callable(one)
        while not self.ended.is_set():
            begun = time.monotonic()
            one()
            time.sleep(0.02)  # below the limits of an address
            self.slowest = max(self.slowest, time.monotonic() - begun)

    def open(self) -> None:
        try:
            with urllib.request.urlopen(f"{self.stack.info['url']}/login/", timeout=30) as page:
                self.opened += page.status == 200
        except OSError as problem:
            self.wrong.append(f"page: {problem}")

    def send(self) -> None:
        body = json.dumps({"kind": "page", "device": str(uuid.uuid4()), "url": "https://shop.example.com/"}).encode()
        address = f"{self.stack.info['url']}/p/{self.key}"
        try:
            with urllib.request.urlopen(
                urllib.request.Request(address, data=body, headers={"User-Agent": "Mozilla/5.0"}), timeout=30
            ) as answer:
                self.acknowledged += answer.status == 204
        except OSError as problem:
            self.wrong.append(f"hit: {problem}")


def test_everything_is_replaced_under_load(stack: Stack, tmp_path: Path) -> None:
    tenant_id = stack.workspace("shop")
    key = f"{tenant_id:x}-0123456789abcdef"
    with stack.database(tenant_id) as connection:
        connection.execute("INSERT INTO site (name, key, created_at, dropped) VALUES ('shop', %s, now(), '{}')", [key])
    running = stack.bring(people(tmp_path / "a.csv", 15_000), "shop", "segment=Everybody")
    stack.wait_for_import(tenant_id)
    some = Visitors(stack, key)
    for thread in some.threads:
        thread.start()
    try:
        before = {word: stack.part(word).pid for word in PARTS}
        renewed = stack.manage("restart")
        out, err = renewed.communicate(timeout=300)
        assert (renewed.returncode, json.loads(out or b"{}")) == (0, {"failed": []}), err.decode()
        now = {word: stack.part(word).pid for word in PARTS}
        assert [word for word in PARTS if now[word] == before[word]] == []
    finally:
        some.ended.set()
        for thread in some.threads:
            thread.join()
    assert some.wrong == [], f"{len(some.wrong)} of {some.opened + some.acknowledged}, {some.slowest:.1f} s"
    assert result(running)["status"] == "imported"
    assert some.opened > 20

    def stored() -> int:
        with stack.database(tenant_id) as connection:
            row = connection.execute("SELECT count(*) FROM event WHERE tenant_id = %s", [tenant_id]).fetchone()
        return int(row[0]) if row else 0

    assert wait_until(lambda: stored() == some.acknowledged, seconds=60)
    assert stored() > 100
    with stack.database(tenant_id) as connection:
        doubled = (
            "SELECT count(*) FROM (SELECT email FROM contact WHERE tenant_id = %s GROUP BY 1 HAVING count(*) > 1) d"
        )
        assert connection.execute(doubled, [tenant_id]).fetchone() == (0,)
    print(f"{some.opened} pages, {some.acknowledged} hits; the slowest took {some.slowest:.1f} s")
