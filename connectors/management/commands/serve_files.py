"""The file servers, until they are told to stop."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from connectors.servers import keys, sftp
from tenants.isolation.checks import refuse_bypassing_role


class Command(BaseCommand):
    help = "Serve the folders of connectors by SFTP and FTPS. Runs until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default=settings.FILES_BIND, help="address to listen on")
        parser.add_argument("--sftp-port", type=int, default=settings.SFTP_PORT)

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_bypassing_role()
        asyncio.run(self._serve(options))

    async def _serve(self, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        acceptor = await sftp.serve(host=options["bind"], port=options["sftp_port"], key=keys.host_key())
        self.stdout.write(f"SFTP on {options['bind']}:{acceptor.get_port()}")
        await stop.wait()
        acceptor.close()
