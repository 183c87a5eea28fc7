"""A connector with its servers, and what a client program and a worker do with it."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from connectors import credentials, folders, logins, pickup
from connectors.folders import Folders
from connectors.models import Connector, ConnectorFile
from connectors.servers import sftp
from imports.models import Import, SavedMapping
from imports.options import Options
from imports.wizard import column_choices, saved_mappings
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import receive, work

T = TypeVar("T")
HEADER = "email,first_name,city\n"
CSV = HEADER + "ann@example.com,Ann,Leeds\nben@example.com,Ben,York\n"
PASSWORD = "a-secret-of-the-tests"  # its hash is a fast one there


def save_mapping(
    tenant: Tenant,
    *,
    name: str = "Customers",
    sample: str | bytes = CSV,
    maps: dict[str, str] | None = None,
    **options: Any,
) -> SavedMapping:
    """The layout of a sample, as somebody saves it in the import wizard."""
    imp = receive(tenant, sample)
    with tenant_context(tenant.pk):
        settings = Options.parse(options)
        columns = column_choices.apply_choices(imp, maps or {}, options=settings)
        return saved_mappings.save(imp, name, columns=columns, options=settings, user=None)


def connector(tenant: Tenant, *, protocol: str = "sftp", sample: str = CSV, **fields: Any) -> Connector:
    """A connector whose files have the columns of a sample, with no time of quiet and the usual password."""
    login = str(fields.pop("login", "orders"))
    options = fields.pop("options", {})
    layout = fields.pop("mapping_id", 0) or save_mapping(tenant, name=f"Layout {login}", sample=sample, **options).pk
    with tenant_context(tenant.pk):
        made: Connector = Connector.objects.create(
            name=login.title(), login=login, protocol=protocol, mapping_id=layout,
            **{"quiet_seconds": 0, "secret_hash": credentials.hashed(PASSWORD)} | fields,
        )  # fmt: skip
    place_of(tenant, made).make()
    return made


def place_of(tenant: Tenant, made: Connector) -> Folders:
    return folders.of(tenant.pk, made.pk)


def user_name(tenant: Tenant, made: Connector) -> str:
    return logins.user_name(tenant, made)


def pick_up(tenant: Tenant, made: Connector) -> list[ConnectorFile]:
    """Look, work on the imports that this makes, look again; the files of the connector, the oldest first."""
    pickup.look(tenant.pk, made.pk)
    for imp in imports(tenant):
        if not imp.ended:
            work(tenant, imp)
    pickup.look(tenant.pk, made.pk)
    return files(tenant, made)


def files(tenant: Tenant, made: Connector) -> list[ConnectorFile]:
    with tenant_context(tenant.pk):
        return list(ConnectorFile.objects.filter(connector_id=made.pk).order_by("pk"))


def imports(tenant: Tenant) -> list[Import]:
    """The imports that have come through connectors."""
    with tenant_context(tenant.pk):
        return list(Import.objects.filter(origin="connector").order_by("pk"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Sftp:
    """The SFTP server in a thread of this process."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.acceptor = self.run(sftp.serve(host="127.0.0.1", port=0, key=self.key))
        self.port = self.acceptor.get_port()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the loop of the server."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def stop(self) -> None:
        self.run(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    async def _stop(self) -> None:
        self.acceptor.looking.cancel()
        for door in list(sftp.Door.connections):
            if door.connection is not None:
                door.connection.abort()
        self.acceptor.close()
        await self.acceptor.wait_closed()


@contextlib.contextmanager
def sftp_server() -> Iterator[Sftp]:
    server = Sftp()
    try:
        yield server
    finally:
        server.stop()


def asyncssh_client(server: Sftp, user: str, *, password: str | None = PASSWORD, **more: Any) -> Any:
    """The arguments of a connection by asyncssh."""
    known = asyncssh.import_known_hosts(f"[127.0.0.1]:{server.port} {server.key.export_public_key().decode()}")
    return asyncssh.connect(
        "127.0.0.1", server.port, username=user, password=password, known_hosts=known, config=None,
        agent_path=None, **{"client_keys": None} | more,
    )  # fmt: skip
