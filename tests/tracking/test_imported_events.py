"""What a file says beside its contacts: events, source actions, segments row by row (docs/events.md)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contacts.models import Contact
from imports.models import Import, RowIssue
from imports.wizard.column_choices import BadMapping
from segments.models import Member, Segment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring, flat, proved, work
from tracking import source_names
from tracking.models import Event, SourceName

ORDERS = (
    "email,Order,Date,Total,Currency,Items,Shop\n"
    "ann@example.com,O-1,2026-03-01T10:00Z,12.50,eur,Tent x2 | Stove,Riga\n"
    'ANN@example.com,O-2,2026-03-02,7,EUR,"[{""sku"": ""T-1""}]",Riga\n'
    "bob@example.com,O-3,2026-03-03,1.10,GBP,,Oslo\n"
    "bob@example.com,,,,,,\n"
    "cid@example.com,,,5,,,\n"
)
ORDER_MAPS = {
    "Order": "event.id", "Date": "event.time", "Total": "event.amount", "Currency": "event.currency",
    "Items": "event.items", "Shop": "event.property",
}  # fmt: skip


def events(tenant: Tenant, **wanted: Any) -> list[Event]:
    with tenant_context(tenant.pk):
        return list(Event.objects.filter(**wanted).order_by("at", "pk"))


def codes(tenant: Tenant, imp: Import) -> dict[int, str]:
    with tenant_context(tenant.pk):
        found = RowIssue.objects.filter(import_id=imp.pk, severity="error")
        return dict(found.values_list("row_no", "code"))


def test_orders(tenant: Tenant) -> None:
    imp = bring(tenant, ORDERS, task="orders", maps=ORDER_MAPS)
    assert (imp.created, imp.duplicates, imp.in_error, imp.events_added) == (2, 2, 1, 3)
    proved(tenant, imp)
    assert codes(tenant, imp) == {6: "order_without_id"}
    first, second, third = events(tenant)
    assert (first.kind, first.name, first.row_no, first.at) == (
        "order",
        "order",
        2,
        datetime(2026, 3, 1, 10, tzinfo=UTC),
    )
    assert first.properties == {
        "amount": 12.5, "currency": "EUR", "items": [{"name": "Tent", "quantity": 2}, {"name": "Stove"}], "shop": "Riga",
    }  # fmt: skip
    assert second.properties["items"] == [{"sku": "T-1"}]
    assert first.contact_id == second.contact_id != third.contact_id


def test_the_same_order_twice_is_one(tenant: Tenant) -> None:
    bring(tenant, ORDERS, task="orders", maps=ORDER_MAPS)
    again = bring(tenant, ORDERS.replace("12.50", "13.50"), task="orders", maps=ORDER_MAPS)
    assert (again.unchanged, again.events_added, again.events_known) == (2, 0, 3)
    assert len(events(tenant)) == 3


def test_events_named_by_a_column_or_for_the_file(tenant: Tenant) -> None:
    file = "email,What,When,Plan\nann@example.com,Signed up,2026-01-05T08:00:00+02:00,Pro\nann@example.com,,,\n"
    maps = {"What": "event.name", "When": "event.time", "Plan": "event.property"}
    bring(tenant, file, task="events", maps=maps)
    (found,) = events(tenant)
    assert (found.kind, found.name, found.properties) == ("track", "Signed up", {"plan": "Pro"})
    assert found.at == datetime(2026, 1, 5, 6, tzinfo=UTC)
    imp = bring(
        tenant, "email\nann@example.com\nbob@example.com\n", task="events", event_name="Came", happened="2026-02-01"
    )
    assert imp.events_added == 2
    assert {e.at for e in events(tenant, name="Came")} == {datetime(2026, 2, 1, tzinfo=UTC)}


def test_a_time_without_a_zone_is_in_that_of_the_import(tenant: Tenant) -> None:
    maps = {"What": "event.name", "When": "event.time"}
    bring(tenant, "email,What,When\na@example.com,X,2026-07-01T12:00\n", task="events", maps=maps, zone="Europe/Riga")
    assert events(tenant)[0].at == datetime(2026, 7, 1, 9, tzinfo=UTC)


def test_the_same_event_without_an_id_is_one(tenant: Tenant) -> None:
    file = "email,What\na@example.com,X\na@example.com,X\nb@example.com,X\n"
    imp = bring(tenant, file, task="events", maps={"What": "event.name"})
    assert (imp.events_added, imp.events_known) == (2, 1)
    imp = bring(tenant, file, task="events", maps={"What": "event.name"})
    assert (imp.events_added, imp.events_known) == (0, 3)


def test_message_activity_and_what_it_says_about_consent(tenant: Tenant) -> None:
    file = (
        "email,Campaign,Channel,State,Sent,Id\n"
        "a@example.com,Spring,E-Mail,Opened,2026-03-01,M1\n"
        "a@example.com,Spring,email,clicked,2026-03-01,M1\n"
        "b@example.com,Spring,email,unsubscribed,2026-03-01,M2\n"
        "c@example.com,Spring,fax,read,2026-03-01,M3\n"
        "d@example.com,Spring,sms,unsubscribed,2026-03-01,M4\n"
    )
    maps = {"Campaign": "event.message", "Channel": "event.channel", "State": "event.status",
            "Sent": "event.time", "Id": "event.id"}  # fmt: skip
    imp = bring(tenant, file, task="messages", maps=maps)
    assert imp.events_added == 4
    assert codes(tenant, imp) == {5: "not_a_channel"}
    with tenant_context(tenant.pk):
        statuses = dict(Contact.objects.values_list("email", "email_status"))
    assert statuses == {"a@example.com": "active", "b@example.com": "unsubscribed", "d@example.com": "active"}
    assert {e.properties["status"] for e in events(tenant)} == {"read", "clicked", "unsubscribed"}


@pytest.mark.parametrize(
    ("task", "column"), [("events", "Event name"), ("orders", "ID"), ("messages", "Message status")]
)
def test_a_task_without_its_column_cannot_start(tenant: Tenant, task: str, column: str) -> None:
    with pytest.raises(BadMapping, match=column):
        bring(tenant, "email\na@example.com\n", task=task)


def test_targets_of_another_task_are_refused(tenant: Tenant) -> None:
    with pytest.raises(BadMapping, match="not a field"):
        bring(tenant, "email,Order\na@example.com,1\n", maps={"Order": "event.id"})


def test_source_actions_of_the_file_and_of_rows(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        Contact.objects.create(email="old@example.com", origin="manual")
        shop = source_names.ensure("endpoint", "Shop API")
        shop.touchpoint = "Shop Riga"
        shop.save()
        source_names.ensure("action", "Phoned")
    file = (
        "email,Action,Endpoint,On\nnew@example.com,,,\nold@example.com,,,\n"
        "own@example.com,phoned,shop api,2026-01-02\nbad@example.com,Never heard of,,\n"
    )
    maps = {"Action": "row.action", "Endpoint": "row.endpoint", "On": "row.happened"}
    imp = bring(
        tenant, file, maps=maps, action_created="Visited our stand", action_existing="Came again",
        endpoint="Fair app", touchpoint="Fair", happened="2026-05-01",
    )  # fmt: skip
    assert codes(tenant, imp) == {5: "unknown_name"}
    with tenant_context(tenant.pk):
        people = dict(Contact.objects.values_list("pk", "email"))
        actions = [(people[e.contact_id], e, e.properties) for e in Event.objects.filter(kind="action")]
        found = {who: (e.name, p["endpoint"], p["touchpoint"], e.at.date().isoformat()) for who, e, p in actions}
        known = set(SourceName.objects.values_list("kind", "name"))
    assert found == {
        "new@example.com": ("Visited our stand", "Fair app", "Fair", "2026-05-01"),
        "old@example.com": ("Came again", "Fair app", "Fair", "2026-05-01"),
        "own@example.com": ("Phoned", "Shop API", "Shop Riga", "2026-01-02"),
    }
    assert {("endpoint", "Fair app"), ("touchpoint", "Fair"), ("action", "Came again")} <= known


def test_no_action_is_written_where_none_is_asked_for(tenant: Tenant) -> None:
    bring(tenant, "email\na@example.com\n")
    assert events(tenant) == []


def test_segments_of_the_file_and_of_rows(tenant: Tenant) -> None:
    file = "email,Groups\na@example.com,Gold | News\nb@example.com,\na@example.com,Late\n"
    imp = bring(tenant, file, maps={"Groups": "row.segments"}, segments=["All", "Fair"])
    with tenant_context(tenant.pk):
        names = dict(Segment.objects.values_list("pk", "name"))
        people = dict(Contact.objects.values_list("pk", "email"))
        found: dict[str, set[str]] = {}
        for member in Member.objects.all():
            found.setdefault(names[member.segment_id], set()).add(people[member.contact_id][0])
    assert found == {"All": {"a", "b"}, "Fair": {"a", "b"}, "Gold": {"a"}, "News": {"a"}, "Late": {"a"}}
    sizes = {s["name"]: (s["before"], s["after"], s["new"]) for s in imp.review["segments"]}
    assert sizes == {
        "All": (0, 2, True),
        "Fair": (0, 2, True),
        "Gold": (0, 1, True),
        "News": (0, 1, True),
        "Late": (0, 1, True),
    }


def test_settings_are_told_by_the_command(tenant: Tenant, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    from imports.management.commands import import_contacts
    from imports.pipeline import worker

    path = tmp_path / "people.csv"
    path.write_text(ORDERS, encoding="utf-8")
    sets = [f"--set=map.{name}={target}" for name, target in ORDER_MAPS.items()]
    waiting = import_contacts._wait

    def work(workspace: Tenant, import_id: int, **how: Any) -> Any:
        worker.work(workspace.pk, import_id)
        return waiting(workspace, import_id, **how)

    patch = pytest.MonkeyPatch()
    patch.setattr(import_contacts, "_wait", work)
    try:
        call_command(
            "import_contacts", str(path), f"--workspace={tenant.slug}", "--json", "--set=task=orders", *sets,
            "--set=segment=One", "--set=segment=Two", "--set=description=Till", "--set=action_created=Bought",
        )  # fmt: skip
    finally:
        patch.undo()
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], said["events"], said["created"]) == ("imported", 3, 2)
    with tenant_context(tenant.pk):
        assert Import.objects.get(pk=said["id"]).description == "Till"
        assert sorted(Segment.objects.values_list("name", flat=True)) == ["One", "Two"]


def test_birthdays_that_cannot_be(tenant: Tenant) -> None:
    file = "email,birthday\n" + "".join(
        f"p{i}@example.com,{day}\n" for i, day in enumerate(["1984-08-19", "1700-01-01", "2999-01-01", "1900-01-01"])
    )
    imp = bring(tenant, file)
    assert codes(tenant, imp) == {3: "date_out_of_range", 4: "date_out_of_range"}
    assert imp.created == 2


def test_the_review_counts_events_and_says_further_order(alice: Actor) -> None:
    """Three orders of Ann are three orders, not duplicates; what is known, or stands twice in the file, is told apart."""
    maps = {"Order": "event.id", "Total": "event.amount"}
    first = "email,Order,Total\nann@example.com,O-1,5\n"
    bring(alice.workspace, first, task="orders", maps=maps)
    file = (
        "email,Order,Total\nann@example.com,O-1,5\nann@example.com,O-2,6\nann@example.com,O-3,7\nann@example.com,O-3,7\n"
        "bob@example.com,O-4,8\nnobody,O-5,9\n"
    )
    imp = bring(alice.workspace, file, task="orders", maps=maps, review=True)
    assert imp.review["events"] == {"added": 3, "known": 2, "in_error": 1}
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "Further order" in page
    assert ">Duplicate<" not in page
    assert "further orders of contacts on other lines" in flat(page)
    alice.post(f"imports/{imp.pk}/confirm/")
    done = work(alice.workspace, imp)
    assert (done.events_added, done.events_known) == (3, 2)
    assert "Further order" in alice.get(f"imports/{imp.pk}/").content.decode()
    proved(alice.workspace, done)
