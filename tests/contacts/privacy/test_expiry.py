"""Deleted contacts whose time is over are erased like any others, and stay away."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.bulk import actions
from contacts.models import BulkAction, Contact, Suppression
from contacts.privacy import erasure
from imports.models import Import
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, RetentionRule
from tenants.retention import job
from tests.cast import Actor
from tests.imports.helpers import bring, receive

FILE = "email,first_name\nann@example.com,Ann\nbob@example.com,Bob\ncat@example.com,Cat\ndee@example.com,Dee\n"


def deleted(who: Actor, **days: int) -> None:
    """Delete contacts by their first names, so many days ago."""
    now = timezone.now()
    with tenant_context(who.workspace.pk):
        for name, age in days.items():
            at = now - timedelta(days=age)
            Contact.objects.filter(first_name=name).update(deleted_at=at, deleted_reason="Other")


def names(who: Actor) -> dict[str, bool]:
    """Who is stored, and whether they are deleted."""
    with tenant_context(who.workspace.pk):
        return {c.first_name: c.deleted_at is not None for c in Contact.objects.all()}


def set_rule(who: Actor, kind: str, days: int) -> None:
    with tenant_context(who.workspace.pk):
        RetentionRule.objects.update_or_create(kind=kind, defaults={"days": days, "ended_at": None})


def applied(who: Actor) -> RetentionRule:
    """Apply all rules, with the actions that they begin, and what the rule of the deleted was left as."""
    pk = who.workspace.pk
    for _turn in range(2):
        job.work(pk)
        with tenant_context(pk):
            begun = list(BulkAction.objects.filter(state__in=BulkAction.ACTIVE).values_list("pk", flat=True))
        for action_id in begun:
            actions.work(pk, action_id)
    with tenant_context(pk):
        row: RetentionRule = RetentionRule.objects.get(kind="deleted")
        return row


def test_those_whose_time_is_over_are_erased_and_stay_away(alice: Actor, charlie: Actor) -> None:
    for who in (alice, charlie):
        bring(who.workspace, FILE, user=who.user)
        deleted(who, Ann=40, Bob=29, Cat=31)
    set_rule(alice, "deleted", 30)
    row = applied(alice)
    assert names(alice) == {"Bob": True, "Dee": False}
    assert (row.removed, row.run_at, row.problem) == (2, None, "")
    assert names(charlie) == {"Ann": True, "Bob": True, "Cat": True, "Dee": False}
    with tenant_context(alice.workspace.pk):
        assert Suppression.objects.count() == 2
        assert AuditEntry.objects.filter(verb="bulk.expire", user_id=None).count() == 1
        assert AuditEntry.objects.get(verb="retention.removed").detail == {"removed": 2, "rule": "30 days"}
    again = bring(alice.workspace, FILE, user=alice.user)
    assert (again.created, again.skipped) == (0, 3), "the two erased ones, and the deleted one"
    assert "Erase old deleted contacts" in alice.get("contacts/actions/").content.decode()


def test_who_is_restored_in_time_stays(alice: Actor) -> None:
    bring(alice.workspace, FILE, user=alice.user)
    deleted(alice, Ann=40, Bob=40)
    set_rule(alice, "deleted", 30)
    job.work(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        action = BulkAction.objects.get(kind="expire")
        Contact.objects.filter(first_name="Ann").update(deleted_at=None, deleted_reason=None)
        assert erasure.since(timezone.now()), "an import that was matched before has to match again"
    actions.work(alice.workspace.pk, action.pk)
    assert names(alice) == {"Ann": False, "Cat": False, "Dee": False}


def test_an_unfinished_import_that_names_them_is_said_on_the_page(alice: Actor) -> None:
    bring(alice.workspace, FILE, user=alice.user)
    deleted(alice, Ann=40)
    waiting = receive(alice.workspace, FILE, user=alice.user)
    set_rule(alice, "deleted", 30)
    row = applied(alice)
    assert names(alice)["Ann"] is True
    assert (row.removed, row.run_at) == (0, None)
    assert row.problem
    page = alice.get("settings/retention/").content.decode()
    assert row.problem.partition("“")[0].strip()[:40] in page.replace("&#x27;", "'")
    with tenant_context(alice.workspace.pk):
        Import.objects.filter(pk=waiting.pk).delete()
        RetentionRule.objects.update(ended_at=None)
    assert applied(alice).removed == 1
    assert "Ann" not in names(alice)


def test_the_preview_says_how_many(alice: Actor) -> None:
    bring(alice.workspace, FILE, user=alice.user)
    deleted(alice, Ann=40, Bob=29, Cat=31)
    page = alice.get("settings/retention/deleted/?days=30").content.decode()
    assert "2 contacts" in page
    assert "erasing cannot be undone" in page
    assert "3 contacts" in alice.get("settings/retention/deleted/stored/").content.decode()


@pytest.mark.parametrize("kind", ["expire", "inactive"])
def test_only_the_rule_begins_such_an_action(alice: Actor, kind: str) -> None:
    for answer in (alice.get(f"contacts/bulk/{kind}/?all=1"), alice.post(f"contacts/bulk/{kind}/", {"all": "1"})):
        assert answer.status_code == 404
    assert actions.action_types()[kind].options({"word": "ERASE", "reason": "Other"}) is None


def test_a_stopped_action_is_tried_again_the_next_day(alice: Actor) -> None:
    bring(alice.workspace, FILE, user=alice.user)
    deleted(alice, Ann=40)
    set_rule(alice, "deleted", 30)
    job.work(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        actions.cancel(BulkAction.objects.get(kind="expire").pk, user_id=alice.user.pk)
    assert applied(alice).removed == 0
    assert "Ann" in names(alice)
    with tenant_context(alice.workspace.pk):
        RetentionRule.objects.update(ended_at=timezone.now() - timedelta(days=1))
    assert applied(alice).removed == 1
