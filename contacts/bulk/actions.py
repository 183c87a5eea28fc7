"""What is done to many contacts: gathered once, then worked off in steps of one transaction each (docs/bulk-actions.md).

Whom an action is about is noted in `bulk_item` when it begins; each step takes the next contacts in the order of their
IDs, looks again whether the action still makes sense for them, and counts. The lock on the action's row is the lease: it
goes with the worker's connection, so a killed worker loses one step and a second one cannot repeat it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone

from contacts import change_log, extensions, leased_job, write_lock
from contacts.bulk import queries
from contacts.listing import contact_list
from contacts.listing.contact_list import ListQuery
from contacts.models import BulkAction, BulkItem, BulkState, Contact, ItemState
from tenants import audit, outbox, pending_work
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant
from tenants.tasks import defer
from tenants.web import workspace_urls

WAKE, TASK = "bulk", "contacts.bulk.actions"
STEP = 5_000


@dataclass(frozen=True)
class Effect:
    """One line of a preview: an icon, a text and a number."""

    icon: str
    text: str
    count: int


class BulkActionType:
    """One kind of action. A subclass says whom it is about, what it does, how that is undone, and all its texts."""

    # Texts of the pages: on the button, of what was done ("deleted"), the icon, and what it does to the contacts.
    label: ClassVar[str]
    past: ClassVar[str]
    icon: ClassVar[str]
    effect: ClassVar[str] = ""
    # How it runs and whether it can be undone, above the button.
    promise: ClassVar[str] = (
        "This runs in the background and you can watch its progress. You can undo it later, except for contacts that have "
        "changed in the meantime."
    )
    # The template of what is to be chosen first, and whether the button warns.
    choices_template: ClassVar[str] = ""
    danger: ClassVar[bool] = False
    # Whether it can be undone.
    undoable: ClassVar[bool] = True
    # Whether it can be stopped on the way: what is half done must make sense.
    stoppable: ClassVar[bool] = True
    # What it counts, and how many of them it does in one transaction (0: as many as usual).
    noun: ClassVar[str] = "contact"
    size: ClassVar[int] = 0
    # Whether it writes contacts, so that plans made before are out of date.
    writes: ClassVar[bool] = True
    # Whether it makes sense without a contact.
    needs_contacts: ClassVar[bool] = True
    # The permission that it needs beside that to see contacts.
    permission: ClassVar[str] = "contacts.edit"

    def asking(self, count: int) -> str:
        """The words of the button that begins it, with its number: "Unsubscribe 24 contacts"."""
        verb, _blank, rest = self.label.partition(" ")
        return f"{verb} {count:,} {self.noun}{'s' if count != 1 else ''}{f' {rest}' if rest else ''}"

    def effects(self, selected: int, count: int, **_options: Any) -> list[Effect]:
        """What it would do, in lines with a number each: to `count` of the `selected` contacts."""
        return [Effect("users", "Selected", selected), Effect(self.icon, self.effect, count)]

    def options(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """What was chosen on its form; None when something is missing that must be chosen."""
        return {}

    @property
    def done_label(self) -> str:
        """What the number of contacts that it was done to is called."""
        return self.past[:1].upper() + self.past[1:]

    def gather(self, action: BulkAction) -> int:
        """Note whom the action is about; returns how many."""
        return queries.gather(action.pk, self.wanted(selected(action.selection)).values("pk"))

    def wanted(self, contacts: Any) -> Any:
        """Those of the selected contacts for which the action makes sense: a query."""
        return contacts

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        """Do it to the contacts, as far as it still makes sense; returns the IDs of those that it was done to."""
        raise NotImplementedError

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        """Take it back for the contacts, as far as nobody has changed them since; returns the IDs."""
        raise NotImplementedError

    def finish(self, action: BulkAction) -> None:
        """What is left to do when all contacts are through, or all there is to do for a kind that notes no contacts."""

    def abandon(self, action: BulkAction) -> None:
        """What is left to do when the action has failed or was canceled: `finish` may have been killed half-way."""


def action_types() -> dict[str, BulkActionType]:
    """All kinds by their key (contacts.extensions)."""
    return {key: made() for key, made in extensions.bulk_actions().items()}


def selected(selection: dict[str, Any]) -> Any:
    """The contacts that a selection names: a list of IDs, or everything that a list of contacts shows."""
    if "ids" in selection:
        return Contact.objects.filter(pk__in=selection["ids"])
    region = Tenant.objects.get(pk=current_tenant()).country or None
    return contact_list.matching(ListQuery.of(selection, region=region))


def begin(
    kind: str, selection: dict[str, Any], *, user_id: int | None, token: str | None = None, **options: Any
) -> BulkAction:
    """Start an action, of nobody where a rule does it; the same token again finds the first one, so that a double click is
    one action."""
    if token:
        known: BulkAction | None = BulkAction.objects.filter(token=token).first()
        if known is not None:
            return known
    action: BulkAction = BulkAction.objects.create(
        kind=kind, selection=selection, options=options, created_by_id=user_id, token=token
    )
    audit.record(f"bulk.{kind}", user_id=user_id, target=f"bulk action {action.pk}", asked=selection, options=options)
    send(action)
    return action


def undo(action_id: int, *, user_id: int) -> BulkAction:
    """Request the undo of an action; once it is under way or done, a further request changes nothing."""
    action: BulkAction = BulkAction.objects.select_for_update().get(pk=action_id)
    if action.state in (BulkState.DONE, BulkState.CANCELED) and action_types()[action.kind].undoable:
        action.state, action.cursor, action.attempts = BulkState.UNDOING, 0, 0
        action.save()
        audit.record("bulk.undo", user_id=user_id, target=f"bulk action {action.pk}", kind=action.kind)
        send(action)
    return action


def items_in(action: BulkAction, state: str, count: int) -> list[int]:
    """The first contacts of an action in a state (BulkItem.state)."""
    items = BulkItem.objects.filter(bulk_id=action.pk, state=state).order_by("contact_id")
    return list(items.values_list("contact_id", flat=True)[:count])


def cancel(action_id: int, *, user_id: int) -> BulkAction:
    """Stop an action after the step that is running; what was done stays and can be undone."""
    action: BulkAction = BulkAction.objects.select_for_update().get(pk=action_id)
    if action.state in (BulkState.GATHERING, BulkState.WORKING) and action_types()[action.kind].stoppable:
        action.state, action.finished_at = BulkState.CANCELED, timezone.now()
        action.save()
        action_types()[action.kind].abandon(action)
        audit.record("bulk.cancel", user_id=user_id, target=f"bulk action {action.pk}", kind=action.kind)
    return action


def send(action: BulkAction) -> None:
    """Tell a worker, once the transaction has committed."""
    pending_work.mark_pending(WAKE)
    defer(TASK, tenant_id=current_tenant(), bulk_id=action.pk)


def work(tenant_id: int, bulk_id: int) -> None:
    """Work on an action for a while. Safe to run any number of times, side by side."""
    leased_job.work(
        tenant_id, bulk_id, model=BulkAction, step=_step,
        fail=lambda action, why: _end(action, BulkState.FAILED, error=why),
        again=lambda: defer(TASK, tenant_id=tenant_id, bulk_id=bulk_id),
    )  # fmt: skip


def wake_active(tenant_id: int) -> None:
    """Tell workers about every action of a workspace that is under way; forget the workspace when there is none."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        active = list(BulkAction.objects.filter(state__in=BulkAction.ACTIVE).order_by("pk")[:50])
        if not active:
            pending_work.clear_pending(WAKE, seen_at=seen_at)
        for action in active:
            defer(TASK, tenant_id=tenant_id, bulk_id=action.pk)


def _step(action: BulkAction) -> bool:
    kind = action_types()[action.kind]
    action.attempts = 0
    if action.state == BulkState.GATHERING:
        action.total, action.state, action.started_at = kind.gather(action), BulkState.WORKING, timezone.now()
        action.save()
        return True
    undoing = action.state == BulkState.UNDOING
    items = BulkItem.objects.filter(bulk_id=action.pk, contact_id__gt=action.cursor)
    items = items.filter(state=ItemState.DONE) if undoing else items.filter(state=None)
    ids = list(items.order_by("contact_id").values_list("contact_id", flat=True)[: kind.size or STEP])
    if not ids:
        kind.finish(action)
        _end(action, BulkState.UNDONE if undoing else BulkState.DONE)
        return False
    _work_off(action, ids, kind.undo if undoing else kind.step, undoing=undoing)
    action.cursor = ids[-1]
    action.save()
    return True


def _work_off(action: BulkAction, ids: list[int], act: Callable[..., list[int]], *, undoing: bool) -> None:
    write_lock.lock()
    now = timezone.now()
    done = act(action, ids, now=now)
    rest = list(set(ids).difference(done))
    items = BulkItem.objects.filter(bulk_id=action.pk)
    items.filter(contact_id__in=done).update(state=ItemState.UNDONE if undoing else ItemState.DONE)
    items.filter(contact_id__in=rest).update(state=ItemState.KEPT if undoing else ItemState.SKIPPED)
    if done and action_types()[action.kind].writes:
        change_log.note(done, now=now)
        write_lock.bump_version()
    if undoing:
        action.undone, action.kept = action.undone + len(done), action.kept + len(rest)
    else:
        action.done, action.skipped = action.done + len(done), action.skipped + len(rest)


def _end(action: BulkAction, state: BulkState, *, error: str = "") -> None:
    action.state, action.error, action.finished_at = state, error, timezone.now()
    action.save()
    if state == BulkState.FAILED:
        action_types()[action.kind].abandon(action)
    if action.created_by is not None:
        url = workspace_urls.inside(Tenant.objects.get(pk=current_tenant()).slug, "contacts:bulk_action", action.pk)
        outbox.put_notice(action.created_by, text=headline(action), url=url, tone="bad" if error else "ok")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def headline(action: BulkAction) -> str:
    """One sentence that says how it ended: "1,204 contacts deleted, 3 skipped"."""
    kind = action_types()[action.kind]
    if action.state == BulkState.FAILED:
        return f"{kind.label} failed after {_counted(action.done, kind.noun)}"
    if action.state == BulkState.UNDONE:
        return f"Undone for {_counted(action.undone, kind.noun)}" + (
            f", not for {action.kept:,}" if action.kept else ""
        )
    skipped = f", {action.skipped:,} skipped" if action.skipped else ""
    return f"{_counted(action.done, kind.noun)} {kind.past}{skipped}"
