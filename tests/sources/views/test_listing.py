"""The list of sources and the forms of a new one; a file goes through the wizard and becomes the source."""

import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.models import Contact
from imports.models import Import, Status
from segments.models import Member, Segment
from sources import refresh
from sources.models import Source
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import flat, go_on, work
from tracking import contact_visits
from tracking.models import Site, Visitor

pytestmark = pytest.mark.django_db
FILE = b"email,first_name\nann@example.com,Ann\nben@example.com,Ben\nnot an address,Cleo\n"


def new(actor: Actor, **given: Any) -> Any:
    usual = {"name": "Club", "type": "customers", "target": "people", "origin": "file", "token": uuid.uuid4().hex}
    return actor.post("sources/new/", usual | given)


def only(actor: Actor) -> Source:
    with tenant_context(actor.workspace.pk):
        source: Source = Source.objects.get()
        return source


def sweep(actor: Actor) -> None:
    """What the beat and the workers do."""
    refresh.wake_due(actor.workspace.pk)
    with tenant_context(actor.workspace.pk):
        active = list(Source.objects.filter(state__in=Source.ACTIVE).values_list("pk", flat=True))
    for pk in active:
        refresh.work(actor.workspace.pk, pk)


def test_an_empty_list_says_what_a_source_is_for(alice: Actor) -> None:
    assert "No sources yet" in alice.get("sources/").content.decode()


def test_a_file_goes_through_the_wizard_and_becomes_the_source(alice: Actor) -> None:
    answer = new(alice)
    source = only(alice)
    assert answer["Location"] == alice.url(f"sources/{source.pk}/upload/")
    assert "No file yet" in alice.get(f"sources/{source.pk}/").content.decode()
    page = flat(alice.get(f"sources/{source.pk}/upload/").content.decode())
    assert "Which file lists the contacts of Club?" in page
    assert f'action="{alice.url(f"sources/{source.pk}/upload/")}"' in page
    sent = alice.post(f"sources/{source.pk}/upload/", {"file": SimpleUploadedFile("club.csv", FILE), "once": "x"})
    source = only(alice)
    assert sent["Location"] == alice.url(f"imports/{source.import_id}/")
    sweep(alice)
    assert only(alice).state == "waiting"
    assert "Waiting for its import" in alice.get(f"sources/{source.pk}/").content.decode()
    go_on(alice.workspace, source.import_id)
    sweep(alice)
    source = only(alice)
    assert (source.state, source.contacts, source.matched) == ("ready", 2, 0)
    page = flat(alice.get("sources/").content.decode())
    assert "Club" in page
    assert "Ready" in page
    assert "Match report" in alice.get(f"sources/of-import/{source.import_id}/").content.decode()


def test_a_refused_file_leaves_the_source_waiting(alice: Actor) -> None:
    new(alice)
    source = only(alice)
    answer = alice.post(f"sources/{source.pk}/upload/", {"file": SimpleUploadedFile("x.csv", b""), "once": "x"})
    assert answer.status_code == 422
    assert f'action="{alice.url(f"sources/{source.pk}/upload/")}"' in answer.content.decode()
    assert only(alice).import_id is None


def test_a_failed_import_is_told_and_another_file_can_be_uploaded(alice: Actor) -> None:
    new(alice)
    source = only(alice)
    alice.post(f"sources/{source.pk}/upload/", {"file": SimpleUploadedFile("club.csv", FILE), "once": "x"})
    first = only(alice).import_id
    alice.post(f"imports/{first}/cancel/")
    with tenant_context(alice.workspace.pk):
        canceled = Import.objects.get(pk=first)
    work(alice.workspace, canceled)
    sweep(alice)
    source = only(alice)
    assert (source.state, source.reason) == ("failed", refresh.ENDED_WITHOUT[Status.CANCELED])
    alice.post(f"sources/{source.pk}/upload/", {"file": SimpleUploadedFile("club.csv", FILE), "once": "y"})
    again = only(alice)
    assert again.state == "waiting"
    assert again.import_id != first


def test_segments_become_a_source_that_follows_them(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        contacts = [Contact.objects.create(email=f"p{n}@example.com") for n in range(3)]
        segment = Segment.objects.create(name="VIP")
        members = [(c, segment) for c in contacts[:2]]
        for contact, own in members:
            Member.objects.create(
                tenant_id=alice.workspace.pk, segment_id=own.pk, contact_id=contact.pk, added_at=contact.created_at
            )
    assert new(alice, origin="segments", segment=[segment.pk])["Location"] == alice.url(f"sources/{only(alice).pk}/")
    sweep(alice)
    assert (only(alice).state, only(alice).contacts) == ("ready", 2)
    with tenant_context(alice.workspace.pk):
        Member.objects.filter(contact_id=contacts[0].pk).delete()
    alice.post(f"sources/{only(alice).pk}/refresh/")
    sweep(alice)
    assert only(alice).contacts == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": " "}, "Enter a name"),
        ({"type": "friends"}, "Choose what these contacts have in common"),
        ({"target": ""}, "Choose people or companies"),
        ({"origin": "air"}, "Choose where the contacts come from"),
        ({"origin": "segments"}, "Choose at least one segment"),
        ({"origin": "segments", "segment": ["99"]}, "no longer exists"),
        ({"origin": "segments", "segment": [str(n) for n in range(1, 60)]}, "up to 50 segments"),
        ({"origin": "visitors", "site": "99"}, "This site no longer exists"),
    ],
)
def test_a_wrong_form_is_answered_with_what_is_wrong(alice: Actor, given: dict[str, Any], said: str) -> None:
    answer = new(alice, **given)
    assert answer.status_code == 422
    assert said in flat(answer.content.decode())
    with tenant_context(alice.workspace.pk):
        assert not Source.objects.exists()


def test_a_double_click_makes_one_source(alice: Actor) -> None:
    token = uuid.uuid4().hex
    first, second = new(alice, token=token), new(alice, token=token)
    assert first["Location"] == second["Location"]
    assert only(alice).name == "Club"


def test_the_list_searches_filters_and_sorts(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        for name, type_, state, contacts, matched in (
            ("Alpha", "customers", "ready", 10, 1), ("Beta", "interest", "failed", 2, 2),
            ("Gamma", "customers", "ready", 5, 0),
        ):  # fmt: skip
            Source.objects.create(
                name=name, type=type_, state=state, contacts=contacts, matched=matched, origin="segments"
            )

    def names(query: str) -> list[str]:
        return re.findall(r'class="name"[^>]*>(\w+)<', alice.get(f"sources/{query}").content.decode())

    assert names("") == ["Gamma", "Beta", "Alpha"]
    assert names("?order=name") == ["Alpha", "Beta", "Gamma"]
    assert names("?order=-rate") == ["Beta", "Alpha", "Gamma"]
    assert names("?order=contacts") == ["Beta", "Gamma", "Alpha"]
    assert names("?type=customers&status=ready") == ["Gamma", "Alpha"]
    assert names("?status=failed") == ["Beta"]
    assert names("?q=alp") == ["Alpha"]
    assert names("?order=nonsense&type=x&status=y") == ["Gamma", "Beta", "Alpha"]
    assert "No sources match" in alice.get("sources/?q=nothing").content.decode()


def test_the_list_asks_again_only_while_something_is_in_progress(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        source = Source.objects.create(name="Club", type="customers", origin="segments", state="matching")
    assert "hx-trigger" in alice.get("sources/live/").content.decode()
    with tenant_context(alice.workspace.pk):
        Source.objects.filter(pk=source.pk).update(state="ready")
    assert "hx-trigger" not in alice.get("sources/live/").content.decode()


def test_visitors_become_a_source_by_how_far_they_got(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        site = Site.objects.create(name="shop", key="k")
        contacts = [Contact.objects.create(email=f"p{n}@example.com") for n in range(4)]
        for stage, contact in enumerate(contacts):
            Visitor.objects.create(
                site_id=site.pk, device=uuid.uuid4(), first_seen=contact.created_at, last_seen=contact.created_at,
                stage=stage, contact_id=contact.pk, matched_by="email", claimed_at=contact.created_at,
            )  # fmt: skip
        contact_visits.refresh([c.pk for c in contacts])
    page = flat(alice.get("sources/new/").content.decode())
    assert page.count('<span class="muted">1</span>') == 4

    def contacts_of(**given: Any) -> int:
        made = new(alice, origin="visitors", **given)["Location"]
        sweep(alice)
        with tenant_context(alice.workspace.pk):
            return int(Source.objects.get(pk=made.strip("/").rpartition("/")[2]).contacts)

    assert contacts_of() == 4
    assert contacts_of(stage=["3"]) == 1
    assert contacts_of(stage=["1", "2"], site=[str(site.pk)]) == 2
    assert contacts_of(stage=["99"]) == 4
