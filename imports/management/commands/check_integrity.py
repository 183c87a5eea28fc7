"""Look for orphans: rows that name a contact which does not exist. Bulk-written tables have no foreign keys."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from imports.pipeline.queries import orphans
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Count orphaned rows in every workspace; exit with code 1 if there are any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", default="", help="check one workspace only")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenants = Tenant.objects.order_by("pk")
        if options["workspace"]:
            tenants = tenants.filter(slug=options["workspace"])
        checked = {}
        for tenant in tenants.iterator():
            with tenant_context(tenant.pk, read_only=True):
                checked[tenant.slug] = orphans(tenant.pk)
        self.stdout.write(json.dumps(checked))
        if any(n for counts in checked.values() for n in counts.values()):
            raise SystemExit(1)
