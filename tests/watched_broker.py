"""A primary, its replicas and as many sentinels, each a real process that can be killed and started again."""

import contextlib
import secrets
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cdp.stack.machine import free_port, service_account, valkey_binary
from tests.servers import program

PRIMARY = "main"
# A primary that says nothing for so long is taken for dead.
DOWN_AFTER_MILLISECONDS = 2_000


@dataclass
class Host:
    """Where a server and a sentinel run: an address, and what stands before a command that is to run there."""

    address: str = "127.0.0.1"
    enter: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    sentinel_port: int = field(default_factory=free_port)
    server: "subprocess.Popen[bytes] | None" = None


class WatchedBroker:
    """Three hosts by default, all of them this machine. `address` is what REDIS_URL takes."""

    def __init__(self, folder: Path, hosts: Sequence[Host] = ()) -> None:
        self.folder, self.hosts, self.password = folder, list(hosts or (Host(), Host(), Host())), secrets.token_hex(16)
        self._binary = valkey_binary(folder, account=service_account())
        self._ends = contextlib.ExitStack()
        places = ",".join(f"{host.address}:{host.sentinel_port}" for host in self.hosts)
        self.address = f"redis+sentinel://:{self.password}@{places}/{PRIMARY}/0"
        try:
            for host in self.hosts:
                self._start_server(host, of=None if host is self.hosts[0] else self.hosts[0])
            for host in self.hosts:
                self._start_sentinel(host)
            self.wait_until_whole()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._ends.close()

    def _start_server(self, host: Host, *, of: Host | None) -> None:
        folder = self.folder / f"server-{host.port}"
        folder.mkdir(exist_ok=True)
        settings = {
            "port": host.port, "bind": host.address, "dir": f'"{folder}"', "requirepass": self.password,
            "masterauth": self.password, "appendonly": "yes", "appendfsync": "everysec", "save": '""',
            "maxmemory-policy": "noeviction", "repl-diskless-sync-delay": "0",
        }  # fmt: skip
        if of is not None:
            settings["replicaof"] = f"{of.address} {of.port}"
        config = folder / "server.conf"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self._launch(host, config)

    def _start_sentinel(self, host: Host) -> None:
        config = self.folder / f"sentinel-{host.sentinel_port}.conf"
        first = self.hosts[0]
        config.write_text(
            f"port {host.sentinel_port}\nbind {host.address}\n"
            f"sentinel monitor {PRIMARY} {first.address} {first.port} {len(self.hosts) // 2 + 1}\n"
            f"sentinel auth-pass {PRIMARY} {self.password}\n"
            f"sentinel down-after-milliseconds {PRIMARY} {DOWN_AFTER_MILLISECONDS}\n"
            f"sentinel failover-timeout {PRIMARY} 10000\n"
            f"sentinel parallel-syncs {PRIMARY} {len(self.hosts)}\n"
        )
        self._launch(host, config, "--sentinel")

    def _launch(self, host: Host, config: Path, *more: str) -> None:
        command = [*host.enter, str(self._binary), str(config), *more]
        with config.with_suffix(".log").open("ab") as log:
            process = self._ends.enter_context(program(command, stdout=log, stderr=log))
        if not more:
            host.server = process

    # --- what it is now ---

    def primary(self) -> Host:
        """The host of the primary, as most sentinels say."""
        said = [place for host in self.hosts if (place := self._said_by(host))]
        place = max(said, key=said.count)
        return next(host for host in self.hosts if (host.address, host.port) == place)

    def _said_by(self, host: Host) -> tuple[str, int] | None:
        with contextlib.suppress(redis.RedisError), self._client(host.address, host.sentinel_port, None) as sentinel:
            name, port = sentinel.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", PRIMARY)
            return name.decode() if isinstance(name, bytes) else name, int(port)
        return None

    def wait_until_whole(self, *, seconds: float = 60) -> None:
        """Return when every sentinel knows all others and all replicas, and the primary feeds them."""
        until = time.monotonic() + seconds
        while not self._whole():
            assert time.monotonic() < until, "the broker's servers did not come together"
            time.sleep(0.1)

    def _whole(self) -> bool:
        others = len(self.hosts) - 1
        try:
            for host in self.hosts:
                with self._client(host.address, host.sentinel_port, None) as sentinel:
                    state = sentinel.sentinel_masters()[PRIMARY]
                    replicas = sentinel.sentinel_slaves(PRIMARY)
                if state["num-other-sentinels"] != others or state["is_sdown"] or len(replicas) != others:
                    return False
                if any(one["is_sdown"] or one["master-link-status"] != "ok" for one in replicas):
                    return False
            primary = self.primary()
            with self._client(primary.address, primary.port, self.password) as client:
                told = client.info("replication")
            return bool(told["role"] == "master" and told["connected_slaves"] == others)
        except (redis.RedisError, KeyError):
            return False

    def _client(self, address: str, port: int, password: str | None) -> redis.Redis:
        return redis.Redis(address, port, password=password, socket_timeout=1, retry=Retry(NoBackoff(), 0))

    # --- what happens to it ---

    def kill_primary(self) -> Host:
        """Kill the primary's process, which nobody starts again by itself; returns its host."""
        host = self.primary()
        assert host.server is not None
        host.server.kill()
        host.server.wait(10)
        return host

    def start_again(self) -> None:
        """Start what was killed, as a replica of the primary of now, and wait until all is as before."""
        for host in self.hosts:
            if host.server is not None and host.server.poll() is not None:
                self._start_server(host, of=self.primary())
        self.wait_until_whole()
