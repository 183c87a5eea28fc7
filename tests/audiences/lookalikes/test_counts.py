"""What is counted of people at a moment: nothing from after it, nothing that was not known yet, nothing of others."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from audiences.lookalikes import counts
from audiences.lookalikes.counts import NEVER, Counted
from contacts.models import Contact
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring
from tracking.models import Event, Site, Visitor

MOMENT = datetime.fromisoformat("2026-06-01T12:00:00+00:00")


def contact(**more: Any) -> Contact:
    made: Contact = Contact.objects.create(
        origin="manual", created_at=MOMENT - timedelta(days=500), changed_at=MOMENT, **more
    )
    return made


def visitor(of: Contact, *, claimed: datetime) -> Visitor:
    site = Site.objects.create(name="shop.example", key=uuid.uuid4().hex)
    found: Visitor = Visitor.objects.create(
        site_id=site.pk, device=uuid.uuid4(), first_seen=MOMENT, last_seen=MOMENT, contact_id=of.pk, claimed_at=claimed,
        matched_by="email",
    )  # fmt: skip
    return found


def event(kind: str, *, ago: float, **more: Any) -> None:
    """Something that happened so many days before the moment."""
    Event.objects.create(tenant_id=current_tenant(), kind=kind, at=MOMENT - timedelta(days=ago), **more)


def look(*people: Contact, moment: datetime = MOMENT, **more: Any) -> Counted:
    given = {"fields": ["city"], "pages": ["/boots"], "names": ["Signed up"], "historic": True, **more}
    return counts.count([one.pk for one in people], [moment] * len(people), **given)


def test_events_by_window_of_contacts_and_of_their_visitors(inside: Tenant) -> None:
    anna = contact()
    own, of_visitor = {"contact_id": anna.pk}, {"visitor_id": visitor(anna, claimed=MOMENT - timedelta(days=99)).pk}
    for ago in (1, 20, 60, 200, 364):
        event("page", ago=ago, url="https://shop.example/Boots/12?x=/tents", **own)
    event("page", ago=3, url="https://shop.example/tents", **of_visitor)
    event("track", ago=5, name="Signed up", **of_visitor)
    event("order", ago=40, properties={"amount": 12.5}, **own)
    event("order", ago=41, properties={"amount": "much"}, **own)
    event("message", ago=2, properties={"status": "clicked"}, **own)
    event("page", ago=366, url="https://shop.example/boots", **own)
    found = look(anna)
    seen = {key: float(column[0]) for key, column in found.counts.items()}
    assert seen == {
        "views_7": 2, "views_30": 3, "views_90": 4, "views_365": 6, "days_30": 4, "seen": 1, "did_90": 1,
        "actions_365": 0, "orders_90": 2, "orders_365": 2, "amount_365": 12.5, "ordered": 40, "sent_90": 0, "read_90": 1,
        "clicked_90": 1,
    }  # fmt: skip
    assert (found.sets["pages"].tolist(), found.sets["names"].tolist()) == ([0b10], [0b10])


def test_nothing_from_the_moment_on_is_read(inside: Tenant) -> None:
    anna, ben = contact(), contact()
    for ago in (0, -1, -30):
        event("page", ago=ago, contact_id=anna.pk, url="https://shop.example/boots")
        event("order", ago=ago, contact_id=anna.pk, properties={"amount": 10})
    assert {k: list(v) for k, v in look(anna, ben).counts.items()} == {
        k: [NEVER if k in ("seen", "ordered") else 0] * 2 for k in counts.COUNTS
    }
    assert float(look(anna, moment=MOMENT + timedelta(seconds=1)).counts["orders_90"][0]) == 1


def test_a_visitor_who_was_recognized_later_was_not_known(inside: Tenant) -> None:
    anna, ben = contact(), contact()
    for who, claimed in ((anna, MOMENT + timedelta(hours=1)), (ben, MOMENT - timedelta(hours=1))):
        event("page", ago=1, visitor_id=visitor(who, claimed=claimed).pk, url="https://shop.example/boots")
    assert look(anna, ben).counts["views_7"].tolist() == [0, 1]
    assert counts.frequent([anna.pk, ben.pk], [MOMENT] * 2, least=1) == (["/boots"], [])
    assert counts.frequent([anna.pk, ben.pk], [MOMENT] * 2, least=2) == ([], [])


def test_orders_that_only_a_browser_told_of_count_if_the_workspace_says_so(inside: Tenant) -> None:
    anna = contact()
    seen = visitor(anna, claimed=MOMENT - timedelta(days=9))
    event("order", ago=1, visitor_id=seen.pk, site_id=seen.site_id, properties={"amount": 1})
    event("order", ago=2, visitor_id=seen.pk, site_id=seen.site_id, properties={"amount": 1, "$signed": True})
    assert look(anna).counts["orders_365"].tolist() == [1]
    Tenant.objects.filter(pk=inside.pk).update(count_claimed_orders=True)
    assert look(anna).counts["orders_365"].tolist() == [2]


def test_a_field_that_was_changed_after_the_moment_is_unknown(alice: Actor) -> None:
    bring(alice.workspace, "email,city\nann@example.com,Riga\nben@example.com,Oslo\ncay@example.com,Bern\n")
    before = timezone.now()
    bring(alice.workspace, "email,city\nann@example.com,Tartu\n")
    with tenant_context(alice.workspace.pk):
        ann, ben, cay = Contact.objects.order_by("email")
        given: dict[str, Any] = {"fields": ["city"], "pages": [], "names": []}
        ids = [ann.pk, ben.pk, cay.pk]
        at = counts.count(ids, [before] * 3, historic=True, **given).fields
        now = counts.count(ids, [timezone.now()] * 3, historic=True, **given).fields
        old = counts.count(ids, [before - timedelta(days=9)] * 3, historic=True, **given).fields
    assert (at["city"][0], at["city"][2]) == (None, "Bern")
    assert (now["city"][0], now["city"][2]) == ("Tartu", "Bern")
    assert old == {"city": [None] * 3, "email_domain": [None] * 3}


def test_an_edit_by_a_member_makes_a_field_unknown_too(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        made = Contact.objects.create(email="ann@example.com", attributes={"city": "Riga"}, origin="manual")
    moment = timezone.now()
    with tenant_context(alice.workspace.pk):
        seen = Contact.objects.get(pk=made.pk).changed_at.isoformat()
    answer = alice.post(f"contacts/{made.pk}/edit/", {"email": "ann@example.com", "city": "Oslo", "seen": seen})
    assert answer.status_code == 302
    with tenant_context(alice.workspace.pk):
        given: dict[str, Any] = {"fields": ["city"], "pages": [], "names": [], "historic": True}
        assert counts.count([made.pk], [moment], **given).fields["city"] == [None]
        assert counts.count([made.pk], [timezone.now()], **given).fields["city"] == ["Oslo"]


@pytest.mark.parametrize("ids", [[], [2**40]])
def test_no_one_is_counted_where_there_is_no_one(inside: Tenant, ids: list[int]) -> None:
    found = counts.count(ids, [MOMENT] * len(ids), fields=["city"], pages=[], names=[], historic=True)
    assert len(found.ids) == 0
    assert found.fields["city"] == []
