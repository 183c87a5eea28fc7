"""`manage.py backup`: the help text; manage.py runs `cdp.stack.backup` itself, before Django and its settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cdp.stack import backup


class Command(BaseCommand):
    """Write a backup of everything, also while it runs."""

    help = "Write a backup of everything, also while it runs."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as the real thing."""
        backup.add_arguments(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Reached only by `call_command`, with Django already set up."""
        keep = ("--keep", str(options["keep"]))
        raise SystemExit(backup.main([options["folder"], "--home", str(options["home"]), *keep]))
