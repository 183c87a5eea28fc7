"""`manage.py keep_partitions`: make the monthly partitions of the events ahead, and drop those that are over and empty."""

import json
import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone

from tracking import event_partitions


class Command(BaseCommand):
    """As the owner of the tables, who alone may make some; safe to repeat and to stop anywhere."""

    help = "Make partitions for the events of the coming months, and drop old ones that are empty."
    requires_system_checks: list[str] = []  # noqa: RUF012  as Django has it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ahead", type=int, default=event_partitions.AHEAD, help="months to come that get one")
        parser.add_argument(
            "--every", type=float, default=0, metavar="HOURS", help="go on for ever, once in so many hours"
        )

        parser.add_argument("--migrate", action="store_true", help="migrate first, in the same program")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["migrate"]:
            call_command("migrate", verbosity=1, stdout=self.stdout)
        while True:
            done = event_partitions.keep(timezone.now(), ahead=options["ahead"])
            answer = {
                "made": [month.table for month in done.made],
                "moved": done.moved,
                "dropped": [month.table for month in done.dropped],
                "months_ahead": event_partitions.months_ahead(timezone.now()),
            }
            self.stdout.write(json.dumps(answer))
            if not options["every"]:
                return
            connection.close()
            time.sleep(options["every"] * 3600)
