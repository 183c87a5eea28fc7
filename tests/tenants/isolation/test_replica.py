"""Reading from a real replica: what is read there, that workspaces stay apart, and when the primary is asked instead."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection, connections, transaction
from django.test import override_settings

from contacts.models import Contact
from insights.operations import diagnosis, machinery, metrics
from segments.models import Segment
from tenants.isolation import checks, replica
from tenants.isolation.context import OtherTenant, tenant_context, user_context
from tenants.isolation.rls import GLOBAL_TABLES
from tenants.isolation.statements import fetch, time_limit
from tenants.models import Membership
from tests.cast import Actor, actor
from tests.imports.helpers import bring
from tests.replicas import Replica, follow

CSV = "email\nann@example.com\nben@example.com\n"
COUNT = "SELECT count(*) FROM contact c WHERE c.tenant_id = %(tenant)s"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with follow(tmp_path_factory.mktemp("replica")) as started:
        yield started


@pytest.fixture
def following(server: Replica) -> Replica:
    """The replica, running and up to date, whatever the test before did to it."""
    if not server.alive():
        server.start_again()
    server.resume()
    server.catch_up()
    return server


@pytest.fixture
def alice(following: Replica) -> Actor:
    """Alice with two contacts in a segment; the replica knows them."""
    made = actor("Alice")
    bring(made.workspace, CSV, segment="Everybody", user=made.user)
    following.catch_up()
    return made


def segment_of(who: Actor) -> Any:
    with tenant_context(who.workspace.pk):
        return Segment.objects.get()


def asked_there(who: Actor, path: str) -> bool:
    """Whether a page reads the workspace at the replica. It is answered, wherever."""
    there: list[str] = []

    def note(execute: Any, statement: str, *rest: Any) -> Any:
        there.append(statement)
        return execute(statement, *rest)

    with connections[replica.ALIAS].execute_wrapper(note):
        answer = who.get(path, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return any("app.tenant_id" in statement for statement in there)


def without_tokens(answer: Any) -> str:
    """A page as it is each time: the token of its forms is another one for each."""
    return re.sub(r"\b[A-Za-z0-9]{64}\b", "", answer.content.decode())


@pytest.mark.parametrize(
    ("place", "numbers"),
    [
        ("0/0", (0, 0)), ("16/B374D848", (0x16, 0xB374D848)), ("FFFFFFFF/FFFFFFFF", (0xFFFFFFFF, 0xFFFFFFFF)),
        ("", (0, 0)), ("16", (0, 0)), ("16/B374D848/1", (0, 0)), ("16/b3", (0, 0)), ("1/' OR 1", (0, 0)),
        ("123456789/0", (0, 0)),
    ],
)  # fmt: skip
def test_places_are_compared_as_numbers(place: str, numbers: tuple[int, int]) -> None:
    assert replica._numbers(place) == numbers
    assert replica._numbers("A/0") > replica._numbers("9/FFFFFFFF")


@pytest.mark.parametrize(
    ("up", "lag", "near"),
    [(True, 0.0, True), (True, 30.0, True), (True, 30.1, False), (True, None, False), (False, 0.0, False)],
)
def test_who_is_too_far_behind_is_not_asked(up: bool, lag: float | None, near: bool) -> None:
    assert replica.Look(0.0, up, lag).is_near == near


def test_without_a_replica_nothing_is_asked_and_no_cookie_is_set() -> None:
    somebody = actor("Olga")
    assert not replica.is_set()
    assert not replica.may_read()
    assert somebody.post("dashboard/guide/").status_code < 400
    assert replica.ALIAS not in connections.databases
    assert "written" not in somebody.client.cookies


def test_the_environment_names_it() -> None:
    keys = ("HOST", "PORT", "NAME", "CONN_MAX_AGE")
    ask = f"from cdp.settings import DATABASES; print([DATABASES['replica'][key] for key in {keys}])"
    url = "postgresql://cdp_app:secret@replica.example.com:6543/cdp"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env={**os.environ, "REPLICA_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['replica.example.com', 6543, 'cdp', 60]"


def test_dashboards_and_counts_are_read_there_and_say_the_same(alice: Actor) -> None:
    segment = segment_of(alice)
    paths = [
        "dashboard/", "dashboard/base/", "dashboard/base/growth/", f"segments/{segment.pk}/size/",
        f"segments/{segment.pk}/channels/", "segments/overlap/",
    ]  # fmt: skip
    for path in paths:
        there = without_tokens(alice.get(path))
        assert asked_there(alice, path), path
        with transaction.atomic():  # a transaction of a caller is open: the primary is asked
            assert not asked_there(alice, path), path
            assert without_tokens(alice.get(path)) == there, path
    for path in ("contacts/", "segments/", f"segments/{segment.pk}/"):
        assert not asked_there(alice, path), path


def test_workspaces_stay_apart_there(alice: Actor, following: Replica) -> None:
    other = actor("Charlie")
    bring(other.workspace, "email\nsecret@example.com\n", segment="Secret", user=other.user)
    following.catch_up()
    with connection.cursor() as cursor:
        cursor.execute(checks.TABLES, {"role": settings.APP_ROLE})
        known = [checks.Table(*row) for row in cursor.fetchall()]
    tables = [
        t.name
        for t in known
        if t.tenant and t.schema == "public" and t.name not in GLOBAL_TABLES and "SELECT" in t.grants
    ]
    assert len(tables) > 50
    with replica.reading():
        assert [table for table in tables if _all_rows(table)] == []
        with tenant_context(alice.workspace.pk):
            assert fetch(COUNT) == [(2,)]
            assert _all_rows("contact") == Contact.objects.count() == 2
            with tenant_context(alice.workspace.pk):
                assert fetch(COUNT) == [(2,)]
            with pytest.raises(OtherTenant), tenant_context(other.workspace.pk):
                pass
            with time_limit(10_000):
                assert fetch(COUNT) == [(2,)]
        assert _all_rows("contact") == 0
        with user_context(alice.user.pk):
            assert _all_rows("membership") == 1
        assert _all_rows("membership") == 0
    foreign = segment_of(other)
    assert alice.get(f"segments/{foreign.pk}/size/").status_code == 404


def test_nothing_can_be_written_there(alice: Actor) -> None:
    def insert() -> Any:
        return Segment.objects.create(name="Other")

    def update() -> Any:
        return Contact.objects.update(first_name="x")

    def statement() -> Any:
        return fetch("DELETE FROM contact c WHERE c.tenant_id = %(tenant)s RETURNING 1")

    for write in (insert, update, statement):
        with pytest.raises(Error), replica.reading(), tenant_context(alice.workspace.pk):
            write()
    with tenant_context(alice.workspace.pk):
        assert (Contact.objects.count(), Segment.objects.filter(name="Other").count()) == (2, 0)


def test_who_has_written_reads_it_on_the_next_page(alice: Actor, following: Replica) -> None:
    bob = actor("Bob", alice.workspace, "owner")
    following.catch_up()
    following.pause()
    try:
        answer = alice.post("dashboard/guide/")
        assert answer.status_code < 400
        assert answer.cookies["written"]["httponly"]
        assert not asked_there(alice, "dashboard/")
        assert asked_there(bob, "dashboard/")
        with tenant_context(alice.workspace.pk):
            newer = Segment.objects.create(name="Just made")
        # A thing that the replica does not have yet is not missing.
        assert bob.get(f"segments/{newer.pk}/size/").status_code == 200
    finally:
        following.resume()
    following.catch_up()
    assert asked_there(alice, "dashboard/")
    alice.client.cookies["written"] = "not a place; drop table"
    assert asked_there(alice, "dashboard/")
    alice.client.cookies["written"] = "FFFFFFFF/0"
    assert not asked_there(alice, "dashboard/")


def test_a_replica_that_is_late_is_not_asked_and_said(alice: Actor, following: Replica) -> None:
    following.pause()
    try:
        with tenant_context(alice.workspace.pk):
            Segment.objects.create(name="Meanwhile")
        with override_settings(REPLICA_MOST_LAG=0):
            found = replica.look(again=True)
            assert found.up
            assert found.lag
            assert not asked_there(alice, "dashboard/")
            assert "replica_late" in codes()
            with override_settings(OPERATORS=[alice.user.email]):
                assert "behind; pages ask the primary" in " ".join(
                    alice.client.get("/operations/").content.decode().split()
                )
        assert "replica_late" not in codes()
        assert b"cdp_replica_lag_seconds" in metrics.exposition()
    finally:
        following.resume()
    following.catch_up()
    assert replica.look(again=True).lag == 0.0
    with override_settings(OPERATORS=[alice.user.email]):
        assert "up to date" in alice.client.get("/operations/").content.decode()


def test_pages_go_on_when_the_replica_is_killed_and_use_it_again(alice: Actor, following: Replica) -> None:
    assert asked_there(alice, "dashboard/")
    assert replica.look().up
    following.kill()
    # The look of a moment ago says that it lives: the page finds out, and asks the primary.
    assert alice.get("dashboard/").status_code == 200
    assert not replica.look().up
    assert not asked_there(alice, "dashboard/")
    assert "replica_down" in codes()
    assert b"cdp_replica_up 0.0" in metrics.exposition()
    following.start_again()
    following.catch_up()
    assert asked_there(alice, "dashboard/")
    assert not codes() & {"replica_down", "replica_late"}


def test_what_fails_there_in_the_middle_of_a_page_is_asked_again(
    alice: Actor, following: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    from insights.dashboards import guide

    calls: list[str] = []
    steps = guide.steps

    def ended(membership: Membership) -> Any:
        calls.append(replica.alias())
        if replica.is_reading():
            with connections[replica.ALIAS].cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                following.run(f"SELECT pg_terminate_backend({cursor.fetchone()[0]})")
        return steps(membership)

    monkeypatch.setattr(guide, "steps", ended)
    answer = alice.get("dashboard/")
    assert answer.status_code == 200
    assert calls == ["replica", "default"]


def test_another_database_is_no_replica(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert replica.look(again=True).up
    with monkeypatch.context() as patch:
        patch.setattr(replica, "PRIMARY", "SELECT pg_current_wal_lsn()::text, 17::bigint")
        assert not replica.look(again=True).up
    connections[replica.ALIAS].close()
    there = connections[replica.ALIAS].settings_dict
    with monkeypatch.context() as patch:
        patch.setitem(there, "PORT", connection.settings_dict["PORT"])
        assert not replica.look(again=True).up  # the primary itself
    connections[replica.ALIAS].close()
    replica.look(again=True)


def test_another_role_does_not_serve(following: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.refuse_bypassing_role()
    monkeypatch.setitem(connections[replica.ALIAS].settings_dict, "USER", "cdp_owner")
    with pytest.raises(ImproperlyConfigured, match="same role"):
        checks.refuse_bypassing_role()


def codes() -> set[str]:
    return {problem.code for problem in diagnosis.problems(machinery.look(statements=False))}


def _all_rows(table: str) -> int:
    with replica.database().cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        return int(cursor.fetchone()[0])
