"""Syncs as people make and change them: what is checked, and what the audit log keeps. Everything that a page does is here.

    create, edit, start, run_now, dry_run, full_resync, enable, disable, repair, delete      what buttons do
    listing, summary, runs, batches_of                                                       what lists show
    destinations.review                                                                      before the first run
    destinations.connections                                                                 destinations

Every function works in the transaction of a request and talks to nobody: work is done by workers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any, NamedTuple

from django.utils import timezone

from audiences import contact_lists
from audiences.contact_lists import ContactList
from destinations import endings, kinds, sweep, told
from destinations.models import (
    BatchState,
    Destination,
    DestinationState,
    RunKind,
    RunState,
    Schedule,
    Sync,
    SyncBatch,
    SyncMember,
    SyncRun,
    SyncState,
)
from destinations.runs import wake
from tenants import audit, pending_work
from tenants.models import User

MOST = 100


class BadSync(ValueError):
    """A sync that cannot be, or cannot do this now: a sentence for people, and which field it is about ('' for none)."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


# --- made and changed ---------------------------------------------------------------------------------------------------


def create(
    destination: Destination, of: ContactList, *, name: str, target: Mapping[str, Any], schedule: str = Schedule.HOURLY,
    daily_at: time | None = None, user: User, token: str | None = None,
) -> Sync:  # fmt: skip
    """Make a draft: nothing is sent before `start`. `target` is the list at the destination, as the kind's form says
    (TARGET). Raises BadSync."""
    if token and (made := Sync.objects.filter(token=token).first()):
        return made  # type: ignore[no-any-return]
    if Sync.objects.filter(archived_at=None).count() >= MOST:
        raise BadSync(f"This workspace has {MOST} data syncs, which is the limit. Delete one that is not used.")
    if contact_lists.find(of) is None:
        raise BadSync("Choose a list that exists.", "list")
    sync = Sync(
        destination_id=destination.pk, list_kind=of.kind, list_id=of.pk, created_by=user, token=token,
        settings=_target(destination, target),
    )  # fmt: skip
    _refuse_twins(sync)
    _name(sync, name)
    _schedule(sync, schedule, daily_at)
    sync.save()
    pending_work.mark_pending(sweep.WAKE)
    _record("created", sync, user, list=f"{of.kind} {of.pk}")
    return sync


def edit(sync: Sync, *, name: str, schedule: str, daily_at: time | None = None, user: User) -> None:
    """Change the name and the schedule. Another list or destination is another sync. Raises BadSync."""
    _name(sync, name)
    _schedule(sync, schedule, daily_at)
    if sync.state in (SyncState.HEALTHY, SyncState.PENDING):
        sync.next_run_at = endings.next_run(sync, now=timezone.now())
    sync.save(update_fields=["name", "schedule", "daily_at", "next_run_at"])
    _record("changed", sync, user, schedule=schedule)


def _target(destination: Destination, target: Mapping[str, Any]) -> dict[str, Any]:
    form, given = kinds.form(destination.kind), {}
    for field in form.TARGET:
        value = str(target.get(field.key) or "").strip()
        if field.required and not value:
            raise BadSync(f"Fill in “{field.label}”.", field.key)
        given[field.key] = value
    try:
        form.clean_target(given)
    except ValueError as problem:
        raise BadSync(str(problem)) from None
    return given


def _refuse_twins(sync: Sync) -> None:
    """Two syncs into one list would take out each other's people, also by two connections to one account."""
    own = Destination.objects.get(pk=sync.destination_id)
    same_account = Destination.objects.filter(kind=own.kind, settings=own.settings).values("pk")
    same = Sync.objects.filter(destination_id__in=same_account, archived_at=None, settings=sync.settings)
    if sync.settings and same.exists():
        raise BadSync("Another data sync uses this list. Two would remove each other's contacts.")


def _name(sync: Sync, name: str) -> None:
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise BadSync("Enter a name of up to 120 characters.", "name")
    if Sync.objects.filter(name=name, archived_at=None).exclude(pk=sync.pk).exists():
        raise BadSync("Another data sync has this name. Choose another one.", "name")
    sync.name = name


def _schedule(sync: Sync, schedule: str, daily_at: time | None) -> None:
    if schedule not in Schedule.values:
        raise BadSync("Choose a schedule.", "schedule")
    sync.schedule, sync.daily_at = schedule, daily_at if schedule == Schedule.DAILY else None


# --- what buttons do ----------------------------------------------------------------------------------------------------


def start(sync: Sync, *, user: User) -> None:
    """The first run of a draft, and from then on by its schedule. Raises BadSync."""
    if sync.state != SyncState.DRAFT:
        raise BadSync("This data sync was started already.")
    _begin(sync, RunKind.NORMAL, user)
    _record("started", sync, user)


def run_now(sync: Sync, *, user: User) -> None:
    """A run as soon as possible. Raises BadSync."""
    _refuse_unless(sync, SyncState.HEALTHY, SyncState.PENDING, SyncState.RUNNING)
    _begin(sync, RunKind.NORMAL, user)
    _record("run", sync, user)


def dry_run(sync: Sync, *, user: User) -> None:
    """A run that sends nothing: its figures say what one would do. Raises BadSync."""
    if sync.state == SyncState.REMOVING:
        raise BadSync("This data sync is being removed.")
    sweep.begin(sync, kind=RunKind.DRY, user_id=user.pk)
    pending_work.mark_pending(sweep.WAKE)
    wake(sync.pk)


def full_resync(sync: Sync, *, user: User) -> None:
    """A run that tells everybody of the list again. Raises BadSync."""
    _refuse_unless(sync, SyncState.HEALTHY, SyncState.PENDING, SyncState.RUNNING)
    _begin(sync, RunKind.FULL, user)
    _record("full_resync", sync, user)


def disable(sync: Sync, *, user: User) -> None:
    """Stop sending. Whoever may no longer be there is still taken out. Raises BadSync."""
    _refuse_unless(sync, SyncState.HEALTHY, SyncState.PENDING, SyncState.RUNNING, SyncState.FAILED)
    now = timezone.now()
    SyncRun.objects.filter(sync_id=sync.pk, state__in=SyncRun.ACTIVE).exclude(kind=RunKind.REMOVAL).update(
        state=RunState.FAILED, ended_at=now, error="The data sync was disabled."
    )
    sync.state, sync.next_run_at, sync.retry_at, sync.attempts = SyncState.DISABLED, None, None, 0
    sync.save(update_fields=["state", "next_run_at", "retry_at", "attempts"])
    _record("disabled", sync, user)


def enable(sync: Sync, *, user: User) -> None:
    """Go on after `disable`, with a run. Raises BadSync."""
    _refuse_unless(sync, SyncState.DISABLED)
    _begin(sync, RunKind.NORMAL, user)
    _record("enabled", sync, user)


def repair(sync: Sync, *, user: User) -> None:
    """Try again after a failure. Raises BadSync."""
    _refuse_unless(sync, SyncState.FAILED)
    destination = Destination.objects.get(pk=sync.destination_id)
    if not destination.secret:
        raise BadSync("Connect its destination again first.")
    Destination.objects.filter(pk=destination.pk).update(state=DestinationState.CONNECTED, error="")
    _begin(sync, RunKind.NORMAL, user)
    _record("repaired", sync, user)


def delete(sync: Sync, *, user: User, keep_people: bool = False) -> None:
    """Stop and remove: first everybody is taken out of the list at the destination, then the sync is gone. `keep_people`
    leaves them there, which is the only way where the connection no longer works: what was told of them is forgotten, so
    nobody can be taken out afterwards."""
    SyncRun.objects.filter(sync_id=sync.pk, state__in=SyncRun.ACTIVE).update(
        state=RunState.FAILED, ended_at=timezone.now(), error="The data sync was removed."
    )
    nobody = not SyncMember.objects.filter(sync_id=sync.pk).exists()
    if keep_people or nobody:
        _forget(sync)
    else:
        sync.state, sync.next_run_at, sync.retry_at, sync.attempts, sync.error = SyncState.REMOVING, None, None, 0, ""
        sync.save(update_fields=["state", "next_run_at", "retry_at", "attempts", "error"])
        SyncRun.objects.create(sync_id=sync.pk, kind=RunKind.NORMAL, created_by=user)
        pending_work.mark_pending(sweep.WAKE)
        wake(sync.pk)
    _record("removed", sync, user, kept_people=keep_people)


def _forget(sync: Sync) -> None:
    told.forget_all(sync.pk)
    SyncBatch.objects.filter(sync_id=sync.pk, state__in=SyncBatch.OPEN).update(
        state=BatchState.FAILED, contact_ids=[], keys=[], error="The data sync was removed."
    )
    sync.archived_at = timezone.now()
    sync.save(update_fields=["archived_at"])


def take_out_soon(sync: Sync) -> None:
    """Somebody was told who may no longer be."""
    Sync.objects.filter(pk=sync.pk, removal_since=None).update(removal_since=timezone.now())
    pending_work.mark_pending(sweep.WAKE)


def _begin(sync: Sync, kind: str, user: User) -> None:
    if contact_lists.find(ContactList(sync.list_kind, sync.list_id)) is None:
        raise BadSync("The list of this data sync no longer exists.")
    if sync.state != SyncState.RUNNING:
        sync.state = SyncState.PENDING
    sync.error, sync.retry_at, sync.attempts = "", None, 0
    sync.save(update_fields=["state", "error", "retry_at", "attempts"])
    sweep.begin(sync, kind=kind, user_id=user.pk)
    pending_work.mark_pending(sweep.WAKE)
    wake(sync.pk)


def _refuse_unless(sync: Sync, *states: str) -> None:
    if sync.state not in states:
        raise BadSync(f"This is not possible while a data sync is {SyncState(sync.state).label.lower()}.")


def _record(verb: str, sync: Sync, user: User, **detail: object) -> None:
    audit.record(f"sync.{verb}", user_id=user.pk, target=f"sync {sync.pk}", name=sync.name, **detail)


# --- what lists show ----------------------------------------------------------------------------------------------------


class Summary(NamedTuple):
    """A row of the list, `of` what it sends. `last_run` is the last one that sent or took out somebody;
    `waits_for_removal`: since when somebody was to be taken out and could not be yet; `can` has the names of what is
    possible now."""

    sync: Sync
    destination: Destination
    kind_label: str
    list_name: str
    of: ContactList | None
    last_run: SyncRun | None
    next_run_at: datetime | None
    waits_for_removal: datetime | None
    can: frozenset[str]

    @property
    def list_url(self) -> str:
        """The page of the list, for a page of the same workspace; empty where the list no longer exists."""
        return contact_lists.url_of(self.of) if self.of else ""


_CAN = {
    SyncState.DRAFT: ("start", "dry_run", "edit", "delete"),
    SyncState.PENDING: ("run_now", "full_resync", "dry_run", "disable", "edit", "delete"),
    SyncState.RUNNING: ("disable", "edit", "delete"),
    SyncState.HEALTHY: ("run_now", "full_resync", "dry_run", "disable", "edit", "delete"),
    SyncState.DISABLED: ("enable", "dry_run", "edit", "delete"),
    SyncState.FAILED: ("repair", "disable", "edit", "delete"),
    SyncState.REMOVING: ("delete",),
}


def present() -> Any:
    """The query of syncs that were not removed."""
    return Sync.objects.filter(archived_at=None)


def listing(query: str = "", *, destination_id: int | None = None) -> list[Summary]:
    """All syncs by name; those whose name has `query` in it."""
    found = present().order_by("name", "pk")
    if query:
        found = found.filter(name__icontains=query)
    if destination_id is not None:
        found = found.filter(destination_id=destination_id)
    return summaries(list(found[: 2 * MOST]))


def summary(sync: Sync) -> Summary:
    """What the page of a sync shows at its top."""
    return summaries([sync])[0]


def summaries(syncs: Sequence[Sync]) -> list[Summary]:
    """Rows of syncs, with a few queries in all."""
    destinations = Destination.objects.in_bulk([sync.destination_id for sync in syncs])
    lists = [ContactList(sync.list_kind, sync.list_id) for sync in syncs]
    names = contact_lists.names(lists)
    last: dict[int, SyncRun] = {}
    ran = SyncRun.objects.filter(sync_id__in=[sync.pk for sync in syncs]).exclude(kind=RunKind.DRY)
    for run in ran.order_by("sync_id", "-pk").distinct("sync_id"):
        last[run.sync_id] = run
    return [
        Summary(
            sync, destinations[sync.destination_id], kinds.of(destinations[sync.destination_id].kind).label,
            names.get(of, "A list that no longer exists"), of if of in names else None,
            last.get(sync.pk), sync.retry_at or sync.next_run_at, sync.removal_since, frozenset(_CAN[SyncState(sync.state)]),
        )
        for sync, of in zip(syncs, lists, strict=True)
    ]  # fmt: skip


def runs(sync: Sync, *, before: int | None = None, count: int = 20) -> list[SyncRun]:
    """The runs of a sync, the latest first; `before` is the ID of the last one that was shown."""
    found = SyncRun.objects.filter(sync_id=sync.pk)
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[:count])


def batches_of(run: SyncRun, *, after: int = 0, count: int = 50) -> list[SyncBatch]:
    """The requests of a run, in order; `after` is the place of the last one that was shown."""
    return list(SyncBatch.objects.filter(run_id=run.pk, place__gt=after).order_by("place")[:count])
