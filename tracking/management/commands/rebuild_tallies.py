"""manage.py rebuild_tallies: count anew what dashboards show of visitors and orders."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tenants.models import Tenant
from tracking import tally_rebuild


class Command(BaseCommand):
    help = "Count again what dashboards show of visitors and orders, from all events of a workspace, or of each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspaces", nargs="*", metavar="WORKSPACE", help="its address (the part behind /w/)")

    def handle(self, *, workspaces: list[str], **options: Any) -> None:
        wanted = Tenant.objects.order_by("pk")
        if workspaces:
            wanted = wanted.filter(slug__in=workspaces)
            if unknown := sorted(set(workspaces) - set(wanted.values_list("slug", flat=True))):
                raise CommandError(f"There is no workspace {', '.join(unknown)}.")
        for tenant in wanted:
            tally_rebuild.rebuild(tenant.pk, now=timezone.now())
            self.stdout.write(f"{tenant.slug}: counted again")
