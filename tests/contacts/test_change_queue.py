"""The queue of changed contacts: what is asked about is queued once, in the change's own transaction; the rest is not."""

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from contacts import change_log, change_queue
from contacts.models import Contact, QueuedChange
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace

ALL = ["contact", "visit", "event", "segment", "source", "import", "duplicate"]


@pytest.fixture
def place() -> Tenant:
    return workspace(person("queue"))


def queued() -> list[tuple[int, str]]:
    return sorted(QueuedChange.objects.values_list("contact_id", "cause"))


def test_what_nobody_asks_about_is_not_queued(place: Tenant) -> None:
    with tenant_context(place.pk):
        change_queue.add([1, 2], "contact")
        assert queued() == []
        change_queue.watch({"visit"})
        change_queue.add([1, 2], "contact")
        change_queue.add([2, 2, 3], "visit")
        assert queued() == [(2, "visit"), (3, "visit")]


def test_watching_replaces_what_was_watched(place: Tenant) -> None:
    with tenant_context(place.pk):
        change_queue.watch({"visit", "contact"})
        change_queue.watch({"contact", "event"})
        for cause in ("visit", "contact", "event"):
            change_queue.add([1], cause)
        assert queued() == [(1, "contact"), (1, "event")]


def test_a_change_that_is_taken_back_queues_nothing(place: Tenant) -> None:
    with tenant_context(place.pk):
        change_queue.watch({"contact"})
    with tenant_context(place.pk):
        change_log.note([1], now=timezone.now())
        transaction.set_rollback(True)
    with tenant_context(place.pk):
        assert not change_queue.is_waiting()


def test_entries_are_taken_in_order_and_only_once(place: Tenant) -> None:
    with tenant_context(place.pk):
        change_queue.watch({"contact"})
        change_queue.add([1, 2, 3], "contact")
        change_queue.leave(77, [(9, "contact")])
        assert len(change_queue.take(2, busy=[])) == 2
        rest = change_queue.take(10, busy=[77])
        assert [segment for _contact, _cause, segment in rest] == [None]
        assert change_queue.is_waiting()
        assert change_queue.take(10, busy=[]) == [(9, "contact", 77)]
        assert not change_queue.is_waiting()


def test_no_plan_takes_more_than_the_limit(place: Tenant) -> None:
    with tenant_context(place.pk):
        change_queue.watch({"contact"})
        change_queue.add(range(1, 9), "contact")
        with connection.cursor() as cursor:
            for setting in ("hashjoin", "mergejoin", "material", "indexscan", "bitmapscan", "indexonlyscan"):
                cursor.execute(f"SET LOCAL enable_{setting} = off")
        assert len(change_queue.take(2, busy=[])) == 2
        assert len(change_queue.take(10, busy=[])) == 6


def test_what_is_not_committed_yet_comes_with_a_later_look(place: Tenant) -> None:
    """Two writers: the later one commits first, and the earlier one is not passed over."""
    import os

    with tenant_context(place.pk):
        change_queue.watch({"contact"})
    insert = "INSERT INTO change_queue (tenant_id, contact_id, cause) VALUES (%s, 1, 'contact')"
    with psycopg.connect(os.environ["DATABASE_URL"]) as slow:
        slow.execute("SELECT set_config('app.tenant_id', %s, false)", [str(place.pk)])
        slow.execute(insert, [place.pk])
        with tenant_context(place.pk):
            change_queue.add([2], "contact")
        with tenant_context(place.pk):
            assert change_queue.take(10, busy=[]) == [(2, "contact", None)]
        slow.commit()
    with tenant_context(place.pk):
        assert change_queue.take(10, busy=[]) == [(1, "contact", None)]


def test_a_new_contact_and_its_change_are_queued(place: Tenant) -> None:
    from contacts import value_state

    with tenant_context(place.pk):
        change_queue.watch(set(ALL))
        contact = Contact(email="queue@example.com")
        value_state.write_states(contact, {}, timezone.now())
        assert queued() == [(contact.pk, "contact")]
