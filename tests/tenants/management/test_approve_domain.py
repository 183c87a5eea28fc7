"""A domain is approved by those who run the platform."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tenants.single_sign_on import domains
from tests.cast import Actor


def test_it_approves_and_withdraws_what_a_workspace_has_named(alice: Actor) -> None:
    domains.add(alice.workspace.pk, "named.example.com")
    for options, approved in (([], True), (["--withdraw"], False)):
        out = StringIO()
        call_command("approve_domain", alice.workspace.slug, "Named.example.com", *options, stdout=out)
        assert json.loads(out.getvalue())["approved"] is approved
        assert domains.is_approved(alice.workspace.pk, "named.example.com") is approved
    with tenant_context(alice.workspace.pk):
        verbs = list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["settings.domain_approved", "settings.domain_withdrawn"]


def test_what_is_not_there_is_said(alice: Actor) -> None:
    with pytest.raises(CommandError, match="There is no workspace nowhere"):
        call_command("approve_domain", "nowhere", "example.com")
    with pytest.raises(CommandError, match=r"has not named the domain example\.com"):
        call_command("approve_domain", alice.workspace.slug, "example.com")
