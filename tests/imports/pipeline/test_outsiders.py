"""Somebody takes a key that an import is about to write, between the plan and the commit: the end is that of the careful
way, whenever it happens and whoever is killed meanwhile."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from contacts.identity import upsert
from contacts.models import Change, Contact
from imports.models import Import, Phase, RowEffect, Status
from imports.pipeline import queries, transitions, unit_work, units, worker
from segments import membership
from segments.models import Member
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.imports.helpers import again, bring, work_until
from tracking import visitors

ROWS = 400
TAKEN = 250  # in the third of four units
KNOWN_UNITS = 2  # those of the import before

# A row while somebody waits for a transaction to end.
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted LIMIT 1"


class Killed(BaseException):
    """Ends a worker as a signal does: nothing after it runs."""


def file() -> str:
    """A third of the rows are known, of which half change."""
    return "email,external_id,first_name\n" + "".join(f"p{n}@example.com,C-{n},Name{n}\n" for n in range(ROWS))


def known() -> str:
    return "email,external_id,first_name\n" + "".join(
        f"p{n}@example.com,C-{n},{'Name' if n % 2 else 'Other'}{n}\n" for n in range(0, ROWS, 3)
    )


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "LEAST_ROWS", 100)
    monkeypatch.setattr(units, "CLAIM_GRACE", units.CLAIM_GRACE * 0)


def outside(tenant: Tenant) -> "psycopg.Connection[Any]":
    """A connection of somebody else, as the application role."""
    database = settings.DATABASES["default"]
    connection: psycopg.Connection[Any] = psycopg.connect(
        host=database["HOST"], port=database["PORT"], dbname=database["NAME"],
        user=database["USER"], password=database["PASSWORD"],
    )  # fmt: skip
    connection.execute(f"SET app.tenant_id = '{tenant.pk}'")
    connection.commit()
    return connection


TAKE_ID = """INSERT INTO contact (external_id, first_name, origin, created_at, changed_at)
    VALUES (%s, 'Outsider', 'manual', now(), now())"""
TAKE_PLACE = """INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
    SELECT c.tenant_id, s.id, c.id, now() FROM contact c JOIN segment s ON s.tenant_id = c.tenant_id AND s.name = 'Fair'
    WHERE c.external_id = %s"""


class Outsider:
    """Takes the external ID of a row, or the place of a known contact in the segment, at a moment."""

    def __init__(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, *, place: bool = False) -> None:
        self.tenant, self.patch = tenant, monkeypatch
        self.statement, self.value = (TAKE_PLACE, f"C-{TAKEN - 1}") if place else (TAKE_ID, f"C-{TAKEN}")
        self.module, self.name = (membership, "add") if place else (upsert, "insert_contacts")
        self.times = 0

    def take(self) -> None:
        with outside(self.tenant) as connection:
            connection.execute(self.statement, [self.value])

    def in_the_unit(self, act: Callable[[Callable[[], Any]], Any]) -> None:
        """Do something around the statement that writes, the first time that it is about the row."""
        original = getattr(self.module, self.name)

        def write(*args: Any, **values: Any) -> Any:
            if values["start"] <= TAKEN + 1 < values["stop"] and not self.times:
                self.times += 1
                return act(lambda: original(*args, **values))
            return original(*args, **values)

        self.patch.setattr(self.module, self.name, write)

    def committed_before(self, go_on: Callable[[], Any]) -> Any:
        self.take()
        return go_on()

    def open_and_committed(self, go_on: Callable[[], Any]) -> Any:
        return self._while_open(go_on, commit=True)

    def open_and_rolled_back(self, go_on: Callable[[], Any]) -> Any:
        return self._while_open(go_on, commit=False)

    def _while_open(self, go_on: Callable[[], Any], *, commit: bool) -> Any:
        """The import meets a transaction that has not ended, and waits for it."""
        connection = outside(self.tenant)
        connection.execute(self.statement, [self.value])

        def end_when_awaited() -> None:
            with outside(self.tenant) as watching:
                until = time.monotonic() + 30
                while time.monotonic() < until and not watching.execute(WAITING).fetchone():
                    watching.commit()
            connection.commit() if commit else connection.rollback()
            connection.close()

        thread = threading.Thread(target=end_when_awaited)
        thread.start()
        try:
            return go_on()
        finally:
            thread.join()

    def too_late(self, go_on: Callable[[], Any]) -> Any:
        """The row is written and not committed: the outsider is who waits, and gives up."""
        done = go_on()
        with outside(self.tenant) as connection:
            connection.execute("SET LOCAL lock_timeout = '200ms'")
            with pytest.raises((psycopg.errors.LockNotAvailable, psycopg.errors.UniqueViolation)):
                connection.execute(self.statement, [self.value])
        return done


INSIDE = ["committed_before", "open_and_committed", "open_and_rolled_back", "too_late"]


def ready(tenant: Tenant) -> Import:
    bring(tenant, known())
    imp = bring(tenant, file(), review=True, segment="Fair")
    with tenant_context(tenant.pk):
        Import.objects.filter(pk=imp.pk).update(started=True, phase="queued")
    return imp


def finish(tenant: Tenant, imp: Import) -> dict[str, Any]:
    """Work, with workers that may be killed, to the end; everything that the import has left, without numbers and times."""
    for _ in range(50):
        try:
            while not again(tenant, imp).ended:
                worker.work(tenant.pk, imp.pk)
            break
        except Killed:
            connections.close_all()
    imp = again(tenant, imp)
    with tenant_context(tenant.pk):
        people = dict(Contact.objects.values_list("pk", "email"))
        effects = RowEffect.objects.filter(import_id=imp.pk).order_by("row_no")
        return {
            "status": (imp.status, imp.reason, imp.reason_facts, imp.counts),
            "contacts": sorted(
                Contact.objects.values_list("external_id", "first_name", "email", "origin"), key=lambda c: str(c)
            ),
            "effects": [(e.row_no, e.outcome, e.changed, people.get(e.contact_id)) for e in effects],
            "members": sorted(str(people.get(m.contact_id)) for m in Member.objects.all()),
            "changes": sorted(str(people.get(c.contact_id)) for c in Change.objects.all()),
        }


def carefully(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on as if every unit had met somebody."""
    monkeypatch.setattr(unit_work, "apply", None)
    monkeypatch.setitem(unit_work.WORK, "apply", lambda imp, unit: unit_work._write(imp, unit, careful=True))


def played(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, moment: str, *, place: bool = False) -> dict[str, Any]:
    """The whole story with an outsider at a moment."""
    imp, outsider = ready(tenant), Outsider(tenant, monkeypatch, place=place)
    work_until(tenant, imp, Phase.APPLY)
    if moment.startswith("before unit"):
        for _ in range(int(moment[-1])):
            worker.step(tenant.pk, imp.pk)
        outsider.take()
    else:
        outsider.in_the_unit(getattr(outsider, moment))
    return finish(tenant, imp)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each writing of a unit was careful."""
    seen, original = list[bool](), unit_work._write

    def write(imp: Import, unit: Any, *, careful: bool) -> dict[str, Any]:
        seen.append(careful)
        return original(imp, unit, careful=careful)

    monkeypatch.setattr(unit_work, "_write", write)
    return seen


@pytest.mark.parametrize("moment", ["before unit 0", "before unit 1", "before unit 2", *INSIDE])
def test_an_external_id_is_taken(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, ways: list[bool], moment: str
) -> None:
    found = played(tenant, monkeypatch, moment)
    met = moment not in ("open_and_rolled_back", "too_late")
    assert ways[KNOWN_UNITS:] == ([False, False, False, True, False] if met else [False] * 4)
    assert found["status"][:2] == ((Status.FAILED, "sum_mismatch") if met else (Status.IMPORTED, ""))
    mine = (f"C-{TAKEN}", f"Name{TAKEN}", f"p{TAKEN}@example.com", "import")
    theirs = (f"C-{TAKEN}", "Outsider", None, "manual")
    assert [c for c in found["contacts"] if c[0] == f"C-{TAKEN}"] == [theirs if met else mine]
    carefully(monkeypatch)
    assert found == played(workspace(person("Bea")), monkeypatch, moment)


@pytest.mark.parametrize("moment", ["before unit 0", "before unit 2", "committed_before", "open_and_committed"])
def test_somebody_adds_a_known_contact_to_the_segment(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, ways: list[bool], moment: str
) -> None:
    found = played(tenant, monkeypatch, moment, place=True)
    assert ways[KNOWN_UNITS:] == ([False, False, False, True, False] if moment == "open_and_committed" else [False] * 4)
    assert found["status"][0] == Status.IMPORTED
    assert found["members"] == sorted(f"p{n}@example.com" for n in range(ROWS))
    carefully(monkeypatch)
    assert found == played(workspace(person("Bea")), monkeypatch, moment, place=True)


@pytest.mark.parametrize("at", ["insert_contacts", "touch", "add", "claim"])
@pytest.mark.parametrize("careful", [False, True])
def test_killed_at_any_statement_of_either_way(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, at: str, careful: bool
) -> None:
    """A worker dies in the unit that meets the outsider: in the plain way before it has met, in the careful one after."""
    module: Any = {"insert_contacts": upsert, "touch": queries, "add": membership, "claim": visitors}[at]
    kept, left, mode = getattr(module, at), [3], list[bool | None]([None])
    write = unit_work._write

    def writing(imp: Import, unit: Any, *, careful: bool) -> dict[str, Any]:
        mode[0] = careful if imp.segments else None  # not the import before
        return write(imp, unit, careful=careful)

    def die(*args: Any, **values: Any) -> Any:
        done = kept(*args, **values)
        if left[0] and mode[0] == careful:
            left[0] -= 1
            raise Killed
        return done

    with monkeypatch.context() as patch:
        patch.setattr(unit_work, "_write", writing)
        patch.setattr(module, at, die)
        found = played(tenant, patch, "before unit 0")
        assert left == [0]
    carefully(monkeypatch)
    assert found == played(workspace(person("Bea")), monkeypatch, "before unit 0")


def test_another_fault_of_the_database_is_not_tried_again(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a key that is taken is a reason for the careful way."""
    imp, ways = ready(tenant), list[bool]()

    def refuse(imp: Import, unit: Any, *, careful: bool) -> dict[str, Any]:
        ways.append(careful)
        Contact.objects.create(origin=None)
        return {}

    monkeypatch.setattr(unit_work, "_write", refuse)
    work_until(tenant, imp, Phase.APPLY)
    worker.step(tenant.pk, imp.pk)
    found = again(tenant, imp)
    assert (found.status, found.reason, ways) == (Status.FAILED, "database_error", [False])
