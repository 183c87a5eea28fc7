"""Long work on contacts in steps of one transaction each, under a lease: bulk actions and searches.

The lock on the row of the work is the lease. It goes with the worker's connection, so a killed worker loses one step, and a
second worker cannot repeat it. A step that fails three times ends the work.

Imports have a mechanism of their own (imports.pipeline.units): their units are done by several workers side by side, each
under the lock of its own row, while here the steps of one work follow each other under one lock.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, OperationalError
from django.db.models import F

from contacts.errors import NotAllowed
from core import counters
from core.file_store import StoreUnavailable
from tenants.isolation.context import tenant_context

log = logging.getLogger(__name__)
TIME_SLICE_SECONDS = 5.0
MOST_ATTEMPTS = 3


def work(
    tenant_id: int, pk: int, *, model: Any, step: Callable[[Any], bool], fail: Callable[[Any, str], None],
    again: Callable[[], None],
) -> None:  # fmt: skip
    """Run steps until the time slice ends, then enqueue the rest by `again`. Safe to run any number of times, side by side.

    `step` says whether there is more to do; `fail` ends the work with a reason. Rows of `model` have `attempts`, and states
    of which those in ACTIVE are under way.
    """
    until = time.monotonic() + TIME_SLICE_SECONDS
    while _guarded(tenant_id, pk, model, step, fail):
        if time.monotonic() > until:
            with tenant_context(tenant_id):
                again()
            return


def _guarded(
    tenant_id: int, pk: int, model: Any, step: Callable[[Any], bool], fail: Callable[[Any, str], None]
) -> bool:
    """One step; False when there is nothing to do here now."""
    try:
        with tenant_context(tenant_id):
            job = _claimed(model, pk)
            if job is None:
                return False
            if job.attempts >= MOST_ATTEMPTS:
                counters.count("job_failures", model._meta.db_table)
                fail(job, "One step failed three times. See the server log for the reason.")
                return False
            model._base_manager.filter(pk=pk).update(attempts=job.attempts + 1)
        with tenant_context(tenant_id):
            job = _claimed(model, pk)
            return job is not None and step(job)
    except OperationalError:
        raise  # the database has gone, or two transactions met: a sweep finds the work again
    except StoreUnavailable as problem:
        log.warning("%s %s of workspace %s waits for its file: %s", model.__name__, pk, tenant_id, problem)
        with tenant_context(tenant_id):  # which is not the step's fault
            model._base_manager.filter(pk=pk).update(attempts=F("attempts") - 1)
        return False
    except (NotAllowed, DatabaseError) as problem:
        if isinstance(problem, DatabaseError):
            log.exception("%s %s of workspace %s", model.__name__, pk, tenant_id)
        counters.count("job_failures", model._meta.db_table)
        with tenant_context(tenant_id):
            fail(
                model._base_manager.get(pk=pk),
                str(problem) if isinstance(problem, NotAllowed) else type(problem).__name__,
            )
        return False


def _claimed(model: Any, pk: int) -> Any:
    """The row of the work, locked for this transaction; None when it has ended or another worker has it."""
    return model._base_manager.filter(pk=pk, state__in=model.ACTIVE).select_for_update(skip_locked=True).first()
