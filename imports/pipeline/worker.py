"""What a worker does with an import: unit after unit, then the step to the next phase, until nothing is to be had."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, OperationalError
from django.db.models import Q, QuerySet
from django.utils import timezone
from psycopg import errors

from core import traces
from core.broker import first_in_line
from core.file_store import StoreUnavailable
from imports import phases
from imports.files.reader import FileProblem
from imports.models import Import, Phase, Status, Unit
from imports.pipeline import queue, transitions, unit_work, units
from tenants import pending_work
from tenants.isolation.context import tenant_context

log = logging.getLogger(__name__)
# After so long a worker gives way to other imports and comes back, so that a small one need not wait for a large one. With a
# large one it gives way after each unit for which something else has waited.
TIME_SLICE_SECONDS = 5.0
# Somebody works on an import that has shown a sign of life so lately: it needs no further message, and messages must not
# pile up before those of others.
LIVELY = timedelta(seconds=12)
# A large one that has been passed over for so long has a turn (wake_large).
PASSED_OVER = timedelta(seconds=4)
# So many imports of one workspace are looked at in one sweep.
MOST_WOKEN = 50
# Two transactions met: the unit is as it was and simply done again.
RETRY = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)


def work(tenant_id: int, import_id: int, *, only_turn: bool = False) -> None:
    """Work on an import for a while. Safe to run any number of times, side by side. After an `only_turn` nobody is told
    to go on: messages would become more with each."""
    until = time.monotonic() + TIME_SLICE_SECONDS
    is_large: bool | None = None  # asked when somebody waits, once
    while step(tenant_id, import_id):
        gives_way = time.monotonic() > until
        if not gives_way and is_large is not False and first_in_line():
            with tenant_context(tenant_id):
                gives_way = is_large = queue.is_large(import_id)
        if gives_way:
            if not only_turn:
                with tenant_context(tenant_id):
                    queue.go_on(import_id)
            return


def step(tenant_id: int, import_id: int) -> bool:
    """One unit, after changes of phase that were due; False when there is nothing to do here now.

    Raises OperationalError when the database has gone: the attempt is counted, and a sweep finds the work again.
    """
    try:
        return _step(tenant_id, import_id)
    except FileProblem as problem:
        _fail(tenant_id, import_id, problem.code, **problem.facts)
    except StoreUnavailable as problem:
        # The import waits: a sweep finds it again in 15 seconds.
        log.warning("import %s of workspace %s waits for its file: %s", import_id, tenant_id, problem)
    except units.GivenUp as problem:
        log.error("import %s of workspace %s given up: %s", import_id, tenant_id, problem)
        _fail(tenant_id, import_id, problem.code, times=problem.times)
    except Import.DoesNotExist:
        log.info("import %s of workspace %s does not exist", import_id, tenant_id)
    except OperationalError as problem:
        if isinstance(problem.__cause__, RETRY):
            return True
        raise
    except DatabaseError as problem:
        log.exception("import %s of workspace %s: a statement failed", import_id, tenant_id)
        _fail(tenant_id, import_id, "database_error", detail=type(problem).__name__)
    return False


def _step(tenant_id: int, import_id: int) -> bool:
    with tenant_context(tenant_id):
        unit = units.claim(import_id)
        # The first unit of the next phase is taken with the change of phase: a small import has hardly more than one each.
        while unit is None:
            if not transitions.advance(import_id):
                return False
            queue.call_helpers(import_id)
            unit = units.claim(import_id)
    _perform(tenant_id, unit)
    return True


def _perform(tenant_id: int, unit: Unit) -> None:
    """Do a unit. What goes wrong in it counts against it; what befalls the worker or the database does not."""
    try:
        with traces.span(f"unit {unit.kind}", tenant=tenant_id, number=unit.no, **{"import": unit.import_id}):
            units.execute(tenant_id, unit, unit_work.WORK[unit.kind])
    except (OperationalError, FileProblem):
        raise
    except StoreUnavailable:
        units.put_back(tenant_id, unit)
        raise
    except Exception:
        units.note_failure(tenant_id, unit)
        raise


def _fail(tenant_id: int, import_id: int, code: str, **facts: object) -> None:
    with tenant_context(tenant_id):
        imp = Import.objects.select_for_update().get(pk=import_id)
        if not imp.ended:
            transitions.finish_import(imp, Status.FAILED, reason=code, **facts)


def wake_active(tenant_id: int) -> None:
    """Tell workers about every import of a workspace that is under way; forget the workspace when there is none."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        active = list(_active()[:MOST_WOKEN])
        if not active:
            pending_work.clear_pending(queue.KIND, seen_at=seen_at)
        for import_id in _without_sign(active, since=seen_at - LIVELY):
            queue.wake(import_id)


def wake_large() -> None:
    """Let large imports that have been passed over have a turn, at most as many as there are workers, those first that were
    told about longest ago. While others always wait, they would not go on otherwise; and a small one waits for their turns
    alone, however many large ones there are."""
    left = settings.WORKERS
    for tenant_id in pending_work.waiting(queue.LARGE):
        if left <= 0:
            return
        try:
            left -= _wake_large(tenant_id, most=left)
        except Exception:
            log.exception("large imports of workspace %s", tenant_id)


def _wake_large(tenant_id: int, *, most: int) -> int:
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        active = list(_active().filter(size__gt=queue.LARGE_BYTES)[:MOST_WOKEN])
        if not active:
            pending_work.clear_pending(queue.LARGE, seen_at=seen_at)
        passed_over = _without_sign(active, since=seen_at - PASSED_OVER)[:most]
        for import_id in passed_over:
            queue.give_turn(import_id)
        return len(passed_over)


def _active() -> "QuerySet[Import, int]":
    """The imports of a workspace that workers have something to do for."""
    idle = Q(phase__in=phases.WAITING, cancel_requested=False) | Q(phase=Phase.DONE)
    return Import.objects.exclude(idle).order_by("pk").values_list("pk", flat=True)


def _without_sign(imports: Sequence[int], *, since: datetime) -> list[int]:
    """Those of them at which no worker has shown itself since."""
    signs = Q(claimed_at__gt=since) | Q(done_at__gt=since)
    lively = set(Unit.objects.filter(signs, import_id__in=imports).values_list("import_id", flat=True))
    return [import_id for import_id in imports if import_id not in lively]
