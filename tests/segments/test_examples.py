"""Ready-made segments: each finds whom it promises and nobody else, can be opened, and can be saved as it is."""

import html
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Contact
from segments import dynamic, examples, refresh
from segments.examples import EXAMPLES
from segments.models import Member
from segments.rules import rule_text, tree
from tenants.isolation.context import current_tenant, tenant_context
from tests.cast import Actor
from tests.segments.scene import contacts
from tests.segments.views.test_static import text
from tracking.models import ContactVisit, Event

pytestmark = pytest.mark.django_db
# Example → the contacts of the scene that it is to find.
EXPECTED: dict[str, set[str]] = {
    "new": {"Ann", "Ben", "Dan", "Eve", "Fay", "Gus", "Hal"},
    "engaged": {"Ann", "Dan", "Eve"},
    "at-risk": {"Ben"},
    "birthdays": {"Fay"},
    "twice": {"Ann", "Ben"},
    "loyal": {"Ann"},
    "never": {"Cleo", "Dan", "Eve", "Fay"},
    "visited": {"Dan"},
    "asleep": {"Cleo"},
    "unconfirmed": {"Gus"},
    "bounced": {"Hal"},
    "unreachable": {"Gus", "Hal"},
}


@pytest.fixture
def place(alice: Actor) -> Actor:
    """Ann orders often; Ben ordered twice, long ago; Cleo is old and reads nothing; Dan visits; Eve reads; Fay has her
    birthday soon; Gus has not confirmed; Hal's mail bounces."""
    now = timezone.now()
    with tenant_context(alice.workspace.pk):
        ids = dict(zip(EXPECTED_NAMES, contacts(*EXPECTED_NAMES), strict=True))
        own: dict[str, Any] = {"tenant_id": current_tenant()}

        def did(name: str, kind: str, days: int, **properties: Any) -> None:
            Event.objects.create(
                **own, at=now - timedelta(days=days), kind=kind, contact_id=ids[name], properties=properties
            )

        for days in (1, 40, 80):
            did("Ann", "order", days, amount=10, currency="EUR")
            did("Cleo", "message", days, id=f"m{days}", status="delivered")
        for days in (100, 500):
            did("Ben", "order", days, amount=10, currency="EUR")
        did("Eve", "message", 3, id="m", status="read")
        did("Hal", "message", 3, id="m", status="undelivered")
        Contact.objects.filter(pk=ids["Cleo"]).update(created_at=now - timedelta(days=200))
        Contact.objects.filter(pk=ids["Gus"]).update(email_status="not_confirmed")
        Contact.objects.filter(pk=ids["Hal"]).update(email_status="blacklisted")
        day = (now + timedelta(days=3)).strftime("1990-%m-%d")
        Contact.objects.filter(pk=ids["Fay"]).update(attributes={"birthday": day})
        ContactVisit.objects.create(**own, contact_id=ids["Dan"], first_seen=now, last_seen=now)
    return alice


EXPECTED_NAMES = ("Ann", "Ben", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal")


@pytest.mark.parametrize("key", EXAMPLES)
def test_an_example_finds_whom_it_promises(place: Actor, key: str) -> None:
    example = EXAMPLES[key]
    with tenant_context(place.workspace.pk):
        assert tree.loads(tree.dumps(example.rule)) == example.rule
        assert examples.count(example).words == str(len(EXPECTED[key]))
        segment = dynamic.save_dynamic_segment(example.rule, example.name, user_id=place.user.pk)
        refresh.step(segment)
        members = Member.objects.filter(segment_id=segment.pk).values("contact_id")
        assert set(Contact.objects.filter(pk__in=members).values_list("first_name", flat=True)) == EXPECTED[key]
    assert text(place.get(f"segments/examples/{key}/count/")) == str(len(EXPECTED[key]))


def test_the_page_opens_each_in_the_builder(alice: Actor, member: Any) -> None:
    page = alice.get("segments/examples/")
    with tenant_context(alice.workspace.pk):
        words = {example.key: rule_text.phrases(example.rule)[0] for example in EXAMPLES.values()}
    for example in EXAMPLES.values():
        rule = tree.dumps(example.rule)
        opened = alice.get("segments/new/", data={"rule": rule, "name": example.name})
        assert f'value="{example.name}"' in opened.content.decode()
        assert words[example.key] in html.unescape(text(opened))
        assert example.name in text(page)
    assert "Use" not in text(member("viewer").get("segments/examples/")).split("Rule")[1]
    assert alice.get("segments/examples/nonsense/count/").status_code == 404
