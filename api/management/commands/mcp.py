"""Tools for an assistant on this machine, over standard input and output."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api.mcp import server
from api.mcp.calls import Caller, Refused


class Command(BaseCommand):
    help = "Serve the Model Context Protocol over stdio, with the token in the environment variable CDP_API_TOKEN."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--token", default="", help="the token, where the environment cannot be set")

    def handle(self, *_args: Any, **options: Any) -> None:
        token = options["token"] or os.environ.get("CDP_API_TOKEN", "")
        if not token:
            raise CommandError(
                "Set CDP_API_TOKEN to a token of the workspace: see the page API tokens in its settings."
            )
        try:
            Caller(token).get("workspace")
        except Refused as problem:
            raise CommandError(str(problem)) from None
        server.build(lambda _context: token).run("stdio")
