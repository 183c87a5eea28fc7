"""Say that a domain of e-mail addresses is of the company of a workspace, after those who run the platform have seen so."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants import audit
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, normal_login
from tenants.single_sign_on import domains
from tenants.single_sign_on.domains import BadDomain


class Command(BaseCommand):
    help = (
        "Approve a domain that a workspace has named: people with its addresses may then sign in by the provider of the "
        "workspace. See first that the company has the domain. --withdraw ends it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="as in its address")
        parser.add_argument("domain")
        parser.add_argument("--withdraw", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        workspace = Tenant.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        domain, approved = normal_login(options["domain"]), not options["withdraw"]
        try:
            domains.approve(workspace.pk, domain, approved=approved)
        except BadDomain as problem:
            raise CommandError(str(problem)) from problem
        with tenant_context(workspace.pk):
            verb = "settings.domain_approved" if approved else "settings.domain_withdrawn"
            audit.record(verb, user_id=None, target=domain[:120])
        self.stdout.write(json.dumps({"workspace": workspace.slug, "domain": domain, "approved": approved}))
