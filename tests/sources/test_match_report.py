"""Match reports: each contact of a source counted once, by the strongest identifier that met a visitor; scores; growth."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from contacts.models import Contact
from imports.models import Listing
from segments.models import Member, Segment
from sources import match_report, refresh
from sources.models import Ambiguity, Source, SourceMember
from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tracking import contact_visits
from tracking.models import Event, Site, Visitor

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def source_of(contacts: list[Contact]) -> Source:
    """A source of a segment with these contacts."""
    segment = Segment.objects.create(name=f"Club {uuid.uuid4()}")
    for contact in contacts:
        Member.objects.create(tenant_id=current_tenant(), segment_id=segment.pk, contact_id=contact.pk, added_at=NOW)
    source: Source = Source.objects.create(name="Club", type="customers", origin="segments", segments=[segment.pk])
    return source


def visit(contact: Contact | None, by: str | None, *, at: datetime = NOW, visits: int = 1) -> Visitor:
    visitor: Visitor = Visitor.objects.create(
        site_id=1, device=uuid.uuid4(), first_seen=at, last_seen=at, visits=visits, matched_by=by,
        contact_id=contact and contact.pk, claimed_at=at if contact else None,
    )  # fmt: skip
    contact_visits.refresh([visitor.contact_id])
    return visitor


def order(visitor: Visitor, amount: str, *, currency: str = "EUR", site: int | None = None) -> None:
    Event.objects.create(
        tenant_id=current_tenant(), at=NOW, visitor_id=visitor.pk, site_id=site, kind="order",
        properties={"amount": Decimal(amount), "currency": currency},
    )  # fmt: skip


def run(source: Source) -> Source:
    """What the worker does, step by step."""
    while refresh.step(source):
        pass
    source.refresh_from_db()
    return source


def people(count: int) -> list[Contact]:
    return [Contact.objects.create(email=f"p{n}@example.com") for n in range(count)]


def test_each_contact_is_counted_once_by_its_strongest_identifier(inside: Tenant) -> None:
    ann, ben, cleo, dora = people(4)
    for contact, by in ((ann, "phone"), (ann, "external_id"), (ann, "email"), (ben, "email"), (ben, "email")):
        visit(contact, by)
    visit(cleo, "phone")
    visit(None, None)
    source = run(source_of([ann, ben, cleo, dora]))
    assert (source.contacts, source.matched, source.ambiguous) == (4, 3, 0)
    assert source.report["matched"] == {"external_id": 1, "email": 1, "phone": 1}
    assert source.report["have"] == {"external_id": 0, "email": 4, "phone": 0}
    parts = {part.key: part.count for part in match_report.parts(source)}
    assert parts == {"external_id": 1, "email": 1, "phone": 1, "ambiguous": 0, "unseen": 1}
    assert sum(parts.values()) == source.contacts


def test_deleted_contacts_are_not_counted_and_return_when_they_are_restored(inside: Tenant) -> None:
    ann, ben = people(2)
    visit(ann, "email")
    source = source_of([ann, ben])
    assert run(source).contacts == 2
    Contact.objects.filter(pk=ann.pk).update(deleted_at=NOW)
    refresh.begin(source)
    assert (run(source).contacts, source.matched) == (1, 0)
    Contact.objects.filter(pk=ann.pk).update(deleted_at=None)
    refresh.begin(source)
    assert (run(source).contacts, source.matched) == (2, 1)


def test_a_visitor_who_names_himself_later_is_matched_by_the_next_sweep(inside: Tenant) -> None:
    (ann,) = people(1)
    waiting = visit(None, None, at=NOW)
    source = run(source_of([ann]))
    assert source.matched == 0
    Source.objects.filter(pk=source.pk).update(refreshed_at=NOW)
    Visitor.objects.filter(pk=waiting.pk).update(
        contact_id=ann.pk, matched_by="email", claimed_at=NOW + timedelta(minutes=5)
    )
    contact_visits.refresh([ann.pk])
    due = Source.objects.filter(refresh.is_due(NOW + timedelta(minutes=6)))
    assert [s.pk for s in due] == [source.pk]
    refresh.begin(source)
    refreshed = run(source)
    assert refreshed.matched == 1
    assert refreshed.refreshed_at is not None
    assert not Source.objects.filter(refresh.is_due(refreshed.refreshed_at + timedelta(seconds=61))).exists()


@pytest.mark.parametrize(
    ("days_ago", "visits", "score"),
    [(0, 1, 43), (0, 10, 70), (0, 99, 70), (90, 10, 50), (180, 10, 30), (900, 1, 3)],
    ids=["first visit", "ten visits", "many visits", "three months ago", "half a year ago", "long ago"],
)
def test_the_score_follows_its_formula(inside: Tenant, days_ago: int, visits: int, score: int) -> None:
    (ann,) = people(1)
    visit(ann, "email", at=NOW - timedelta(days=days_ago), visits=visits)
    source = run(source_of([ann]))
    source.cursor = 0
    match_report.match_step(source, now=NOW)
    assert SourceMember.objects.get(source_id=source.pk).score == score


def test_orders_add_points_by_amount_in_the_usual_currency(inside: Tenant) -> None:
    contacts = people(12)
    for place, contact in enumerate(contacts[:11]):
        order(visit(contact, "email"), str(place * 10))
    order(visit(contacts[11], "email"), "5000", currency="SEK")
    source = run(source_of(contacts))
    amounts = dict(SourceMember.objects.filter(source_id=source.pk).values_list("contact_id", "amount"))
    assert [amounts[c.pk] for c in contacts[:3]] == [0, 10, 20]
    assert amounts[contacts[11].pk] is None
    assert source.report["currency"] == "EUR"
    scores = dict(SourceMember.objects.filter(source_id=source.pk).values_list("contact_id", "score"))
    base = scores[contacts[11].pk]
    # Nine in ten of those with an amount have at most 90: who has it has all points, a third of it is a third of them.
    assert [scores[c.pk] - base for c in (contacts[0], contacts[9], contacts[10])] == [0, 30, 30]
    assert scores[contacts[3].pk] - base == 10
    refresh.begin(source)
    run(source)
    assert dict(SourceMember.objects.filter(source_id=source.pk).values_list("contact_id", "score")) == scores


def test_orders_that_only_browsers_report_count_where_the_workspace_allows_it(inside: Tenant) -> None:
    (ann,) = people(1)
    site = Site.objects.create(name="shop", key="k")
    order(visit(ann, "email"), "10", site=site.pk)
    source = run(source_of([ann]))
    assert SourceMember.objects.get(source_id=source.pk).amount is None
    Tenant.objects.filter(pk=inside.pk).update(count_claimed_orders=True)
    refresh.begin(source)
    run(source)
    assert SourceMember.objects.get(source_id=source.pk).amount == 10


def test_growth_adds_up_day_by_day(inside: Tenant) -> None:
    contacts = people(4)
    for contact, day in zip(contacts, (0, 0, 2, 5), strict=True):
        visit(contact, "email", at=NOW + timedelta(days=day))
    source = run(source_of(contacts))
    assert source.growth == [["2026-11-01", 2], ["2026-11-03", 3], ["2026-11-06", 4]]
    many = match_report.thinned([(f"day {n}", 1) for n in range(1000)])
    assert len(many) <= match_report.MOST_POINTS
    assert many[-1] == ["day 999", 1000]


def test_steps_go_through_all_members_and_a_second_run_changes_nothing(
    inside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_report, "STEP", 3)
    contacts = people(10)
    for contact in contacts[::2]:
        visit(contact, "email")
    source = run(source_of(contacts))
    assert (source.contacts, source.matched) == (10, 5)
    before = list(SourceMember.objects.order_by("contact_id").values_list("contact_id", "added_at", "score"))
    refresh.begin(source)
    assert run(source).matched == 5
    assert list(SourceMember.objects.order_by("contact_id").values_list("contact_id", "added_at", "score")) == before


def test_a_source_whose_segments_are_gone_fails_with_the_reason(inside: Tenant) -> None:
    source = source_of(people(1))
    Segment.objects.all().delete()
    assert run(source).state == "failed"
    assert source.reason == "Its segments no longer exist."


def test_contacts_that_a_visitor_could_be_are_ambiguous_in_both_reports(inside: Tenant) -> None:
    ann, ben, cleo = people(3)
    visit(cleo, "email")
    candidates = [{"contact": c.pk, "kind": "email", "value": c.email} for c in (ann, ben, cleo)]
    Ambiguity.objects.create(visitor_id=visit(None, None).pk, candidates=candidates)
    source = run(source_of([ann, ben, cleo]))
    assert source.ambiguous == 2
    Listing.objects.create(
        tenant_id=current_tenant(), import_id=1, start=0, part=0, keys=[], contact_ids=[ann.pk, cleo.pk]
    )
    parts = {part.key: part.count for part in match_report.of_import(1)}
    assert (parts["email"], parts["ambiguous"], parts["unseen"]) == (1, 1, 0)
