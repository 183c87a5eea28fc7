"""Rules of retention on their pages: the preview, the confirmation, the undo; and who may."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.utils import timezone

from api.models import Delivery
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, RetentionRule, Tenant
from tenants.retention import job, rules
from tenants.retention.kinds import kinds
from tests.cast import Actor
from tests.tenants.simultaneous import together

PAGE = "settings/retention/"


def delivered(who: Actor, *ages: int) -> None:
    """Deliveries of so many days ago."""
    now = timezone.now()
    with tenant_context(who.workspace.pk):
        for age in ages:
            Delivery.objects.create(webhook_id=1, message_id=f"m{age}", events=[], created_at=now - timedelta(days=age))


def plain(page: str) -> str:
    """The words of a page."""
    return " ".join(re.sub("<[^>]+>", "", page).split())


def rule(who: Actor, kind: str = "webhooks") -> RetentionRule | None:
    with tenant_context(who.workspace.pk):
        found: RetentionRule | None = RetentionRule.objects.filter(kind=kind).first()
        return found


def ages(who: Actor, now: datetime | None = None) -> list[int]:
    moment = now or timezone.now()
    with tenant_context(who.workspace.pk):
        return sorted((moment - at).days for at in Delivery.objects.values_list("created_at", flat=True))


def entries(who: Actor, verb: str) -> list[dict[str, Any]]:
    with tenant_context(who.workspace.pk):
        return list(AuditEntry.objects.filter(verb=f"retention.{verb}").order_by("pk").values_list("detail", flat=True))


def test_the_page_lists_every_kind_with_what_is_stored(alice: Actor) -> None:
    delivered(alice, 1, 9)
    page = alice.get(PAGE).content.decode()
    for kind in kinds().values():
        assert kind.label in page
        assert alice.get(f"{PAGE}{kind.key}/").status_code == 200
        assert alice.get(f"{PAGE}{kind.key}/stored/").status_code == 200
    assert "2 deliveries" in alice.get(f"{PAGE}webhooks/stored/").content.decode()


def test_a_shorter_rule_is_previewed_confirmed_and_begins_a_day_later(alice: Actor) -> None:
    delivered(alice, 1, 9, 20)
    page = alice.get(f"{PAGE}webhooks/?days=7").content.decode()
    assert "2 deliveries" in page
    assert "Removal begins tomorrow" in plain(page)
    refused = alice.post(f"{PAGE}webhooks/save/", {"days": "7", "seen": "0"})
    assert refused.status_code == 422, "nobody has confirmed it"
    assert "2 deliveries" in refused.content.decode()
    answer = alice.post(f"{PAGE}webhooks/save/", {"days": "7", "seen": "0", "confirmed": "on"}, follow=True)
    assert "7 days from tomorrow" in plain(answer.content.decode())
    now = timezone.now()
    job.work(alice.workspace.pk, now=now + timedelta(hours=23, minutes=59))
    assert ages(alice) == [1, 9, 20], "the former rule, 30 days, still holds"
    job.work(alice.workspace.pk, now=now + timedelta(hours=24, minutes=1))
    assert ages(alice) == [1]
    held = rule(alice)
    assert held is not None
    assert (held.days, held.next_at, held.removed, held.run_at) == (7, None, 2, None)
    assert [e["would_remove"] for e in entries(alice, "changed")] == [2]
    assert [e["removed"] for e in entries(alice, "removed")] == [2]
    page = alice.get(PAGE).content.decode()
    assert "7 days" in page


def test_a_change_can_be_undone_until_it_holds(alice: Actor) -> None:
    delivered(alice, 20)
    alice.post(f"{PAGE}webhooks/save/", {"days": "7", "seen": "0", "confirmed": "on"})
    assert "change undone" in alice.post(f"{PAGE}webhooks/undo/", follow=True).content.decode()
    again = alice.post(f"{PAGE}webhooks/undo/", follow=True).content.decode()
    assert "no change is waiting" in again
    job.work(alice.workspace.pk, now=timezone.now() + timedelta(hours=25))
    assert ages(alice) == [20]
    assert len(entries(alice, "undone")) == 1


def test_it_is_too_late_to_undo_once_the_time_is_over(alice: Actor) -> None:
    delivered(alice, 20)
    alice.post(f"{PAGE}webhooks/save/", {"days": "7", "seen": "0", "confirmed": "on"})
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1), tick=False):
        assert "no change is waiting" in alice.post(f"{PAGE}webhooks/undo/", follow=True).content.decode()
        job.work(alice.workspace.pk)
    assert ages(alice) == []


def test_what_removes_nothing_holds_at_once(alice: Actor) -> None:
    delivered(alice, 5)
    page = alice.get(f"{PAGE}webhooks/?days=6").content.decode()
    assert "Nothing is old enough" in page
    alice.post(f"{PAGE}webhooks/save/", {"days": "6", "seen": "0"})
    held = rule(alice)
    assert held is not None
    assert (held.days, held.next_at) == (6, None)
    assert "Nothing is removed by this change" in alice.get(f"{PAGE}webhooks/?days=90").content.decode()
    alice.post(f"{PAGE}webhooks/save/", {"days": "90", "seen": "1"})
    held = rule(alice)
    assert held is not None
    assert (held.days, held.next_at) == (90, None)


def test_a_longer_rule_replaces_one_that_waits(alice: Actor) -> None:
    delivered(alice, 20)
    alice.post(f"{PAGE}webhooks/save/", {"days": "7", "seen": "0", "confirmed": "on"})
    alice.post(f"{PAGE}webhooks/save/", {"days": "30", "seen": "1"})
    held = rule(alice)
    assert held is not None
    assert (held.days, held.next_days, held.next_at) == (30, None, None)


def test_the_rule_of_files_is_the_one_that_imports_had(alice: Actor) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(keep_files_days=12)
    assert "12 days" in alice.get(f"{PAGE}files/").content.decode()
    alice.post(f"{PAGE}files/save/", {"days": "5", "seen": "0"})
    assert Tenant.objects.get(pk=alice.workspace.pk).keep_files_days == 5


@pytest.mark.parametrize(
    ("kind", "days"),
    [
        ("webhooks", ""), ("webhooks", "2"), ("webhooks", "366"), ("webhooks", "-5"), ("webhooks", "1e3"),
        ("webhooks", "٣٠"), ("webhooks", "9" * 400), ("webhooks", "<b>"), ("audit", "364"), ("audit", "3651"),
        ("files", "0"), ("files", ""),
    ],
)  # fmt: skip
def test_impossible_rules_are_refused_with_a_sentence(alice: Actor, kind: str, days: str) -> None:
    looked = alice.get(f"{PAGE}{kind}/?{urlencode({'days': days})}")
    saved = alice.post(f"{PAGE}{kind}/save/", {"days": days, "seen": "0", "confirmed": "on"})
    assert (looked.status_code, saved.status_code) == (422, 422)
    assert "Nothing was changed." in saved.content.decode()
    assert "<b>”" not in saved.content.decode()
    found = rule(alice, kind)
    assert found is None or found.version == 0


def test_two_tabs_do_not_replace_each_other_unseen(alice: Actor, member: Any) -> None:
    delivered(alice, 20)
    admin = member("admin")
    admin.post(f"{PAGE}webhooks/save/", {"days": "40", "seen": "0"})
    answer = alice.post(f"{PAGE}webhooks/save/", {"days": "7", "seen": "0", "confirmed": "on"})
    assert answer.status_code == 422
    assert "was changed while you were editing it" in answer.content.decode()
    held = rule(alice)
    assert held is not None
    assert (held.days, held.next_at) == (40, None)


def test_a_double_click_is_one_change(alice: Actor) -> None:
    delivered(alice, 20)

    def click() -> int:
        return int(alice.post(f"{PAGE}webhooks/save/", {"days": "7", "seen": "0", "confirmed": "on"}).status_code)

    assert together([click, click]) == [302, 302]
    assert len(entries(alice, "changed")) == 1


@pytest.mark.parametrize("role", ["marketer", "ops", "viewer"])
def test_only_admins_see_and_change_rules(alice: Actor, charlie: Actor, member: Any, role: str) -> None:
    delivered(alice, 20)
    who = member(role)
    for path in ("", "webhooks/", "webhooks/stored/"):
        assert who.get(PAGE + path).status_code == 404
        assert charlie.client.get(alice.url(PAGE + path)).status_code == 404
    for path in ("webhooks/save/", "webhooks/undo/"):
        assert who.post(PAGE + path, {"days": "7", "seen": "0", "confirmed": "on"}).status_code == 404
        assert charlie.client.post(alice.url(PAGE + path), {"days": "7", "confirmed": "on"}).status_code == 404
    assert rule(alice) is None


def test_kinds_that_do_not_exist_are_not_found(alice: Actor) -> None:
    for path in ("contacts/", "x/stored/", "-/"):
        assert alice.get(PAGE + path).status_code == 404
    assert alice.post(f"{PAGE}x/save/", {"days": "7"}).status_code == 404
    assert alice.post(f"{PAGE}x/undo/").status_code == 404


def test_what_a_rule_is_called() -> None:
    kind = kinds()["audit"]
    assert [rules.in_words(kind, days) for days in (None, 1, 365, 3_650)] == [
        "No limit", "1 day", "365 days", "3,650 days",
    ]  # fmt: skip
    cases = [(None, None, False), (None, 5, False), (5, None, True), (5, 5, False), (4, 5, True), (6, 5, False)]
    assert [rules.is_shorter(days, than) for days, than, _is in cases] == [is_ for _d, _t, is_ in cases]
