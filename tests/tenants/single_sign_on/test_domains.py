"""Domains: named by a workspace, approved by those who run the platform, of one workspace each."""

import pytest

from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, SignInDomain
from tenants.single_sign_on import domains
from tenants.single_sign_on.domains import BadDomain
from tests.cast import Actor
from tests.tenants.simultaneous import together
from tests.tenants.single_sign_on.company import words

ADD = "settings/single-sign-on/domains/add/"
REMOVE = "settings/single-sign-on/domains/remove/"


@pytest.mark.parametrize(
    "text", ["example.com", " Example.COM ", "@example.com", "a-b.example.co.uk", "xn--bcher-kva.example"]
)
def test_domains_are_stored_in_one_form(alice: Actor, text: str) -> None:
    domains.add(alice.workspace.pk, text)
    assert [d.domain for d in domains.of_workspace(alice.workspace.pk)] == [text.strip().lower().removeprefix("@")]


@pytest.mark.parametrize(
    "text", ["", "com", "a@example.com", "exa mple.com", "-a.example.com", "example.com.", "bücher.example", "*.example.com",
             "x" * 64 + ".com", "a." * 130 + "com", "127.0.0.1", "example.com\n", "a\0.com"],
)  # fmt: skip
def test_what_is_no_domain_is_refused(alice: Actor, text: str) -> None:
    if text != "example.com\n":  # trimmed
        answer = alice.post(ADD, {"domain": text})
        assert answer.status_code in (400, 422)
        assert domains.of_workspace(alice.workspace.pk) == []


def test_it_waits_and_leads_nowhere_until_it_is_approved(alice: Actor) -> None:
    assert alice.post(ADD, {"domain": "waiting.example.com"}).status_code == 302
    assert "Waiting" in words(alice.get("settings/single-sign-on/"))
    assert domains.workspace_of("x@waiting.example.com") is None
    domains.approve(alice.workspace.pk, "waiting.example.com", approved=True)
    assert domains.workspace_of("X@Waiting.example.com") == alice.workspace
    assert domains.workspace_of("x@sub.waiting.example.com") is None
    assert "Approved" in words(alice.get("settings/single-sign-on/"))
    for _twice in range(2):
        assert alice.post(REMOVE, {"domain": "waiting.example.com"}).status_code == 302
    assert domains.workspace_of("x@waiting.example.com") is None
    with tenant_context(alice.workspace.pk):
        verbs = list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["settings.domain_added", "settings.domain_removed"]


def test_a_domain_of_another_workspace_cannot_be_removed_or_had(alice: Actor, charlie: Actor) -> None:
    for who in (alice, charlie):
        domains.add(who.workspace.pk, "both.example.com")
    domains.approve(alice.workspace.pk, "both.example.com", approved=True)
    with pytest.raises(BadDomain, match="belongs to another workspace"):
        domains.approve(charlie.workspace.pk, "both.example.com", approved=True)
    charlie.post(REMOVE, {"domain": "both.example.com"})
    assert domains.workspace_of("x@both.example.com") == alice.workspace


def test_two_clicks_add_it_once(alice: Actor) -> None:
    def add(_number: int) -> int:
        domains.add(alice.workspace.pk, "twice.example.com")
        return 1

    together([lambda: add(1), lambda: add(2)])
    assert SignInDomain.objects.filter(tenant=alice.workspace).count() == 1


def test_there_is_a_limit(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "MAX_DOMAINS", 1)
    domains.add(alice.workspace.pk, "one.example.com")
    answer = alice.post(ADD, {"domain": "two.example.com"})
    assert (answer.status_code, "up to 1 domains" in words(answer)) == (422, True)
