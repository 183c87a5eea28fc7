"""Make a workspace with its owner from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from tenants.models import User, normal_login
from tenants.workspaces import create_workspace


class Command(BaseCommand):
    help = "Create a workspace and its owner. An existing person keeps their password unless --password is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--country", default="", help="two-letter code, the region of phones without +")
        parser.add_argument("--owner", required=True, help="e-mail address")
        parser.add_argument("--password", default="")

    def handle(self, *_args: Any, **options: Any) -> None:
        email = normal_login(options["owner"])
        try:
            with transaction.atomic():
                owner = User.objects.filter(email=email).first() or User.objects.create_user(email)
                if options["password"]:
                    owner.set_password(options["password"])
                    owner.save(update_fields=["password"])
                tenant = create_workspace(
                    options["slug"], name=options["name"], country=options["country"], owner=owner
                )
        except IntegrityError as problem:
            raise CommandError(f"The workspace {options['slug']} already exists.") from problem
        self.stdout.write(json.dumps({"id": tenant.pk, "slug": tenant.slug, "owner": owner.email}))
