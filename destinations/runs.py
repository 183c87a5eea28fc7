"""A run of a sync, from the first comparison to its figures: first who goes, then who is different, then who comes.

Everything is compared again when a run goes on, so it may be interrupted at any point: what was told is known
(destinations.told), and what may have arrived is sent again (destinations.batches). While a request is on its way, the next
one is written.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from django.db import OperationalError
from django.db.models import F
from django.utils import timezone

from audiences import contact_lists
from audiences.contact_lists import ContactList
from core import encryption
from destinations import batches, connections, difference, endings, kinds, lease, replacing
from destinations.batches import Prepared, Work
from destinations.difference import Difference
from destinations.kinds import Busy, Expired, Outcome, Refused
from destinations.lease import SENDING, Lost
from destinations.models import BatchState, RunKind, RunState, SyncBatch, SyncRun, SyncState
from tenants.isolation.context import current_tenant, tenant_context
from tenants.tasks import defer

log = logging.getLogger(__name__)
TASK = "destinations.work"
SLICE_SECONDS = 100.0


class Stopped(Exception):
    """The time is over; the rest is for another turn."""


class Paused(Busy):
    """Our own limits say that it is too early for the next request."""


def work(tenant_id: int, sync_id: int) -> None:
    """Work on a sync for a while. Safe to run any number of times, side by side."""
    taken = lease.take(tenant_id, sync_id)
    if taken is None:
        return
    token, job = taken
    try:
        with connections.opened(job.destination, job.sync) as client:
            Worker(tenant_id, token, job, client).go()
    except Stopped:
        with tenant_context(tenant_id):
            defer(TASK, tenant_id=tenant_id, sync_id=sync_id)
    except Lost:
        pass
    except Busy as problem:
        with tenant_context(tenant_id):
            endings.postpone(job, str(problem), seconds=problem.seconds, failed=not isinstance(problem, Paused))
    except (Expired, encryption.Unreadable) as problem:
        with tenant_context(tenant_id):
            endings.expire(job, str(problem))
    except Refused as problem:
        with tenant_context(tenant_id):
            endings.fail(job, str(problem))
    except OperationalError:
        raise  # the database has gone, or two transactions met: a sweep finds the work again
    except Exception:
        log.exception("sync %s of workspace %s", sync_id, tenant_id)
        with tenant_context(tenant_id):
            endings.postpone(job, "Something went wrong here. See the server log for the reason.", failed=True)
    finally:
        lease.let_go(tenant_id, token, job)


class Worker:
    """Who has the lease of a sync, and a connection to its destination."""

    def __init__(self, tenant_id: int, token: str, job: Work, client: Any) -> None:
        self.tenant_id, self.token, self.job, self.client = tenant_id, token, job, client
        self.kind = kinds.of(job.destination.kind)
        self.until = time.monotonic() + SLICE_SECONDS

    def go(self) -> None:
        """Work on the run until it has ended. Raises Stopped, Lost, and what a client raises."""
        if self.job.run.kind == RunKind.DRY:
            self._try_out()
            return
        if self.kind.replaces:
            if self.job.run.state == RunState.RUNNING:
                self.list_exists()
                replacing.run(self)
                self._end()
            return
        self._settle()
        if self.job.run.state != RunState.RUNNING:
            with self.transaction() as now:
                endings.settled(now)
            return
        self.list_exists()
        only_forbidden = self.job.run.kind == RunKind.REMOVAL
        if not only_forbidden:
            self.client.check()
        self._send(
            lambda at: at.leaving(self._after, only_forbidden=only_forbidden),
            batches.take_out,
            share=self.kind.limits.members,
        )
        if not only_forbidden and self.job.sync.state != SyncState.REMOVING:
            self._send(lambda at: at.changed(self._after), batches.take_back, share=self.kind.limits.members)
            self._send(lambda at: at.coming(self._after), batches.add, share=self.kind.limits.members)
        self._end()

    def transaction(self) -> AbstractContextManager[Work]:
        """A transaction under the lease."""
        return lease.transaction(self.tenant_id, self.token, self.job)

    # --- what was being sent before -------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Send again what may have arrived or not, and ask for results that are due. Where only people are taken out, what
        was to bring people waits."""
        with self.transaction() as now:
            found = SyncBatch.objects.filter(sync_id=self.job.sync.pk, state__in=SyncBatch.OPEN).order_by("pk")
            if now.sync.state not in SENDING:
                found = found.exclude(state=BatchState.SENDING, removes=False)
            open_ones = list(found)
        for batch in open_ones:
            if batch.state == BatchState.SENDING:
                with self.transaction() as now:
                    self._pace(now)
                    prepared = batches.again(now, batch)
                self._take(prepared, partial(self._ask, prepared))
            elif batch.next_look_at is not None and batch.next_look_at <= timezone.now():
                self._look(batch)

    def _look(self, batch: SyncBatch) -> None:
        try:
            outcome = self.client.result(batch.request_id)
        except Refused as problem:
            with self.transaction():
                batches.refused(batch, str(problem))
            raise
        with self.transaction():
            batches.confirmed(batch, outcome)

    # --- one phase ------------------------------------------------------------------------------------------------------

    def _send(
        self,
        page: Callable[[Difference], list[int]],
        prepare: Callable[[Work, list[int]], Prepared | None],
        *,
        share: int,
    ) -> None:
        """Compare page by page, and send what is found in requests about so many people."""
        waiting: tuple[Prepared, Future[Outcome]] | None = None
        self._after = 0
        with ThreadPoolExecutor(1) as line:
            for ids in self._pages(page):
                for start in range(0, len(ids), share):
                    prepared = self._prepare(prepare, ids[start : start + share])
                    self._finish(waiting)
                    waiting = None
                    if prepared is not None and prepared.parcel is not None:
                        waiting = (prepared, line.submit(self._ask, prepared))
                    elif prepared is not None:
                        self._answered(prepared, Outcome())
                    if time.monotonic() > self.until:
                        self._finish(waiting)
                        raise Stopped
            self._finish(waiting)

    def _pages(self, page: Callable[[Difference], list[int]]) -> Iterator[list[int]]:
        while True:
            with self.transaction() as now:
                ids = page(Difference.of(now.sync, now.destination))
            if ids:
                yield ids
                self._after = ids[-1]
            if len(ids) < difference.PAGE:
                return

    def _prepare(self, prepare: Callable[[Work, list[int]], Prepared | None], ids: list[int]) -> Prepared | None:
        with self.transaction() as now:
            self.is_wanted(now)
            self._pace(now)
            SyncRun.objects.filter(pk=now.run.pk).update(read=F("read") + len(ids))
            return prepare(now, ids)

    def _finish(self, waiting: tuple[Prepared, "Future[Outcome]"] | None) -> None:
        if waiting is not None:
            self._take(waiting[0], waiting[1].result)

    def _take(self, prepared: Prepared, answer: Callable[[], Outcome]) -> None:
        """Wait for the answer to a request, and keep it."""
        try:
            outcome = answer()
        except Refused as problem:
            with self.transaction():
                batches.refused(prepared.batch, str(problem))
            raise
        self._answered(prepared, outcome)

    def _ask(self, prepared: Prepared) -> Outcome:
        outcome: Outcome = self.client.send(prepared.parcel) if prepared.parcel else Outcome()
        return outcome

    def _answered(self, prepared: Prepared, outcome: Outcome) -> None:
        with self.transaction() as now:
            batches.answered(prepared.batch, outcome)
            if now.sync.attempts:
                type(now.sync).objects.filter(pk=now.sync.pk).update(attempts=0, error="")

    def is_wanted(self, now: Work) -> None:
        """Raise Lost where somebody has stopped the sync meanwhile."""
        if now.run.kind != RunKind.REMOVAL and now.sync.state not in (*SENDING, SyncState.REMOVING):
            raise Lost

    def _pace(self, now: Work) -> None:
        if seconds := batches.seconds_to_wait(now.destination, now=timezone.now()):
            raise Paused("The limit of requests is reached. The run goes on by itself.", seconds=seconds)

    def list_exists(self) -> None:
        with self.transaction() as now:
            of = ContactList(now.sync.list_kind, now.sync.list_id)
            gone = contact_lists.find(of) is None
        if gone and now.run.kind != RunKind.REMOVAL and now.sync.state != SyncState.REMOVING:
            raise Refused("The list of this data sync no longer exists. Create a new data sync for another list.")

    # --- the end --------------------------------------------------------------------------------------------------------

    def _try_out(self) -> None:
        """What a run would do, in figures, without sending anything."""
        self.client.check()
        with self.transaction() as now:
            endings.try_out(now)

    def _end(self) -> None:
        with self.transaction() as now:
            endings.end(now)


def wake(sync_id: int) -> None:
    """Let a worker look at a sync, once the transaction has committed."""
    defer(TASK, tenant_id=current_tenant(), sync_id=sync_id)
