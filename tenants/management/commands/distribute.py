"""`manage.py distribute`: spread the database over a cluster by tenant, with the extension Citus."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.isolation import distribution


class Command(BaseCommand):
    """As the owner of the tables, while nothing else runs."""

    help = "Distribute the tables by tenant over the nodes of a cluster (needs the extension citus)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only print what would be done")
        parser.add_argument("--shards", type=int, default=distribution.SHARDS, help="parts of each table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["dry_run"]:
                self._show(distribution.plan())
                return
            done = distribution.run(shards=options["shards"], say=self.stdout.write)
        except distribution.NotPossible as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"{done} tables were distributed." if done else "Everything is distributed already.")

    def _show(self, plan: distribution.Plan) -> None:
        for table in plan.tables:
            state = "done" if table.placed else "stays" if table.kind == "local" else "to do"
            self.stdout.write(f"{table.kind:12} {state:6} {table.name}")
        extension = distribution.extension() or "absent"
        self.stdout.write(f"{len(plan.open)} tables to distribute; extension citus: {extension}.")
