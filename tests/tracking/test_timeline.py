"""The stream of what a contact did and was sent: all sources together, by kind, page by page."""

from datetime import UTC, datetime, timedelta

import pytest

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring
from tracking import timeline
from tracking.models import Event, Site, Visitor

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def busy(alice: Actor) -> tuple[Actor, int]:
    """A hundred events: views of a visitor, messages, an order, some at the same moment."""
    own = alice.workspace.pk
    bring(alice.workspace, "email\nann@example.com\n")
    with tenant_context(own):
        contact = Contact.objects.get()
        site = Site.objects.create(name="shop", key=f"k{own}")
        visitor = Visitor.objects.create(
            site_id=site.pk, device=f"00000000-0000-4000-8000-{own:012}", first_seen=START, last_seen=START,
            contact_id=contact.pk,
        )  # fmt: skip
        for i in range(100):
            at = START + timedelta(minutes=i // 3)
            if i % 2:
                Event.objects.create(
                    tenant_id=own, at=at, kind="page", title=f"T{i}", visitor_id=visitor.pk, site_id=site.pk
                )
            else:
                about = {"status": "delivered", "message": f"M{i}"}
                Event.objects.create(tenant_id=own, at=at, kind="message", contact_id=contact.pk, properties=about)
        Event.objects.create(tenant_id=own, at=START, kind="order", name="N-1", contact_id=contact.pk)
        # At the same moments as events, and twice at each.
        AuditEntry.objects.bulk_create(
            AuditEntry(verb="contact.noted", object=f"contact {contact.pk}", at=START + timedelta(minutes=10 + i // 2))
            for i in range(6)
        )
    return alice, contact.pk


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("", 108),
        ("message", 50),
        ("site", 50),
        ("order", 1),
        ("action", 0),
        ("x", 108),
        ("import", 1),
        ("change", 6),
    ],
)
def test_everything_once_in_order(busy: tuple[Actor, int], kind: str, count: int) -> None:
    alice, contact_id = busy
    with tenant_context(alice.workspace.pk):
        page = timeline.page(contact_id, kind=kind, after="")
        seen = list(page.entries)
        while page.older:
            page = timeline.page(contact_id, kind=kind, after=page.older)
            seen += page.entries
    assert len(seen) == len({(e.number, e.event is None, e.icon) for e in seen}) == page.count == count
    assert [e.at for e in seen] == sorted((e.at for e in seen), reverse=True)


def test_the_fragment(busy: tuple[Actor, int], charlie: Actor) -> None:
    alice, contact_id = busy
    path = f"activity/of-contact/{contact_id}/"
    first = alice.get(path).content.decode()
    assert "T99" in first
    assert "Older" in first
    assert "N-1" not in first
    assert "N-1" in alice.get(path + "?kind=order").content.decode()
    assert "Created by import" in alice.get(path + "?kind=import").content.decode()
    assert "Contact noted" in alice.get(path + "?kind=change").content.decode()
    assert "No activity of this type" in alice.get(path + "?kind=action").content.decode()
    assert alice.get(path + "?kind=nonsense&after=1_x").status_code == 200
    assert charlie.get(path).status_code == 404
