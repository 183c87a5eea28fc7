"""Sites by the API, and signatures that the pixel believes."""

import pytest
from django.utils import timezone

from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.cast import Actor
from tests.tracking.helpers import site_of
from tracking.models import Site
from tracking.pixel import signatures, site_secrets


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


@pytest.fixture
def site(sync: Program) -> Site:
    return site_of(sync.workspace)


def test_sites_are_listed_without_their_secrets(sync: Program, site: Site) -> None:
    with tenant_context(sync.workspace.pk):
        secret = site_secrets.renew(site, now=timezone.now())
    answer = sync.get("sites")
    (shown,) = answer.json()["results"]
    assert (shown["id"], shown["name"], shown["key"], shown["signs"]) == (site.pk, "shop.example", site.key, True)
    assert sync.get(f"sites/{site.pk}").json() == shown
    assert secret.encode() not in answer.content
    assert site.secret_salt.encode() not in answer.content


def test_a_signature_is_one_that_the_pixel_believes(sync: Program, site: Site) -> None:
    body = {"external_id": "C-1", "email": " ann@example.com"}
    assert problem(sync.post(f"sites/{site.pk}/identify", body)) == (409, "conflict")
    with tenant_context(sync.workspace.pk):
        secret = site_secrets.renew(site, now=timezone.now())
    said = sync.post(f"sites/{site.pk}/identify", body).json()
    assert said["identifiers"] == {"external_id": "C-1", "email": "ann@example.com"}
    assert signatures.is_identity(said["signature"], said["identifiers"], secrets=[secret.encode()])
    others = said["identifiers"] | {"email": "ben@example.com"}
    assert not signatures.is_identity(said["signature"], others, secrets=[secret.encode()])
    for bad in ({}, {"email": ""}, {"email": " "}, {"email": "a\nemail=b"}, {"device": "x"}, {"email": "x" * 301}):
        assert sync.post(f"sites/{site.pk}/identify", bad).status_code == 422, bad


def test_a_marketer_signs_nobody_in(bob: Actor, site: Site) -> None:
    assert problem(program(bob).post(f"sites/{site.pk}/identify", {"email": "a@example.com"})) == (403, "scope_missing")
