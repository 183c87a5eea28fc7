"""The pages of a source: report, people, download, edit, remove and restore; the fragment of an import."""

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Contact
from segments.models import Member, Segment
from sources import refresh
from sources.models import Source, SourceMember
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring, flat
from tracking import contact_visits
from tracking.models import Visitor

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def source(alice: Actor) -> Source:
    """A source of three contacts, of whom one has visited; one is named like a formula."""
    own = alice.workspace.pk
    with tenant_context(own):
        segment = Segment.objects.create(name="VIP")
        names = ["Ann", "=1+1", "Cleo"]
        contacts = [Contact.objects.create(email=f"p{n}@example.com", first_name=name) for n, name in enumerate(names)]
        for contact in contacts:
            Member.objects.create(tenant_id=own, segment_id=segment.pk, contact_id=contact.pk, added_at=AT)
        Visitor.objects.create(
            site_id=1, device=uuid.uuid4(), first_seen=AT, last_seen=AT, contact_id=contacts[0].pk, matched_by="email",
            claimed_at=AT, page="https://shop.example.com/checkout",
        )  # fmt: skip
        contact_visits.refresh([contacts[0].pk])
        made: Source = Source.objects.create(name="Club", type="customers", origin="segments", segments=[segment.pk])
    refresh.work(own, made.pk)
    return made


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode() if response.streaming else flat(response.content.decode())


def test_the_report_adds_up_and_names_the_evidence(alice: Actor, source: Source) -> None:
    page = body(alice.get(f"sources/{source.pk}/"))
    assert "33.3&nbsp;%" in page or "33" in page
    assert "Ann" in page
    assert "Visitor" in page
    assert "3 are needed" not in page
    assert "100 are needed" in page
    assert "Nothing uses this source" in page
    assert alice.get(f"sources/{source.pk}/live/").status_code == 286


def test_people_are_listed_by_whether_they_are_matched(alice: Actor, source: Source) -> None:
    matched, rest = (body(alice.get(f"sources/{source.pk}/people/?show={show}")) for show in ("matched", "unmatched"))
    assert "Ann" in matched
    assert "Cleo" not in matched
    assert "Cleo" in rest
    assert "Ann" not in rest


def test_the_download_is_complete_and_safe_in_a_spreadsheet(alice: Actor, source: Source) -> None:
    rows = list(csv.DictReader(io.StringIO(body(alice.post(f"sources/{source.pk}/all.csv")))))
    assert [row["matched_by"] for row in rows] == ["email", "", ""]
    assert rows[1]["first_name"] == "'=1+1"
    assert [len(list(csv.DictReader(io.StringIO(body(alice.post(f"sources/{source.pk}/{show}.csv"))))))
            for show in ("matched", "unmatched")] == [1, 2]  # fmt: skip
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="source.exported").count() == 3


def test_a_source_is_edited_with_a_trace(alice: Actor, source: Source) -> None:
    wrong = alice.post(f"sources/{source.pk}/edit/", {"name": "", "type": "customers", "target": "people"})
    assert wrong.status_code == 422
    alice.post(f"sources/{source.pk}/edit/", {"name": "Old", "type": "interest", "target": "companies"})
    with tenant_context(alice.workspace.pk):
        assert Source.objects.values_list("name", "type", "target").get() == ("Old", "interest", "companies")
        assert AuditEntry.objects.filter(verb="source.changed").exists()


def test_a_removed_source_can_be_restored(alice: Actor, source: Source) -> None:
    assert "Remove Club?" in body(alice.get(f"sources/{source.pk}/remove/"))
    alice.post(f"sources/{source.pk}/remove/")
    assert "No sources yet" in body(alice.get("sources/"))
    assert "Club" in body(alice.get("sources/removed/"))
    assert alice.post(f"sources/{source.pk}/refresh/").status_code == 404
    alice.post(f"sources/{source.pk}/restore/")
    alice.post(f"sources/{source.pk}/restore/")
    assert "Club" in body(alice.get("sources/"))


def test_a_removed_source_is_deleted_for_good_after_its_time(alice: Actor, source: Source) -> None:
    alice.post(f"sources/{source.pk}/remove/")
    with tenant_context(alice.workspace.pk):
        refresh.forget_removed(now=timezone.now() + timedelta(days=29))
        assert SourceMember.objects.count() == 3
        refresh.forget_removed(now=timezone.now() + timedelta(days=31))
        assert not Source.objects.exists()
        assert not SourceMember.objects.exists()


def test_a_source_in_use_cannot_be_removed(alice: Actor, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    users = {"audience": lambda _source_id: [("audience", "Winter campaign", "/somewhere/")]}
    monkeypatch.setattr("contacts.extensions.source_usage", lambda: users)
    answer = alice.post(f"sources/{source.pk}/remove/")
    assert answer.status_code == 409
    assert "Winter campaign" in body(answer)
    assert "Winter campaign" in body(alice.get(f"sources/{source.pk}/"))
    with tenant_context(alice.workspace.pk):
        assert Source.objects.get().archived_at is None


def test_every_import_has_the_report_and_can_become_a_source(alice: Actor) -> None:
    imp = bring(alice.workspace, "email\nann@example.com\nben@example.com\n")
    with tenant_context(alice.workspace.pk):
        ann = Contact.objects.get(email="ann@example.com")
        Visitor.objects.create(
            site_id=1,
            device=uuid.uuid4(),
            first_seen=AT,
            last_seen=AT,
            contact_id=ann.pk,
            matched_by="email",
            claimed_at=AT,
        )
        contact_visits.refresh([ann.pk])
    fragment = body(alice.get(f"sources/of-import/{imp.pk}/"))
    assert "Match report" in fragment
    assert "Make it a source" in fragment
    assert "of 2 that have one" in fragment
    first = alice.post(f"sources/from-import/{imp.pk}/")
    assert alice.post(f"sources/from-import/{imp.pk}/")["Location"] == first["Location"]
    with tenant_context(alice.workspace.pk):
        source = Source.objects.get()
    refresh.work(alice.workspace.pk, source.pk)
    with tenant_context(alice.workspace.pk):
        source.refresh_from_db()
        assert (source.state, source.contacts, source.matched) == ("ready", 2, 1)
    assert "Make it a source" not in body(alice.get(f"sources/of-import/{imp.pk}/"))
