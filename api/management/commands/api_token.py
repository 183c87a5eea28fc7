"""Make a token of the API from the command line; the demo prints a command that uses it."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from api import tokens
from api.scopes import SCOPES
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Tenant
from tenants.roles import Role


class Command(BaseCommand):
    help = "Create an API token of a workspace, for one of its members, and print it as JSON. It is shown only here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True)
        parser.add_argument("--scopes", nargs="*", default=[], metavar="SCOPE", help="default: all that the member may")
        parser.add_argument("--name", default="Command line")
        parser.add_argument("--member", default="", help="e-mail address of the member; default: the first owner")
        parser.add_argument("--plain", action="store_true", help="print the token alone")
        parser.add_argument("--days", type=int, default=90, help="days until it expires; 0: never")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = Tenant.open.filter(slug=options["workspace"]).first()
        if tenant is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        days = options["days"]
        if not 0 <= days <= tokens.MOST_DAYS:
            raise CommandError(f"--days has to be from 0 (never) to {tokens.MOST_DAYS}.")
        with tenant_context(tenant.pk):
            membership = _member(options["member"])
            scopes = options["scopes"] or [scope for scope in SCOPES if membership.may(scope)]
            expires_at = timezone.now() + timedelta(days=days) if days else None
            try:
                token, text = tokens.create(options["name"], scopes=scopes, user=membership.user, expires_at=expires_at)
            except tokens.BadToken as problem:
                raise CommandError(str(problem)) from problem
        if options["plain"]:
            self.stdout.write(text)
            return
        self.stdout.write(json.dumps({"token": text, "id": token.pk, "scopes": token.scopes}))


def _member(email: str) -> Membership:
    members = Membership.objects.select_related("user").order_by("pk")
    found = members.filter(user__email=email) if email else members.filter(role=Role.OWNER)
    membership: Membership | None = found.first()
    if membership is None:
        raise CommandError(f"{email} is not a member of this workspace." if email else "The workspace has no owner.")
    return membership
