"""Consent only becomes stricter, deleted people stay away, and switches that say otherwise need more than a click."""

import itertools
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from contacts.consent.digest import suppression_digest
from contacts.models import Contact, Suppression
from contacts.values import channel_status
from contacts.values.parsers import BadValue
from imports.models import Import, RowEffect, RowIssue
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.cast import Actor, workspace
from tests.cast import person as make_person
from tests.imports.helpers import bring, receive

PAIRS = list(itertools.product(channel_status.EMAIL_ORDER, repeat=2))
MAPS = {"Status": "email_status", "Phone status": "phone_status"}


def person(**fields: object) -> Contact:
    made: Contact = Contact.objects.create(email="a@example.com", origin="manual", **fields)
    return made


def codes(imp: Import) -> list[str]:
    return list(RowIssue.objects.filter(import_id=imp.pk).values_list("code", flat=True))


def pairs(**options: Any) -> Import:
    """One import with a row for each pair: a contact with the first status, and a row that gives it the second."""
    tenant = workspace(make_person("Alice"))
    lines = [f"p{i}@example.com,{given}" for i, (_known, given) in enumerate(PAIRS)]
    with tenant_context(tenant.pk):
        for i, (known, _given) in enumerate(PAIRS):
            Contact.objects.create(email=f"p{i}@example.com", origin="manual", email_status=known)
    return bring(tenant, "\n".join(["email,Status", *lines, ""]), maps={"Status": "email_status"}, **options)


@pytest.fixture(scope="module")
def stricter_counts() -> Import:
    return pairs()


@pytest.fixture(scope="module")
def file_counts() -> Import:
    return pairs(consent="file")


@pytest.mark.parametrize(("number", "known", "given"), [(i, *pair) for i, pair in enumerate(PAIRS)])
def test_every_pair_of_statuses(stricter_counts: Import, number: int, known: str, given: str) -> None:
    imp = stricter_counts
    with tenant_context(imp.tenant_id):
        contact = Contact.objects.get(email=f"p{number}@example.com")
        stricter = channel_status.EMAIL_ORDER.index(given) > channel_status.EMAIL_ORDER.index(known)
        milder = channel_status.EMAIL_ORDER.index(given) < channel_status.EMAIL_ORDER.index(known)
        assert contact.email_status == (given if stricter else known)
        said = RowIssue.objects.filter(import_id=imp.pk, row_no=number + 2)
        assert list(said.values_list("code", flat=True)) == (["status_kept"] if milder else [])
        outcomes = RowEffect.objects.filter(import_id=imp.pk, row_no=number + 2, outcome="u")
        assert outcomes.count() == (1 if stricter else 0)


def test_as_many_are_updated_as_become_stricter(stricter_counts: Import) -> None:
    rank = channel_status.EMAIL_ORDER.index
    updated = sum(rank(given) > rank(known) for known, given in PAIRS)
    assert (stricter_counts.updated, stricter_counts.unchanged) == (updated, len(PAIRS) - updated)


@pytest.mark.parametrize(("number", "known", "given"), [(i, *pair) for i, pair in enumerate(PAIRS)])
def test_with_the_switch_the_file_counts(file_counts: Import, number: int, known: str, given: str) -> None:
    with tenant_context(file_counts.tenant_id):
        contact = Contact.objects.get(email=f"p{number}@example.com")
        assert contact.email_status == given, known


def test_a_row_without_a_status_changes_none(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        contact = person(email_status="unsubscribed")
    bring(tenant, "email,Status,city\na@example.com,,Riga\n", maps={"Status": "email_status"}, consent="file")
    with tenant_context(tenant.pk):
        contact.refresh_from_db()
        assert (contact.email_status, contact.attributes) == ("unsubscribed", {"city": "Riga"})


def test_new_contacts_take_the_status_of_the_file(tenant: Tenant) -> None:
    file = "email,phone,Status,Phone status\na@example.com,+447911123456,Unsubscribed,blocked\nb@example.com,,yes,\n"
    imp = bring(tenant, file, maps=MAPS)
    with tenant_context(tenant.pk):
        gone, stays = Contact.objects.order_by("email")
        assert (gone.email_status, gone.email_status_reason, gone.phone_status) == (
            "unsubscribed",
            "import",
            "blacklisted",
        )
        assert gone.email_status_at is not None
        assert (stays.email_status, stays.email_status_at) == ("active", None)
    assert imp.created == 2


def test_the_strictest_row_of_a_person_counts(tenant: Tenant) -> None:
    file = "email,Status\na@example.com,spam\na@example.com,active\na@example.com,\n"
    bring(tenant, file, maps={"Status": "email_status"})
    with tenant_context(tenant.pk):
        assert Contact.objects.get().email_status == "spam"


@pytest.mark.parametrize(
    ("word", "channel", "status"),
    [
        ("Subscribed", "email", "active"),
        ("opt-out", "email", "unsubscribed"),
        ("Cleaned", "email", "blacklisted"),
        ("pending", "email", "not_confirmed"),
        ("нет", "email", "unsubscribed"),
        ("no", "phone", "blacklisted"),
        ("TRUE", "phone", "active"),
    ],
)
def test_words_of_statuses(word: str, channel: str, status: str) -> None:
    assert channel_status.status(word, channel=channel) == status


def test_other_words_are_no_statuses() -> None:
    with pytest.raises(BadValue, match="not_a_status"):
        channel_status.status("perhaps", channel="email")


def deleted(**fields: object) -> Contact:
    return person(deleted_at=timezone.now(), deleted_reason="spam", **fields)


def test_deleted_contacts_stay_away_unless_asked(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        contact = deleted(external_id="C-1", first_name="Old")
    file = "email,first_name\na@example.com,New\nA@example.com,Newer\n"
    imp = bring(tenant, file)
    assert (imp.skipped, imp.duplicates, imp.updated) == (1, 1, 0)
    imp = bring(tenant, file, deleted="restore")
    assert (imp.skipped, imp.duplicates, imp.updated, imp.created) == (0, 1, 1, 0)
    with tenant_context(tenant.pk):
        contact.refresh_from_db()
        assert (contact.deleted_at, contact.deleted_reason, contact.first_name) == (None, None, "Newer")


def test_a_deleted_contact_does_not_come_back_over_a_living_one(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gone = deleted(external_id="C-1")
        living = Contact.objects.create(external_id="C-1", email="b@example.com", origin="manual")
    imp = bring(tenant, "email\na@example.com\n", deleted="restore")
    assert imp.in_error == 1
    with tenant_context(tenant.pk):
        issue = RowIssue.objects.get(import_id=imp.pk)
        assert (issue.code, issue.facts) == ("ambiguous_match", {"contact": gone.pk, "other": living.pk})
    imp = bring(tenant, "external_id,city\nC-1,Riga\n", deleted="restore")
    assert imp.updated == 1


def test_several_deleted_contacts_are_not_guessed(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        deleted()
        deleted()
    imp = bring(tenant, "email\na@example.com\n", deleted="restore")
    assert imp.in_error == 1


def test_erased_people_come_back_by_no_switch(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        digest = suppression_digest("email", "a@example.com", key=settings.SECRET_KEY)
        Suppression.objects.create(kind="email", digest=digest)
    imp = bring(tenant, "email\nA@example.com\n", deleted="restore", consent="file")
    assert (imp.skipped, imp.created) == (1, 0)


# --- the page ---------------------------------------------------------------------------------------------------------

CHOSEN = {"column-0": "email", "mode": "create_and_update", "existing": "overwrite", "blank": "keep",
          "duplicates": "last", "bad_value": "error"}  # fmt: skip


def test_the_switches_need_a_confirmation_and_leave_a_trace(alice: Actor) -> None:
    imp = receive(alice.workspace, "email\na@example.com\n", user=alice.user)
    response = alice.post(f"imports/{imp.pk}/start/", CHOSEN | {"deleted": "restore"})
    assert response.status_code == 422
    assert "Confirm this" in response.content.decode()
    response = alice.post(f"imports/{imp.pk}/start/", CHOSEN | {"deleted": "restore", "revive_confirmed": "on"})
    assert response.status_code == 302
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="import.may_revive")
        assert entry.detail == {"deleted": "restore", "consent": "stricter"}
        assert Import.objects.get(pk=imp.pk).options["deleted"] == "restore"


def test_the_switches_are_not_for_marketers(alice: Actor, bob: Actor) -> None:
    imp = receive(alice.workspace, "email\na@example.com\n", user=bob.user)
    assert "revive_confirmed" not in bob.get(f"imports/{imp.pk}/").content.decode()
    bob.post(f"imports/{imp.pk}/start/", CHOSEN | {"deleted": "restore", "consent": "file", "revive_confirmed": "on"})
    with tenant_context(alice.workspace.pk):
        options = Import.objects.get(pk=imp.pk).options
        assert (options["deleted"], options["consent"]) == ("skip", "stricter")
