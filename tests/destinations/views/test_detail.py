"""The page of a data sync: figures that add up, ten contacts as the network gets them, runs and their requests."""

import hashlib
import re
from typing import Any

import pytest

from contacts.models import Contact
from destinations.models import Sync
from segments.models import Segment
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.destinations import scene


def four(alice: Actor) -> tuple[Sync, list[int]]:
    """A sync of a list with one contact for each of four fates; the IDs of those who are sent."""
    with tenant_context(alice.workspace.pk):
        sent = scene.person(email="anna@example.com", first_name="Anna", last_name="<b>Berg</b>")
        asked = scene.person(email="never@example.com", attributes={"ads_consent": None})
        said_no = scene.person(email="no@example.com", attributes={"ads_consent": "denied"})
        left = scene.person(email="left@example.com", email_status="unsubscribed")
        return scene.sync_of(scene.segment_of(sent, asked, said_no, left), "google"), [sent.pk]


def test_the_review_accounts_for_every_contact(alice: Actor) -> None:
    sync, _ids = four(alice)
    page = alice.get(f"syncs/{sync.pk}/review/")
    text = " ".join(page.content.decode().split())
    for word in ("Are sent", "Unsubscribed", "No ads consent", "refused 1, never asked 1", "all accounted for"):
        assert word in text
    assert [int(n) for n in re.findall(r'<dd class="figure">(?:<span>)?(\d+)', text)] == [1, 2, 1, 4]
    assert "25.0 %" in text


def test_ten_contacts_are_shown_as_the_network_gets_them(alice: Actor) -> None:
    sync, _ids = four(alice)
    text = alice.get(f"syncs/{sync.pk}/review/").content.decode()
    digest = hashlib.sha256(b"anna@example.com").hexdigest()
    assert f"{digest[:12]}…{digest[-6:]}" in text
    assert digest not in text
    assert "<b>Berg" not in text
    assert "no@example.com" not in text


def test_what_is_not_hashed_is_said(alice: Actor) -> None:
    sync, _ids = four(alice)
    assert "country and postal code are sent as they are" in alice.get(f"syncs/{sync.pk}/review/").content.decode()
    with tenant_context(alice.workspace.pk):
        meta = scene.sync_of(scene.segment_of(*scene.people("a@example.com")), "meta")
    assert "sent as they are" not in alice.get(f"syncs/{meta.pk}/review/").content.decode()


def test_the_samples_can_be_downloaded_with_whole_hashes(alice: Actor, member: Any) -> None:
    sync, ids = four(alice)
    answer = alice.post(f"syncs/{sync.pk}/review/csv/")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    digest = hashlib.sha256(b"anna@example.com").hexdigest()
    assert lines[1:] == [f'"{ids[0]}","E-mail","anna@example.com","anna@example.com","{digest}"']
    assert member("viewer").post(f"syncs/{sync.pk}/review/csv/").status_code == 404


def test_who_has_nothing_to_be_found_by_is_no_one_to_send(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        contacts = [scene.person(email="anna@example.com"), scene.person(external_id="C-1")]
        sync = scene.sync_of(scene.segment_of(*contacts), "google")
    text = " ".join(alice.get(f"syncs/{sync.pk}/review/").content.decode().split())
    assert "No identifier" in text
    assert [int(n) for n in re.findall(r'<dd class="figure">(?:<span>)?(\d+)', text)] == [1, 1, 2]


def test_ops_sees_figures_and_nobody(alice: Actor, member: Any) -> None:
    sync, _ids = four(alice)
    ops = member("ops")
    assert ops.get(f"syncs/{sync.pk}/").status_code == 200
    text = ops.get(f"syncs/{sync.pk}/review/").content.decode()
    assert "Are sent" in text
    assert "anna@example.com" not in text


def test_ten_others_follow_the_first_ten(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        contacts = scene.people(*(f"p{n:02}@example.com" for n in range(12)))
        sync = scene.sync_of(scene.segment_of(*contacts), "meta")
    first = alice.get(f"syncs/{sync.pk}/review/").content.decode()
    assert "p09@example.com" in first
    assert "p10@example.com" not in first
    assert f"after={contacts[9].pk}" in first
    second = alice.get(f"syncs/{sync.pk}/review/?after={contacts[9].pk}").content.decode()
    assert "p11@example.com" in second
    assert "p09@example.com" not in second


@pytest.mark.django_db
def test_runs_and_requests_have_their_pages(alice: Actor, settings: Any) -> None:
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of(*scene.people("a@example.com", "b@example.com")), "meta")
    with scene.meta(settings) as network:
        run = scene.run(alice.workspace.pk, sync)
    assert len(network.lists) or run.added == 2
    text = alice.get(f"syncs/{sync.pk}/").content.decode()
    assert "Healthy" in text
    assert f"syncs/{sync.pk}/runs/{run.pk}/" in text
    page = alice.get(f"syncs/{sync.pk}/runs/{run.pk}/").content.decode()
    assert "Requests" in page
    assert "Done" in page
    assert alice.get(f"syncs/{sync.pk}/live/").status_code == 286


def test_a_list_that_was_deleted_is_said(alice: Actor) -> None:
    sync, _ids = four(alice)
    with tenant_context(alice.workspace.pk):
        Segment.objects.filter(pk=sync.list_id).update(archived_at=Contact.objects.earliest("pk").created_at)
    assert "a list that no longer exists" in alice.get(f"syncs/{sync.pk}/").content.decode()


def test_nobody_else_sees_a_sync(alice: Actor, charlie: Actor) -> None:
    sync, _ids = four(alice)
    for path in (f"syncs/{sync.pk}/", f"syncs/{sync.pk}/review/", f"syncs/{sync.pk}/live/", f"syncs/{sync.pk}/edit/"):
        assert charlie.get(path).status_code == 404
