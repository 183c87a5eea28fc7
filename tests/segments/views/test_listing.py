"""The list of segments and the page of one: found, sorted, page by page."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Contact
from segments.models import Member, Segment, SegmentSize
from tenants.isolation.context import current_tenant, tenant_context
from tests.cast import Actor
from tests.segments.scene import contacts, ruled, static, within
from tests.segments.views.test_static import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(alice: Actor) -> Segment:
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben", "Cleo")
        segment = static("VIP", ids)
        static("Empty")
        ruled("Asking", within(segment))
        Segment.objects.filter(name="Empty").update(description="For the fair")
    return segment


def names(actor: Actor, query: str) -> list[str]:
    return [row.segment.name for row in actor.get(f"segments/{query}").context["rows"]]


def test_the_list_is_searched_filtered_and_sorted(alice: Actor, place: Segment) -> None:
    assert names(alice, "") == ["Asking", "Empty", "VIP"]
    assert names(alice, "?order=-name") == ["VIP", "Empty", "Asking"]
    assert names(alice, "?order=-size")[0] == "VIP"
    assert names(alice, "?order=-uses")[0] == "VIP"
    assert names(alice, "?order=-created") == ["Asking", "Empty", "VIP"]
    assert names(alice, "?kind=static") == ["Empty", "VIP"]
    assert names(alice, "?kind=dynamic&state=ready&q=") in (["Asking"], [])
    assert names(alice, "?q=fair") == ["Empty"]
    assert names(alice, "?q=100%25") == []
    assert names(alice, "?order=nonsense&kind=x&state=y&show=z") == ["Asking", "Empty", "VIP"]
    assert "No segments match" in text(alice.get("segments/?q=zzz"))


def test_empty_lists_help(alice: Actor, member: Any) -> None:
    assert "No segments yet" in text(alice.get("segments/"))
    assert "static segment" in text(alice.get("segments/"))
    assert "Marketers, admins and owners can create segments." in text(member("viewer").get("segments/"))
    assert "No deleted segments" in text(alice.get("segments/?show=deleted"))


def test_the_page_of_a_segment_tells_its_channels(alice: Actor, place: Segment) -> None:
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(first_name="Ann").update(phone="+37126123456", phone_written="+37126123456")
        Contact.objects.filter(first_name="Ben").update(email_status="unsubscribed")
    figures = alice.get(f"segments/{place.pk}/channels/").context["channels"]
    assert (figures.total, figures.email, figures.phone, figures.both, figures.neither) == (3, 2, 1, 1, 1)
    page = text(alice.get(f"segments/{place.pk}/"))
    assert "3 contacts, static" in page
    assert "Asking Rule of a segment" in page


def test_sizes_of_two_days_are_a_chart(alice: Actor, place: Segment) -> None:
    assert alice.get(f"segments/{place.pk}/").context["chart"] is None
    now = timezone.now()
    with tenant_context(alice.workspace.pk):
        for days, size in ((3, 7), (1, 9)):
            at = now - timedelta(days=days)
            SegmentSize.objects.create(tenant_id=current_tenant(), segment_id=place.pk, hour=at, size=size)
    chart = alice.get(f"segments/{place.pk}/").context["chart"]
    assert [row[1] for row in chart.rows] == ["7", "7", "9"]


@pytest.fixture
def many(alice: Actor) -> Segment:
    """120 members: some without an e-mail, some without a name, some added at the same time."""
    with tenant_context(alice.workspace.pk):
        now = timezone.now()
        made = Contact.objects.bulk_create(
            Contact(
                email=f"p{i:03}@example.com" if i % 3 else None, last_name=f"N{i % 7}" if i % 5 else None,
                last_key=f"n{i % 7}" if i % 5 else None, external_id=f"X-{i}",
            )
            for i in range(120)
        )  # fmt: skip
        segment: Segment = Segment.objects.create(name="Many")
        own: dict[str, Any] = {"tenant_id": current_tenant(), "segment_id": segment.pk}
        Member.objects.bulk_create(
            [Member(contact_id=c.pk, added_at=now.replace(microsecond=i % 4), **own) for i, c in enumerate(made)]
        )
        Contact.objects.create(email="outside@example.com")
    return segment


@pytest.mark.parametrize("order", ["", "-id", "name", "-name", "email", "-email", "added", "-added"])
def test_pages_show_every_member_once_in_order(alice: Actor, many: Segment, order: str) -> None:
    url, seen = f"segments/{many.pk}/?order={order}", []
    while url:
        context = alice.get(url).context
        seen += context["rows"]
        url = f"segments/{many.pk}/{context['older_url']}" if context["older_url"] else ""
    assert len(seen) == len({c.pk for c, _at in seen}) == 120
    column = {"name": "last_key", "email": "email", "added": ""}.get(order.removeprefix("-"), "pk")
    values = [getattr(c, column) if column else at for c, at in seen]
    present = [value for value in values if value is not None]
    assert present == sorted(present, reverse=order.startswith("-"))
    assert values[len(present) :] == [None] * (120 - len(present))


@pytest.mark.parametrize("after", ["x", "1", "1_", "_", "1_not a time", "99999999999999999999_a", "1_a", "1_="])
@pytest.mark.parametrize("order", ["", "name", "added", "zzz"])
def test_a_key_that_cannot_be_read_is_no_error(alice: Actor, place: Segment, after: str, order: str) -> None:
    assert alice.get(f"segments/{place.pk}/", data={"after": after, "order": order}).status_code == 200


def test_deleted_contacts_count_nowhere(alice: Actor, many: Segment) -> None:
    with tenant_context(alice.workspace.pk):
        now = timezone.now()
        gone = list(Member.objects.order_by("-added_at", "-contact_id").values_list("contact_id", flat=True)[:110])
        Contact.objects.filter(pk__in=gone).update(deleted_at=now)
    assert alice.get(f"segments/{many.pk}/").context["size"] == 10
    assert [row.size for row in alice.get("segments/").context["rows"]] == [10]
    for order in ("", "-added", "name"):
        context = alice.get(f"segments/{many.pk}/?order={order}").context
        assert len(context["rows"]) == 10
        assert context["older_url"] is None


def test_members_by_time_are_searched(alice: Actor, many: Segment) -> None:
    page = alice.get(f"segments/{many.pk}/?order=-added&q=p00")
    assert [c.email for c, _at in page.context["rows"]] == [f"p00{i}@example.com" for i in (7, 2, 5, 1, 8, 4)]


def test_members_are_searched(alice: Actor, place: Segment) -> None:
    page = alice.get(f"segments/{place.pk}/", data={"q": "ann"})
    assert [c.first_name for c, _at in page.context["rows"]] == ["Ann"]
    assert "1 of 3 contacts matches “ann”" in text(page)
    assert "No contacts match" in text(alice.get(f"segments/{place.pk}/", data={"q": "zzz"}))
