"""The operations page: who sees what, from how many statements, and what can be done."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from imports.models import Import, Phase, Status, Unit
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Membership
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
