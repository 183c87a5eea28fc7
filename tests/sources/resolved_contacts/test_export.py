"""The file of resolved contacts: a line a person, safe in a spreadsheet, what the list shows; who may have it."""

import csv
import io
from collections.abc import Callable

import pytest

from contacts.models import Contact
from sources.models import Source, SourceMember
from sources.resolved_contacts import export
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.cast import Actor
from tests.tracking.helpers import NOW, device, hit, site_of, stored


@pytest.fixture
def visited(alice: Actor) -> Actor:
    """Three contacts with visits; the name of one begins like a formula."""
    Tenant.objects.filter(pk=alice.workspace.pk).update(time_zone="Europe/Riga")
    site = site_of(alice.workspace)
    with tenant_context(alice.workspace.pk):
        for n, name in enumerate(("=HYPERLINK(1)", "Bob", "Cleo")):
            one = Contact.objects.create(
                origin="manual", first_name=name, email=f"p{n}@example.com", attributes={"country": "LV"}
            )
            source = Source.objects.create(name=f"+Club {n}", type="customers", origin="segments")
            SourceMember.objects.create(
                tenant_id=alice.workspace.pk, source_id=source.pk, contact_id=one.pk, added_at=one.created_at
            )
    for n in range(3):
        stored(site, hit(device(), "identify", email=f"p{n}@example.com"), at=NOW + n)
    return alice


def rows(actor: Actor, **given: str) -> list[dict[str, str]]:
    answer = actor.post("resolved/csv/", given)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def test_each_person_is_a_line(visited: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BATCH", 2)  # the second batch begins where the first has ended
    found = rows(visited)
    assert [row["email"] for row in found] == ["p2@example.com", "p1@example.com", "p0@example.com"]
    bob = found[1]
    assert tuple(bob) == export.HEADER
    assert (bob["first_name"], bob["country"], bob["visits"], bob["pages"]) == ("Bob", "LV", "1", "0")
    assert (bob["new_or_returning"], bob["funnel_stage"], bob["matched_by"]) == ("New", "Visitor", "email")
    assert bob["last_visit"] == "2026-05-28T23:26:41+03:00"


def test_no_cell_is_a_formula(visited: Actor) -> None:
    found = rows(visited)
    assert found[2]["first_name"] == "'=HYPERLINK(1)"
    assert found[1]["sources"] == "'+Club 1"


def test_it_has_what_the_list_shows(visited: Actor) -> None:
    assert [row["email"] for row in rows(visited, q="bob")] == []  # made without search keys
    assert [row["email"] for row in rows(visited, q="p1@example.com")] == ["p1@example.com"]
    assert next(row["email"] for row in rows(visited, order="oldest")) == "p0@example.com"
    assert rows(visited, stage="3") == []


def test_who_took_it_is_in_the_audit_log(visited: Actor) -> None:
    rows(visited, stage="0")
    with tenant_context(visited.workspace.pk):
        entry = AuditEntry.objects.get(verb="contact.exported")
    assert (entry.user_id, entry.detail) == (visited.user.pk, {"filters": {"stage": "0"}})


def test_not_everybody_may_have_it(visited: Actor, member: Callable[[str], Actor]) -> None:
    viewer = member("viewer")
    assert viewer.get("resolved/").status_code == 200
    assert "Export as" not in viewer.get("resolved/").text
    assert viewer.post("resolved/csv/").status_code == 404
    assert visited.get("resolved/csv/").status_code == 405
