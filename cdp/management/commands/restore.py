"""`manage.py restore`: the help text; manage.py runs `cdp.stack.restore` itself, before Django and its settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cdp.stack import restore


class Command(BaseCommand):
    """Restore a backup into an empty home."""

    help = "Restore a backup into an empty home."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as the real thing."""
        restore.add_arguments(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Reached only by `call_command`, with Django already set up."""
        raise SystemExit(restore.main([options["backup"], "--home", str(options["home"])]))
