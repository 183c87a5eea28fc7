"""The secret of a site's server: shown once, derived, and good for a day after it was renewed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.tracking.helpers import site_of
from tracking.models import Site
from tracking.pixel import site_secrets, sites

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_new_secret_leaves_the_former_one_a_day(tenant: Tenant, site: Site) -> None:
    with tenant_context(tenant.pk):
        assert site_secrets.secrets_of(site, now=NOW) == ()
        first = site_secrets.renew(site, now=NOW).encode()
        assert site_secrets.secrets_of(site, now=NOW) == (first,)
        second = site_secrets.renew(site, now=NOW + timedelta(days=9)).encode()
        assert first != second
        assert site_secrets.secrets_of(site, now=NOW + timedelta(days=9, hours=23)) == (second, first)
        assert site_secrets.secrets_of(site, now=NOW + timedelta(days=10)) == (second,)
        site_secrets.remove(site)
        assert site_secrets.secrets_of(Site.objects.get(pk=site.pk), now=NOW) == ()


def test_what_is_stored_does_not_give_the_secret_away(
    tenant: Tenant, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_context(tenant.pk):
        secret = site_secrets.renew(site, now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_jsonb(s)::text FROM site s WHERE s.id = %s", [site.pk])
            [row] = cursor.fetchall()
        assert secret not in row[0]
        assert secret.removeprefix(site_secrets.PREFIX) not in row[0]
        monkeypatch.setattr(settings, "SECRET_KEY", "another")
        assert site_secrets.secrets_of(site, now=NOW) != (secret.encode(),)


def test_two_sites_with_one_salt_have_two_secrets(tenant: Tenant, site: Site) -> None:
    other = site_of(tenant)
    site.secret_salt = other.secret_salt = "00"
    assert site_secrets.secrets_of(site, now=NOW) != site_secrets.secrets_of(other, now=NOW)


def test_a_hit_is_judged_by_the_secret_of_now(tenant: Tenant, site: Site) -> None:
    with tenant_context(tenant.pk):
        secret = site_secrets.renew(site, now=datetime.now(UTC))
    sites.forget(site.key)
    known = sites.find(site.key)
    assert known is not None
    assert known.secrets == (secret.encode(),)
