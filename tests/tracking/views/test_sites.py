"""The pages of a site: settings, the secret, the mail to a developer, and what the live check shows."""

import re
from typing import Any

import pytest

from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Outbox
from tests.cast import Actor
from tests.tracking.helpers import ask, device, site_of
from tracking.models import Site
from tracking.pixel import inbox, sites

PAGE = {"kind": "page", "url": "https://shop.example/"}


@pytest.fixture
def site(alice: Actor) -> Site:
    return site_of(alice.workspace)


def of(alice: Actor, site: Site) -> Site:
    with tenant_context(alice.workspace.pk):
        found: Site = Site.objects.get(pk=site.pk)
        return found


def test_settings_are_saved_and_rule_the_next_hit(alice: Actor, site: Site) -> None:
    given = {
        "hosts": "https://shop.example/cart, *.shop.example",
        "excluded_paths": "/admin/*\nhttps://shop.example/thanks?x=1",
        "internal_addresses": "203.0.113.9/24, 2001:db8::1",
        "country": "lv",
        "retention_days": "30",
        "consent_required": "on",
    }
    assert alice.post(f"sites/{site.pk}/settings/", given).status_code == 302
    saved = of(alice, site)
    assert saved.hosts.split() == ["shop.example", "*.shop.example"]
    assert saved.excluded_paths.split() == ["/admin/*", "/thanks"]
    assert saved.internal_addresses.split() == ["203.0.113.0/24", "2001:db8::1"]
    assert (saved.country, saved.retention_days, saved.consent_required, saved.capture_forms) == ("LV", 30, True, False)
    known = sites.find(site.key)
    assert known is not None
    assert known.excludes("https://shop.example/admin/users?page=2")
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="site.changed")
    assert entry.detail["retention_days"] == 30
    assert alice.post(f"sites/{site.pk}/settings/", given).status_code == 302
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="site.changed").count() == 1  # nothing has changed


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("hosts", "shop example_", "is not a host"),
        ("excluded_paths", "admin", "is not a path"),
        ("excluded_paths", "/" + "a" * 300, "300 characters"),
        ("excluded_paths", "\n".join(f"/{n}" for n in range(101)), "up to 100 paths"),
        ("internal_addresses", "203.0.113.300", "is not an IP address"),
        ("internal_addresses", "shop.example", "is not an IP address"),
        ("internal_addresses", "\n".join(f"203.0.113.{n}" for n in range(201)), "up to 200 addresses"),
        ("country", "XX", "is not a country"),
        ("retention_days", "0", "is not a number of days"),
        ("retention_days", "-1", "is not a number of days"),
        ("retention_days", "٣", "is not a number of days"),
        ("retention_days", "1" * 400, "is not a number of days"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(
    alice: Actor, site: Site, name: str, value: str, words: str
) -> None:
    answer = alice.post(f"sites/{site.pk}/settings/", {"hosts": "shop.example", name: value, "capture_forms": "on"})
    text = answer.content.decode()
    assert (answer.status_code, words in text) == (422, True)
    assert re.search(r'id="capture_forms"[^>]*checked', text)  # what was chosen is not lost
    assert of(alice, site).hosts == ""


def test_the_secret_is_shown_once(alice: Actor, site: Site) -> None:
    page = alice.get(f"sites/{site.pk}/?tab=server").content.decode()
    salt = re.search(r'name="salt" value="(\w+)"', page)
    assert salt
    made = alice.post(f"sites/{site.pk}/secret/", {"salt": salt[1]})
    secret = re.search(r"cdps_[0-9a-f]{64}", made.content.decode())
    assert secret
    assert made.headers["Cache-Control"] == "no-store"
    assert b"cdps_" not in alice.get(f"sites/{site.pk}/?tab=server").content
    again = alice.post(f"sites/{site.pk}/secret/", {"salt": salt[1]})  # a reload of that answer
    assert (again.status_code, b"cdps_" in again.content) == (302, False)
    known = sites.find(site.key)
    assert known is not None
    assert known.secrets == (secret[0].encode(),)
    alice.post(f"sites/{site.pk}/secret/remove/")
    known = sites.find(site.key)
    assert known is not None
    assert known.secrets == ()
    with tenant_context(alice.workspace.pk):
        verbs = list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))
        assert not AuditEntry.objects.filter(detail__contains=secret[0]).exists()
    assert verbs[-2:] == ["site.secret_created", "site.secret_removed"]


def test_the_instructions_are_mailed_once_a_day(alice: Actor, site: Site) -> None:
    for _ in range(2):
        assert alice.post(f"sites/{site.pk}/mail/", {"email": "Dev@Agency.example"}).status_code == 302
    with tenant_context(alice.workspace.pk):
        mail = Outbox.objects.get(to="dev@agency.example")
    assert site.key in mail.body
    assert "Content-Security-Policy" in mail.body
    answer = alice.post(f"sites/{site.pk}/mail/", {"email": "dev@"})
    assert (answer.status_code, "is not an e-mail address" in answer.content.decode()) == (422, True)


@pytest.mark.parametrize("role", ["marketer", "viewer"])
def test_who_may_only_look_sees_no_form(alice: Actor, member: Any, site: Site, role: str) -> None:
    """All routes are asked by all roles in the isolation tests; here is what the pages offer."""
    actor = member(role)
    for tab in ("", "settings", "server"):
        answer = actor.get(f"sites/{site.pk}/?tab={tab}")
        assert (answer.status_code, f'action="/w/{alice.workspace.slug}/sites/' in answer.content.decode()) == (
            200,
            False,
        )


def test_the_live_check_shows_what_was_seen_and_where(alice: Actor, site: Site) -> None:
    alice.post(f"sites/{site.pk}/settings/", {"hosts": "shop.example"})
    assert "Waiting for the first visitor" in alice.get(f"sites/{site.pk}/seen/").content.decode()
    ask(f"/p/{site.key}", {"device": device(), **PAGE}, HTTP_ORIGIN="https://copy.example")
    ask(f"/p/{site.key}", {"device": device(), **PAGE}, HTTP_ORIGIN="https://shop.example", HTTP_DNT="1")
    ask(f"/p/{site.key}", {"kind": "check", "state": "waiting"}, HTTP_ORIGIN="https://shop.example")
    text = " ".join(alice.get(f"sites/{site.pk}/seen/").content.decode().split())
    assert "The pixel works" not in text
    for words in (
        "Hits from a host that is not allowed.</b> Seen", "<b>copy.example</b>", "waiting for consent", "not to be tracked",
        "Sent from a page outside the allowed hosts",
    ):  # fmt: skip
        assert words in text
    ask(f"/p/{site.key}", {"device": device(), **PAGE}, HTTP_ORIGIN="https://shop.example")
    text = " ".join(alice.get(f"sites/{site.pk}/seen/").content.decode().split())
    assert re.search(r"The pixel works\.</b> Seen \d+ seconds? ago on <b>shop\.example</b>", text)
    inbox.remove([e.id for e in inbox.read(1000)])


def test_a_site_that_the_broker_has_forgotten_is_still_seen(alice: Actor, site: Site) -> None:
    from django.utils import timezone

    with tenant_context(alice.workspace.pk):
        Site.objects.filter(pk=site.pk).update(last_hit_at=timezone.now())
    assert "The pixel works" in alice.get(f"sites/{site.pk}/seen/").content.decode()
