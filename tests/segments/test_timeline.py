"""Entries of segments in the activity of a contact."""

from datetime import UTC, datetime, timedelta

from contacts.models import Contact
from contacts.profile.timeline import Entry
from segments import history
from segments import timeline as of_segments
from segments.models import Purpose, Segment
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring
from tracking import timeline

START = datetime(2026, 11, 1, tzinfo=UTC)


def scene(actor: Actor) -> tuple[int, int]:
    """Two contacts; the first enters three segments at one moment, one of them an audience's, and leaves one later."""
    bring(actor.workspace, "email\nann@example.com\nben@example.com\n")
    with tenant_context(actor.workspace.pk):
        ann, ben = Contact.objects.order_by("email").values_list("pk", flat=True)
        vip, riga = (Segment.objects.create(name=name).pk for name in ("VIP", "Riga"))
        hidden = Segment.everything.create(name="Autumn", purpose=Purpose.AUDIENCE).pk
        for segment in (vip, riga, hidden):
            history.record(segment, entered=[ann, ben], left=[], cause="visit", now=START, why={ann: "Visited a page"})
        history.record(riga, entered=[], left=[ann], cause="removed", now=START + timedelta(hours=1))
    return ann, ben


def told(entries: list[Entry]) -> list[tuple[str, str, str, str]]:
    return [(e.text, e.subject, e.more, e.aside) for e in entries]


def test_what_a_contact_entered_and_left(alice: Actor) -> None:
    ann, ben = scene(alice)
    with tenant_context(alice.workspace.pk):
        page = timeline.page(ann, kind="segment", after="")
        assert told(page.entries) == [
            ("Left segment", "Riga", "", "Removed manually"),
            ("Entered segment", "Riga", "Visited a page", "Visit"),
            ("Entered segment", "VIP", "Visited a page", "Visit"),
        ]
        assert (page.count, of_segments.count(ben)) == (3, 2)


def test_page_by_page_nothing_is_lost_at_one_moment(alice: Actor) -> None:
    ann, _ben = scene(alice)
    with tenant_context(alice.workspace.pk):
        whole = timeline.page(ann, kind="", after="").entries
        seen, after = [], ""
        while True:
            page = timeline.page(ann, kind="", after=after, size=1)
            seen += page.entries
            if page.older is None:
                break
            after = page.older
        assert seen == whole
        assert len(whole) == 4  # the row of the import, too


def test_the_page_shows_it(alice: Actor, charlie: Actor) -> None:
    ann, _ben = scene(alice)
    path = alice.url(f"activity/of-contact/{ann}/?kind=segment")
    text = alice.client.get(path).content.decode()
    assert "Entered segment <b>VIP</b>" in text
    assert "Autumn" not in text
    assert charlie.client.get(path).status_code == 404
