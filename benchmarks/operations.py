"""The operations page over many workspaces with imports under way, made up: no worker takes them up."""

import random
import time
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.imports import owner
from benchmarks.pages import at
from imports.models import Import, Phase, Status, Unit, UnitKind
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tenants.workspaces import create_workspace

SEED = 18
# Of ten imports under way: the phase, and whether nobody has been seen at it for minutes.
MIX = (
    (Phase.PARSE, False), (Phase.PARSE, False), (Phase.MATCH, False), (Phase.DIFF, False), (Phase.APPLY, False),
    (Phase.APPLY, False), (Phase.APPLY, True), (Phase.QUEUED, False), (Phase.REVIEW, False), (Phase.DRAFT, False),
)  # fmt: skip
UNITS = 24
# For each import under way so many have ended, as workspaces keep theirs.
ENDED = 20
KINDS = {
    Phase.PARSE: UnitKind.PARSE, Phase.MATCH: UnitKind.MATCH, Phase.DIFF: UnitKind.DIFF, Phase.APPLY: UnitKind.APPLY,
}  # fmt: skip
FRAMES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SET ")
PAGES = (
    ("The page", "operations/"),
    ("The part that renews itself", "operations/live/"),
    ("Stuck", "operations/live/?state=stuck"),
    ("Working", "operations/live/?state=working"),
    ("In line", "operations/live/?state=waiting"),
    ("Failed in the last day", "operations/live/?state=failed"),
    ("A stage", "operations/live/?stage=write"),
    ("Part of a file's name", "operations/live/?q=people-7"),
    ("Incidents", "operations/incidents/"),
)


def fill(workspaces: int, running: int) -> list[Tenant]:
    """Workspaces of one person, and imports that look as if workers were at them; returns the workspaces.

    Their open parts carry the mark of a worker that has an hour, and no workspace says that it has work.
    """
    rng, person = random.Random(SEED), owner()
    tenants = [
        create_workspace(f"ops-{n}", name=f"Workspace {n}", country="GB", owner=person) for n in range(workspaces)
    ]
    for n, tenant in enumerate(tenants):
        under_way = running // workspaces + (n < running % workspaces)
        with tenant_context(tenant.pk):
            _make(rng, under_way, under_way * ENDED)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE import, import_unit")
    return tenants


def _make(rng: random.Random, under_way: int, ended: int) -> None:
    now = timezone.now()
    made = Import.objects.bulk_create(
        [_import(rng, *rng.choice(MIX), now=now) for _ in range(under_way)]
        + [_import(rng, Phase.DONE, False, now=now) for _ in range(ended)]
    )
    Unit.objects.bulk_create([unit for imp in made for unit in _units(imp, now=now)])


def _import(rng: random.Random, phase: Phase, silent: bool, *, now: Any) -> Import:
    since = now - timedelta(minutes=10 if silent else 0, seconds=rng.random() * 50)
    done = phase == Phase.DONE
    status = (Status.FAILED if rng.random() < 0.1 else Status.IMPORTED) if done else Status.IMPORTING
    return Import(
        file_name=f"people-{rng.randrange(10_000)}.csv", path="x", size=90_000_000, sha256=f"{rng.getrandbits(256):064x}",
        phase=phase, status=status, started=True, rows=480_000, phase_at=since,
        finished_at=now - timedelta(hours=rng.random() * 400) if done else None,
    )  # fmt: skip


def _units(imp: Import, *, now: Any) -> list[Unit]:
    """Half of them done, the last one a moment before the phase began or later; one in a worker's hand."""
    kind = KINDS.get(imp.phase, UnitKind.APPLY if imp.phase == Phase.DONE else None)
    if kind is None:
        return []
    done = UNITS if imp.phase == Phase.DONE else UNITS // 2
    silent = now - imp.phase_at > timedelta(minutes=5)
    rows = imp.rows // UNITS
    return [
        Unit(
            import_id=imp.pk, kind=kind, no=no, start=no * rows, stop=(no + 1) * rows, losses=1,
            claimed_at=None if no > done else (imp.phase_at if silent else now + timedelta(hours=1)),
            done_at=(imp.finished_at or imp.phase_at) if no < done else None, seconds=2.0,
        )
        for no in range(UNITS)
    ]  # fmt: skip


def measure(times: int) -> list[tuple[str, float, float, int]]:
    """(what, median, 95th percentile, statements) for a member and for an operator, in seconds, the slowest first."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(owner())
    results = []
    for who, operators in (("", []), (", as operator", [owner().email])):
        with override_settings(OPERATORS=operators):
            for what, path in PAGES:
                _ask(client, path)
                waits = sorted(_ask(client, path) for _ in range(times))
                results.append((what + who, waits[len(waits) // 2], at(waits, 0.95), statements(client, f"/{path}")))
    return sorted(results, key=lambda row: -row[2])


def statements(client: Client, url: str) -> int:
    """How many statements a response asks of the database, without the frames of transactions and contexts."""
    with CaptureQueriesContext(connection) as seen:
        client.get(url, headers={"HX-Request": "true"})
    return sum(not query["sql"].startswith(FRAMES) for query in seen)


def _ask(client: Client, path: str) -> float:
    begun = time.perf_counter()
    answer = client.get(f"/{path}")
    assert answer.status_code == 200, (path, answer.status_code)
    return time.perf_counter() - begun
