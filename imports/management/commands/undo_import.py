"""Undo an import from the command line, or take its undo back, with the workers that the pages use."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from imports.models import Import, UndoDirection
from imports.pipeline import undo
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

POLL_SECONDS = 0.2


class Command(BaseCommand):
    help = "Undo import ID of a workspace, wait until it ends and print the result as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int)
        parser.add_argument("--workspace", required=True)
        parser.add_argument("--back", action="store_true", help="redo an import that was undone")
        parser.add_argument("--json", action="store_true", help="print JSON only")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = Tenant.open.filter(slug=options["workspace"]).first()
        if tenant is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        began = time.monotonic()
        with tenant_context(tenant.pk):
            imp = Import.objects.filter(pk=options["id"]).first()
            if imp is None:
                raise CommandError(f"There is no import {options['id']} in {tenant.slug}.")
            if not undo.request(imp, UndoDirection.REDO if options["back"] else UndoDirection.UNDO, user=None):
                raise CommandError(
                    "This cannot be undone or redone: it has not ended, it has already been done, or it is too late."
                )
        imp = _wait(tenant, imp.pk)
        said = {"id": imp.pk, "status": imp.status, **imp.undo_report, "seconds": round(time.monotonic() - began, 3)}
        self.stdout.write(json.dumps(said))
        if not options["json"]:
            self.stderr.write(f"{imp.status}: {imp.undo_report.get('reversed', 0):,} rows")
        if imp.status == "failed":
            raise SystemExit(1)


def _wait(tenant: Tenant, import_id: int) -> Import:
    while True:
        try:
            with tenant_context(tenant.pk):
                imp: Import = Import.objects.get(pk=import_id)
                if imp.ended:
                    return imp
        except OperationalError:
            time.sleep(1)  # the database restarts; the undo goes on by itself
        time.sleep(POLL_SECONDS)
