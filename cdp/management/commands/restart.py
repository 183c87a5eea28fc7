"""`manage.py restart`: the help text; manage.py runs `cdp.stack.renewal` itself, before Django and its settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cdp.stack import renewal


class Command(BaseCommand):
    """Replace the programs of a running stack, without a request refused or a task lost."""

    help = "Replace the programs of a running stack, without a request refused or a task lost."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as the real thing."""
        renewal.add_arguments(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Reached only by `call_command`, with Django already set up."""
        raise SystemExit(renewal.main(["--home", str(options["home"])]))
