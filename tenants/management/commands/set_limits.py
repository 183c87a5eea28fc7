"""Set what one workspace may use of the platform."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import limits
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Set limits of a workspace, and print those that hold. Options that are not given leave a limit as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="its address")
        for name, words in (
            ("imports", "imports that run at once"),
            ("stored-mb", "stored files, in MB"),
            ("contacts", "contacts that are not deleted"),
        ):
            parser.add_argument(f"--{name}", help=f"{words}: a number from 1, or `default` for that of the environment")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = Tenant.open.filter(slug=options["workspace"]).first()
        if tenant is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        given = {name: _number(name, options[name]) for name in limits.COLUMNS if options[name] is not None}
        limits.set_limits(tenant, **given)
        tenant.refresh_from_db()
        self.stdout.write(json.dumps({"workspace": tenant.slug, **asdict(limits.of(tenant))}))


def _number(name: str, text: str) -> int | None:
    if text == "default":
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 2_000_000_000):
        raise CommandError(f"--{name.replace('_', '-')} is a number from 1 to 2,000,000,000, or `default`.")
    return int(text)
