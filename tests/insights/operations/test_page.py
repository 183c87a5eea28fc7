"""The operations page: who sees what, from how many statements, and what can be done."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import counters
from core.broker import broker
from core.counters import COUNTS
from imports.models import Import, Phase, Status, Unit
from insights.operations import import_board
from insights.operations.import_board import BoardQuery
from tenants.isolation.context import tenant_context, user_context
from tenants.models import AuditEntry, Membership
from tenants.workspaces import workspaces_of
from tests.cast import Actor, actor


def make(tenant_id: int, **fields: Any) -> Import:
    """An import under way, as the pipeline leaves it."""
    fields = {"phase": Phase.APPLY, "status": Status.IMPORTING, "started": True, "rows": 1_000} | fields
    with tenant_context(tenant_id):
        made: Import = Import.objects.create(
            file_name=fields.pop("file_name", "people.csv"), path="x", size=1, sha256="0" * 64, **fields
        )
    return made


def asked(seen: CaptureQueriesContext) -> list[str]:
    """The statements, without the frames of transactions."""
    return [query["sql"] for query in seen if query["sql"] not in ("BEGIN", "COMMIT")]


@pytest.fixture
def two(alice: Actor) -> tuple[Actor, Actor]:
    """Alice, and a workspace of somebody else that she is a viewer of."""
    other = actor("Olga")
    with tenant_context(other.workspace.pk):
        Membership.objects.create(user=alice.user, role="viewer")
    return alice, other


def test_imports_of_all_own_workspaces_and_no_others(two: tuple[Actor, Actor], charlie: Actor) -> None:
    alice, other = two
    make(alice.workspace.pk, file_name="own-file.csv")
    make(other.workspace.pk, file_name="their-file.csv")
    make(charlie.workspace.pk, file_name="secret-file.csv")
    for path in ("/operations/", "/operations/live/"):
        page = alice.client.get(path).content.decode()
        assert "own-file.csv" in page
        assert "their-file.csv" in page
        assert "secret-file.csv" not in page
    answer: Any = alice.client.get("/operations/imports.csv")
    lines = b"".join(answer.streaming_content).decode()
    assert ("own-file" in lines, "their-file" in lines, "secret-file" in lines) == (True, True, False)


def test_asking_for_a_foreign_workspace_shows_nothing(alice: Actor, charlie: Actor) -> None:
    make(charlie.workspace.pk, file_name="secret-file.csv")
    page = alice.client.get(f"/operations/?workspace={charlie.workspace.slug}").content.decode()
    assert "secret-file.csv" not in page
    assert "No imports match" in page


def test_a_page_costs_few_statements(alice: Actor) -> None:
    for _ in range(3):
        make(alice.workspace.pk)
    alice.client.get("/operations/")
    with CaptureQueriesContext(connection) as seen:
        assert alice.client.get("/operations/").status_code == 200
    assert len(asked(seen)) < 15
    with override_settings(OPERATORS=[alice.user.email]), CaptureQueriesContext(connection) as seen:
        alice.client.get("/operations/")
    assert len(asked(seen)) < 15


def test_what_is_about_the_machines_is_for_operators(alice: Actor) -> None:
    assert "Queues and servers" not in alice.client.get("/operations/").content.decode()
    with override_settings(OPERATORS=[alice.user.email]):
        assert "Queues and servers" in alice.client.get("/operations/").content.decode()


def test_a_silent_import_is_stuck_and_says_why(alice: Actor) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    imp = make(alice.workspace.pk, phase_at=long_ago)
    with tenant_context(alice.workspace.pk):
        Unit.objects.create(import_id=imp.pk, kind="apply", no=0, claimed_at=long_ago, losses=2)
    page = alice.client.get("/operations/?state=stuck").content.decode()
    assert "Stuck in Write" in page
    assert "No worker is running." in page or "gone" in page


def test_retry_frees_the_parts_and_counts_from_zero(alice: Actor, member: Any) -> None:
    imp = make(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        unit = Unit.objects.create(
            import_id=imp.pk, kind="apply", no=0, claimed_at=timezone.now(), losses=2, attempts=3
        )
    assert member("viewer").post(f"operations/{imp.pk}/retry/").status_code == 404
    assert member("ops").post(f"operations/{imp.pk}/retry/").status_code == 302
    with tenant_context(alice.workspace.pk):
        unit.refresh_from_db()
        assert (unit.claimed_at, unit.losses, unit.attempts) == (None, 0, 0)
        assert AuditEntry.objects.filter(verb="import.retried").count() == 1


def test_signed_out_people_are_sent_to_the_door(client: Any) -> None:
    for path in ("/operations/", "/operations/live/", "/operations/imports.csv", "/operations/incidents/"):
        assert client.get(path).status_code == 302


def test_those_that_are_stuck_come_first_on_whichever_page(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two, over four that are stuck and three that are not: each once, the stuck ones first, then the newest."""
    old = timezone.now() - timedelta(minutes=5)
    stuck = [make(alice.workspace.pk, file_name=f"stuck-{n}.csv", phase_at=old).pk for n in range(4)]
    fresh = [make(alice.workspace.pk, file_name=f"fresh-{n}.csv").pk for n in range(3)]
    seen: list[int] = []
    places = workspaces_of(alice.user.pk)
    query: BoardQuery | None = BoardQuery()
    while query is not None:
        with user_context(alice.user.pk):
            rows, after = import_board.page(places, query, now=timezone.now(), programs=None, rows=2)
        assert len(rows) <= 2
        seen += [row.imp.pk for row in rows]
        query = BoardQuery.of({"after": str(after)}) if after else None
    assert seen == [*reversed(stuck), *reversed(fresh)]


@pytest.mark.parametrize("after", ["", "s", "x", "-1", "s-1", "9" * 30, "ss1", "1s", "\u0661"])
def test_a_place_that_makes_no_sense_is_the_beginning(alice: Actor, after: str) -> None:
    assert BoardQuery.of({"after": after}).after is None
    assert alice.client.get("/operations/", {"after": after}).status_code == 200


def test_the_banner_leads_to_what_is_stuck(alice: Actor) -> None:
    make(alice.workspace.pk, file_name="held-up.csv", phase_at=timezone.now() - timedelta(minutes=5))
    page = alice.client.get("/operations/").content.decode()
    assert '<a class="btn small" href="/operations/?state=stuck">Show them</a>' in page
    assert "Show incidents" not in page
    with override_settings(OPERATORS=[alice.user.email]):
        assert "Show incidents" in alice.client.get("/operations/").content.decode(), "no worker is running in tests"


def test_failed_work_is_shown_to_operators(alice: Actor) -> None:
    broker().hdel(COUNTS, "job_failures|sync", "job_failures|source")
    for _ in range(3):
        counters.count("job_failures", "sync")
    assert "Failed work" not in alice.client.get("/operations/").content.decode()
    with override_settings(OPERATORS=[alice.user.email]):
        page = " ".join(alice.client.get("/operations/").content.decode().split())
    assert '<th scope="row">Data syncs</th><td class="num">3</td>' in page
