"""Import a file from the command line, on the pipeline and the workers that the pages use."""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from imports.files.reader import FileProblem
from imports.models import Import, Phase, Status
from imports.problems import catalogue
from imports.results import error_rows, outcome
from imports.wizard import column_choices, configuration
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

POLL_SECONDS = 0.2
CHUNK = 1 << 20


class Command(BaseCommand):
    help = "Import FILE into a workspace, wait until it ends and print the outcomes of its rows as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--workspace", required=True)
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="pairs")
        parser.add_argument("--review", action="store_true", help="stop before anything is written")
        parser.add_argument("--errors", type=Path, help="write the rows in error to this CSV")
        parser.add_argument("--json", action="store_true", help="print JSON only")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = Tenant.open.filter(slug=options["workspace"]).first()
        if tenant is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        try:
            wanted = configuration.read_pairs(options["pairs"])
            import_id = self._start(tenant, options["file"], wanted, review=options["review"])
        except FileProblem as problem:
            text = catalogue.sentence(problem.code, **problem.facts)
            self._print({"status": "failed", "reason": problem.code, "sentence": text, "rows": 0}, options)
            raise SystemExit(1) from None
        except column_choices.Ambiguous as problem:
            raise CommandError(f"{problem} Use --set format.{problem.name}={' or '.join(problem.ways)}.") from problem
        except configuration.REFUSALS as problem:
            raise CommandError(str(problem)) from problem
        result = _wait(tenant, import_id, review=options["review"])
        if options["errors"]:
            with tenant_context(tenant.pk), options["errors"].open("w", encoding="utf-8", newline="") as file:
                file.writelines(error_rows.errors_csv(Import.objects.get(pk=import_id)))
        self._print(result, options)
        if result["status"] not in (Status.IMPORTED, Status.READY):
            raise SystemExit(1)

    def _start(self, tenant: Tenant, path: Path, wanted: dict[str, Any], *, review: bool) -> int:
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        with tenant_context(tenant.pk), path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK), b"")
            about: dict[str, Any] = {"file_name": path.name, "tenant": tenant, "user": None, "origin": "command"}
            return int(configuration.create(chunks, **about, wanted=wanted, review=review).pk)

    def _print(self, result: dict[str, Any], options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(result, ensure_ascii=False))
        if not options["json"]:
            self.stderr.write(f"{result['status']}: {result['rows']:,} rows")


def _wait(tenant: Tenant, import_id: int, *, review: bool) -> dict[str, Any]:
    while True:
        try:
            with tenant_context(tenant.pk):
                imp = Import.objects.get(pk=import_id)
                if imp.ended or (review and imp.phase == Phase.REVIEW):
                    return outcome.describe(tenant, imp)
        except OperationalError:
            # The database restarts; the import goes on by itself, so we go on waiting for it.
            time.sleep(1)
        time.sleep(POLL_SECONDS)
