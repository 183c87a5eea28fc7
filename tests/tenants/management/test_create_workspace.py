"""A workspace made from the command line."""

import json

import pytest
from django.core.management import CommandError, call_command

from tenants.models import Tenant, User
from tests.cast import person


def test_a_workspace_and_its_owner_are_made(tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    slug = f"{tenant.slug}-new"
    call_command(
        "create_workspace", slug, name="New", country="DE", owner=f"Owner@{slug}.example", password="a long secret"
    )
    said = json.loads(capsys.readouterr().out)
    owner = User.objects.get(email=said["owner"])
    assert (said["slug"], Tenant.objects.get(pk=said["id"]).country) == (slug, "DE")
    assert owner.check_password("a long secret")


def test_a_known_person_keeps_their_password(tenant: Tenant) -> None:
    known = person("Dora")
    before = known.password
    call_command("create_workspace", f"{tenant.slug}-two", name="Two", owner=known.email)
    known.refresh_from_db()
    assert known.password == before


def test_a_slug_that_is_taken_is_said_and_makes_nobody(tenant: Tenant) -> None:
    email = f"nobody@{tenant.slug}.example"
    with pytest.raises(CommandError, match="already exists"):
        call_command("create_workspace", tenant.slug, name="Again", owner=email)
    assert not User.objects.filter(email=email).exists()
