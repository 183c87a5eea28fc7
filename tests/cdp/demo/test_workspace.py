"""The demo workspace: made by the product's own roads, once, and its figures add up."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.utils import timezone

from audiences.models import Lookalike, LookalikeMember
from cdp.demo import history, workspace
from contacts.duplicates import exact
from contacts.models import Contact, EmailStatus, ProbablePair, ProbableSearch
from destinations import review
from destinations.models import Destination, Sync, SyncRun
from imports.models import Import, Phase, RejectedRow, RowEffect, RowIssue, Status
from segments import membership, rfm
from segments.models import Member, Segment
from sources.models import Ambiguity, Source, SourceMember
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tracking.models import Event, Site, Visitor, VisitorIdentifier

MODELS = (
    Ambiguity,
    Source,
    SourceMember,
    Contact,
    Import,
    RowIssue,
    RowEffect,
    Member,
    Segment,
    Membership,
    Event,
    Lookalike,
    LookalikeMember,
    Site,
    Visitor,
    VisitorIdentifier,
)


def seed() -> dict[str, Any]:
    """What the command prints: one line of JSON."""
    said = StringIO()
    call_command("seed_demo", stdout=said)
    [line] = said.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture(scope="module")
def login(open_database: None) -> dict[str, Any]:
    return seed()


@pytest.fixture
def inside_demo(login: dict[str, Any]) -> Any:
    tenant = Tenant.objects.get(slug=login["workspace"])
    with tenant_context(tenant.pk):
        yield tenant


def test_the_owner_can_sign_in(login: dict[str, Any]) -> None:
    assert login.keys() == {"workspace", "login", "password", "logins", "connectors"}
    user = User.objects.get(email=login["login"])
    assert user.check_password(login["password"])
    assert authenticate(email=login["login"], password=login["password"]) == user


def test_a_second_run_does_nothing(login: dict[str, Any]) -> None:
    tenant = Tenant.objects.get(slug=login["workspace"])

    def counts() -> list[int]:
        with tenant_context(tenant.pk):
            return [model.objects.count() for model in MODELS]

    before = counts()
    assert seed() == login
    assert counts() == before


def test_every_row_is_accounted_for(inside_demo: Tenant) -> None:
    customers, crm, waiting, told, broken, ordered = Import.objects.order_by("pk")
    assert (customers.status, crm.status, waiting.status) == (Status.IMPORTED, Status.IMPORTED, Status.READY)
    assert (customers.rows, crm.rows, waiting.rows) == (1500, 2500, 600)
    for imp in (customers, crm, waiting):
        assert sum(getattr(imp, name) for name in Import.OUTCOMES) == imp.rows
        assert RejectedRow.objects.filter(import_id=imp.pk).count() == imp.in_error
    assert (told.status, told.created, told.in_error) == (Status.IMPORTED, 32, 0)
    assert (broken.status, broken.reason) == (Status.FAILED, "unclosed_quote")
    assert (ordered.status, ordered.created, ordered.in_error) == (Status.IMPORTED, 0, 0)
    by_hand = Contact.objects.filter(origin="manual").count()
    assert by_hand == history.DUPLICATES + history.LIKES
    assert Contact.objects.count() == customers.created + crm.created + told.created + by_hand
    assert (crm.dialect["encoding"], crm.dialect["separator"]) == ("cp1252", ";")


def test_the_messy_file_has_something_of_everything(inside_demo: Tenant) -> None:
    crm = Import.objects.get(file_name="crm-export.csv")
    assert min(crm.created, crm.updated, crm.duplicates, crm.in_error, crm.matched_visitors) > 20
    codes = set(RowIssue.objects.filter(import_id=crm.pk).values_list("code", flat=True))
    assert codes >= {"not_an_email", "phone_damaged_by_spreadsheet", "too_few_cells", "too_many_cells"}
    assert codes >= {"duplicate_of_line"}


def test_one_import_waits_for_its_review(inside_demo: Tenant) -> None:
    waiting = Import.objects.get(phase=Phase.REVIEW)
    assert waiting.review["counts"]["rows"] == 600
    assert waiting.review["segments"][0]["after"] > 0
    assert sum(waiting.review["visitors"].values()) > 0
    assert not RowEffect.objects.filter(import_id=waiting.pk).exists()


def test_visitors_met_contacts_on_both_roads(inside_demo: Tenant) -> None:
    claimed = Visitor.objects.exclude(contact_id=None)
    assert Visitor.objects.count() == workspace.VISITORS + 6  # three shared computers, three visits of now
    by_import, by_page = claimed.exclude(import_id=None), claimed.filter(import_id=None)
    assert min(by_import.count(), by_page.count()) > 20
    assert set(claimed.values_list("matched_by", flat=True)) == {"email", "phone", "external_id"}
    assert by_import.count() == sum(i.matched_visitors for i in Import.objects.all())
    assert Event.objects.count() > 3000
    days = Event.objects.datetimes("at", "day").count()
    assert days >= 28


def test_segments_hold_the_contacts_of_their_imports(inside_demo: Tenant) -> None:
    sizes = {s.name: Member.objects.filter(segment_id=s.pk).count() for s in Segment.objects.all()}
    crm = Import.objects.get(file_name="crm-export.csv")
    assert sizes["Trade fair Leeds"] == crm.created + crm.updated + crm.unchanged
    assert sizes["Shop customers"] > 1400
    dynamic = Segment.objects.get(rule__isnull=False)
    assert membership.contacts(dynamic).count() > 20


def test_somebody_of_each_role_can_sign_in(inside_demo: Tenant, login: dict[str, Any]) -> None:
    assert sorted(Membership.objects.values_list("role", flat=True)) == sorted(Role.values)
    assert [one["role"] for one in login["logins"]] == ["owner", "admin", "marketer", "ops", "viewer"]
    for one in login["logins"]:
        user = authenticate(email=one["login"], password=one["password"])
        assert user is not None
        assert Membership.objects.get(user=user).role == one["role"]


def test_an_older_demo_gets_the_logins_that_it_lacks(login: dict[str, Any]) -> None:
    user = User.objects.get(email="victor@example.com")
    user.set_unusable_password()
    user.save()
    assert seed() == login
    user.refresh_from_db()
    assert user.check_password(login["password"])


def test_there_is_somebody_of_every_kind(inside_demo: Tenant) -> None:
    living = Contact.objects.living()
    has = {status: living.filter(email_status=status).count() for status in EmailStatus.values}
    assert has["unsubscribed"] == history.STATUSES["unsubscribed"]
    assert has["not_confirmed"] == history.STATUSES["not_confirmed"]
    assert has["spam"] == history.STATUSES["spam"] + 1
    assert has["blacklisted"] == history.STATUSES["blacklisted"] + history.LISTED + 1
    assert living.filter(phone_status="blacklisted").count() >= 2
    gone = Contact.objects.exclude(deleted_at=None)
    assert gone.count() == history.GONE
    assert gone.values("deleted_reason").distinct().count() > 3
    assert exact.totals("email").values == history.DUPLICATES
    assert ProbableSearch.objects.get().state == "done"
    assert ProbablePair.objects.count() >= history.LIKES


def test_messages_were_sent_and_rated(inside_demo: Tenant) -> None:
    said = Counter(e.properties["status"] for e in Event.objects.filter(kind="message"))
    assert min(said["delivered"], said["read"], said["clicked"]) > 10
    assert said["undelivered"] == said["spam report"] == 1
    assert Contact.objects.exclude(rating=None).count() == history.WRITTEN_TO


def test_customers_have_ordered_in_two_currencies(inside_demo: Tenant) -> None:
    orders = Event.objects.filter(kind="order", site_id=None)
    paid = Counter(e.properties["currency"] for e in orders)
    assert paid["GBP"] > 5 * paid["EUR"] > 0
    assert all(e.properties["amount"] > 0 and e.properties["items"] for e in orders)
    assert (timezone.now() - max(e.at for e in orders)).days < 7
    grid = rfm.grid("monetary", currency="GBP", now=timezone.now())
    assert len(grid.days) == len(grid.sizes) == 4
    assert len(grid.cells) >= 15


def test_there_are_files_to_try(login: dict[str, Any], bring_sample: Callable[[Path], Import]) -> None:
    samples = sorted((Path(settings.HOME) / "samples").iterdir())
    assert [path.name for path in samples] == ["customers.csv", "excel-unicode.txt", "messy-crm.csv"]
    for path in samples:
        imp = bring_sample(path)
        assert imp.status == Status.READY
        assert imp.rows in (300, 500, 2000)


@pytest.fixture
def bring_sample(tenant: Tenant) -> Callable[[Path], Import]:
    """Upload a file to a workspace of the test's own, up to the review."""
    from tests.imports.helpers import bring

    return lambda path: bring(tenant, path.read_bytes(), review=True)


def test_a_source_is_matched_and_something_is_to_be_decided(inside_demo: Tenant) -> None:
    source = Source.objects.get()
    assert (source.state, source.contacts) == (
        "ready",
        membership.contacts(Segment.objects.get(pk=source.segments[0])).count(),
    )
    assert 0 < source.matched < source.contacts
    # Of the third shared computer one person has since been deleted.
    assert Ambiguity.objects.filter(state="open").exclude(visitor_id=None).count() == 2


def test_visitors_are_on_the_site_now(inside_demo: Tenant) -> None:
    assert Visitor.objects.filter(last_seen__gte=timezone.now() - timedelta(minutes=15)).count() >= 3


def test_a_data_sync_waits_for_its_review(inside_demo: Tenant) -> None:
    sync = Sync.objects.get()
    figures = review.of(sync, Destination.objects.get())
    assert (sync.state, SyncRun.objects.count()) == ("draft", 0)
    assert figures.sent > 100
    assert figures.size == figures.sent + sum(count for _key, _label, count in figures.left_out)


def test_a_lookalike_has_passed_its_test(inside_demo: Tenant) -> None:
    own = Lookalike.objects.get()
    assert own.state == "ready", own.reason
    words = " ".join(one["words"] for one in own.report["mattered"])
    assert "hiking" in words
    assert "Ordered" in words
    assert LookalikeMember.objects.filter(lookalike_id=own.pk).count() == own.judged // 5
