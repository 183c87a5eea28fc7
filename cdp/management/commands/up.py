"""`manage.py up`: the help text; manage.py runs `cdp.stack.stack` itself, before Django and its settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cdp.stack import stack


class Command(BaseCommand):
    """Start the whole stack."""

    help = "Start everything: PostgreSQL, Valkey, tables, a demo workspace, web, worker, beat and the pixel's consumer."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as the real thing."""
        stack.add_arguments(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Reached only by `call_command`, with Django already set up."""
        demo = [] if options["demo"] else ["--no-demo"]
        values = ("--home", options["home"], "--port", options["port"], "--workers", options["workers"])
        raise SystemExit(stack.main([*(str(value) for value in values), *demo]))
