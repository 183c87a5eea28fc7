"""Figures of the contact base are those of the contacts, whatever has become of them."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import write_lock
from contacts.models import Contact
from insights.dashboards import contact_base, contact_counts
from insights.dashboards.date_range import DashboardQuery, DateRange
from insights.dashboards.parts import Asked, Part
from insights.models import ContactCount, ContactTally, ImportErrorTally
from tenants.isolation import statements
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Tenant
from tests.cast import Actor, person, workspace
from tests.imports.helpers import bring
from tests.tracking.helpers import contact

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SPAN = DateRange(date(2026, 8, 1), date(2026, 8, 31))


def tallies(kind: str) -> Counter[tuple[str, date | None]]:
    return Counter({(t.label, t.day): t.contacts for t in ContactTally.objects.filter(kind=kind)})


def agree(tenant: Tenant) -> None:
    """The tallies are what Python counts from all contacts."""
    zone = ZoneInfo(tenant.time_zone)
    everybody = list(Contact.objects.all())
    living = [c for c in everybody if c.deleted_at is None]
    made = Counter((c.origin, c.created_at.astimezone(zone).date()) for c in everybody)
    gone = Counter(("", c.deleted_at.astimezone(zone).date()) for c in everybody if c.deleted_at)
    email = Counter(
        (c.email_status, (c.email_status_at or c.created_at).astimezone(zone).date()) for c in living if c.email
    )
    channel = Counter(
        ("both" if c.email and c.phone else "email" if c.email else "phone" if c.phone else "none", None)
        for c in living
    )
    found = {kind: tallies(kind) for kind in ("made", "deleted", "email", "channel")}
    assert found == {"made": made, "deleted": gone, "email": email, "channel": channel}


ACTS = st.lists(
    st.tuples(st.sampled_from(["make", "status", "delete", "restore", "erase"]), st.integers(0, 27)), max_size=12
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(ACTS)
def test_whatever_happens(acts: list[tuple[str, int]]) -> None:
    tenant = workspace(person("owner"), time_zone="Asia/Tokyo")
    for what, day in acts:
        moment = datetime(2026, 8, 1 + day, 20, tzinfo=UTC)
        with tenant_context(tenant.pk):
            some = Contact.objects.filter(pk__in=list(Contact.objects.values_list("pk", flat=True)[:1]))
            if what == "make":
                email = f"p{day}@example.com" if day % 3 else None
                phone = None if day % 4 else "+37120000000"
                origin = "form" if day % 2 else "import"
                Contact.objects.create(origin=origin, email=email, phone=phone, created_at=moment)
            elif what == "status":
                some.update(email_status="unsubscribed", email_status_at=moment)
            elif what == "erase":
                some.delete()
            else:
                some.update(deleted_at=moment if what == "delete" else None)
        if day % 5 == 0:
            contact_counts.count(tenant.pk, now=NOW)
    contact_counts.count(tenant.pk, now=NOW)
    with tenant_context(tenant.pk):
        agree(tenant)


def needs(tenant: Tenant) -> tuple[bool, bool]:
    """(imports to look at, contacts that may have changed), as a sweep asks before it does anything."""
    zone = Tenant.objects.values_list("time_zone", flat=True).get(pk=tenant.pk)
    with tenant_context(tenant.pk):
        imports, contacts = statements.fetch(contact_counts.NEEDS, zone=zone)[0]
    return imports, contacts


def test_a_sweep_does_nothing_where_nothing_is_needed(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = alice.workspace
    assert needs(tenant) == (False, False)
    bring(tenant, "email\nann@example.com\nnobody\n", user=alice.user)
    assert needs(tenant) == (True, True)
    contact_counts.sweep()
    assert needs(tenant) == (False, False)
    counted: list[int] = []
    monkeypatch.setattr(contact_counts, "count", lambda tenant_id, **_now: counted.append(tenant_id))
    contact_counts.sweep()  # of other tests' workspaces, too
    assert tenant.pk not in counted
    Tenant.objects.filter(pk=tenant.pk).update(time_zone="Asia/Tokyo")
    assert needs(tenant) == (False, True)


def test_it_is_due_when_contacts_have_changed(tenant: Tenant) -> None:
    assert not contact_counts.is_due(tenant.pk, now=NOW)  # nobody has written yet
    with tenant_context(tenant.pk):
        write_lock.lock()
        write_lock.bump_version()
    assert contact_counts.is_due(tenant.pk, now=NOW)
    assert needs(tenant)[1]
    contact_counts.count(tenant.pk, now=NOW)
    later = NOW + timedelta(minutes=5)
    assert not contact_counts.is_due(tenant.pk, now=later)
    assert not needs(tenant)[1]
    with tenant_context(tenant.pk):
        write_lock.lock()
        write_lock.bump_version()
        ContactCount.objects.update(seconds=2.0)
    assert contact_counts.is_due(tenant.pk, now=later)
    assert needs(tenant)[1]
    assert not contact_counts.is_due(tenant.pk, now=NOW + timedelta(seconds=39))  # a twentieth of the time
    Tenant.objects.filter(pk=tenant.pk).update(time_zone="Asia/Tokyo")
    assert contact_counts.is_due(tenant.pk, now=NOW)


def asked(actor: Actor) -> Asked:
    member = Membership(role="owner")
    return Asked(DashboardQuery(SPAN, None, None), actor.workspace, member, NOW)


def test_growth(alice: Actor) -> None:
    tenant = alice.workspace
    for day in (5, 10, 10):
        pk = contact(tenant, email=f"x{day}@example.com")
        with tenant_context(tenant.pk):
            Contact.objects.filter(pk=pk).update(created_at=datetime(2026, 8, day, 12, tzinfo=UTC))
    with tenant_context(tenant.pk):
        Contact.objects.filter(pk=pk).update(deleted_at=datetime(2026, 8, 20, 12, tzinfo=UTC))
    contact_counts.count(tenant.pk, now=NOW)
    with tenant_context(tenant.pk):
        rows = {row[0].day: row[1:] for row in contact_base.growth(asked(alice)).tables[0].rows}
    assert [rows[day] for day in (4, 5, 10, 20, 31)] == [[0, 0, 0], [1, 1, 0], [3, 2, 0], [2, 0, 1], [2, 0, 0]]


def test_reasons_of_imports(alice: Actor) -> None:
    bring(alice.workspace, "email\nann@example.com\nnobody\nnothing\n", user=alice.user)
    contact_counts.sweep()
    contact_counts.sweep()
    with tenant_context(alice.workspace.pk):
        found = dict(ImportErrorTally.objects.exclude(code="").values_list("code", "rows"))
    assert sum(found.values()) == 2


def test_contacts_are_counted_where_the_reasons_cannot_be(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(alice.workspace, "email\nann@example.com\nnobody\n", user=alice.user)

    def fails(statement: str, **_values: Any) -> Any:
        if statement == contact_counts.REASONS:
            raise RuntimeError("reasons")
        return statements.run(statement, **_values)

    monkeypatch.setattr(contact_counts, "run", fails)
    contact_counts.sweep()
    with tenant_context(alice.workspace.pk):
        assert ContactCount.objects.get().seconds > 0
        assert not ImportErrorTally.objects.exists()
    monkeypatch.undo()
    contact_counts.sweep()
    with tenant_context(alice.workspace.pk):
        assert ImportErrorTally.objects.exists()


@pytest.mark.parametrize("part", contact_base.PARTS, ids=lambda part: part.key)
def test_an_empty_workspace(alice: Actor, part: Part) -> None:
    with tenant_context(alice.workspace.pk):
        assert part.build(asked(alice)).tables
