"""What must not wait, and what must be possible again: a small import beside a large one, an undo and its own undoing."""

import io
import json
import threading
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from benchmarks import imports
from benchmarks.stack import Stack
from imports.models import Import, Phase
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

SMALL = 100


def undo(tenant: Tenant, import_id: int, *, back: bool = False) -> dict[str, Any]:
    """Undo an import as the command line does, or take its undo back: what the command says, `seconds` among it."""
    said = io.StringIO()
    options = ["--back"] if back else []
    call_command("undo_import", str(import_id), f"--workspace={tenant.slug}", "--json", *options, stdout=said)
    report: dict[str, Any] = json.loads(said.getvalue())
    return report


def beside(stack: Stack, busy: Tenant, large: Path, other: Tenant, small: Path) -> dict[str, float | None]:
    """Seconds of a small import of one workspace while a large one of another reads, and while it writes; None where the
    large one was over before."""
    thread = threading.Thread(target=_import, args=(stack, busy, large))
    thread.start()
    try:
        return {phase: _during(stack, busy, phase, other, small) for phase in (Phase.PARSE, Phase.APPLY)}
    finally:
        thread.join()


def _import(stack: Stack, tenant: Tenant, path: Path) -> None:
    try:
        imports.run(stack, tenant, path)
    finally:
        connections.close_all()


def _during(stack: Stack, busy: Tenant, phase: Phase, other: Tenant, small: Path) -> float | None:
    until = time.monotonic() + 600
    while time.monotonic() < until:
        with tenant_context(busy.pk):
            phases = set(Import.objects.values_list("phase", flat=True))
        if phase in phases:
            return imports.run(stack, other, small, rest=False).seconds
        if phases == {Phase.DONE}:
            return None
        time.sleep(0.2)
    raise SystemExit(f"the large import never came to {phase}")
