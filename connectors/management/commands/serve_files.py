"""The file servers, until they are told to stop."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from connectors.servers import ftps, keys, sftp
from core.signs_of_life import Pulse
from tenants.isolation.checks import refuse_bypassing_role


class Command(BaseCommand):
    help = "Serve the folders of connectors by SFTP and FTPS. Runs until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default=settings.FILES_BIND, help="address to listen on")
        parser.add_argument("--sftp-port", type=int, default=settings.SFTP_PORT)
        parser.add_argument("--ftps-port", type=int, default=settings.FTPS_PORT)

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_bypassing_role()
        asyncio.run(self._serve(options))

    async def _serve(self, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        acceptor = await sftp.serve(host=options["bind"], port=options["sftp_port"], key=keys.host_key())
        server = ftps.Server(
            host=options["bind"],
            port=options["ftps_port"],
            certificate=keys.certificate(),
            passive_ports=passive_ports(settings.FTPS_PASSIVE_PORTS),
            passive_address=settings.FTPS_PASSIVE_ADDRESS,
        )
        server.start()
        self.stdout.write(f"SFTP on {options['bind']}:{acceptor.get_port()}, FTPS on port {server.port}")
        pulse = Pulse("files")
        pulse.start()
        await stop.wait()
        acceptor.close()
        await asyncio.get_running_loop().run_in_executor(None, server.stop)
        await asyncio.get_running_loop().run_in_executor(None, pulse.stop)


def passive_ports(text: str) -> range:
    """The ports of "30000-30049"; none: any free port."""
    first, _dash, last = text.partition("-")
    return range(int(first), int(last or first) + 1) if text else range(0)
