"""What is done to many contacts of a large workspace at once: by the workers of the stack, timed from click to end."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import F

from benchmarks import imports
from benchmarks.imports import SEED, owner
from benchmarks.stack import Stack, peak
from cdp.demo import people
from contacts.bulk import actions
from contacts.models import BulkAction, Contact, EmailStatus
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

# One contact in so many has unsubscribed, and is deleted in bulk.
SILENT_EVERY = 20


@dataclass(frozen=True)
class Act:
    """One action: how many contacts it was done to, how long it took, and what the larger worker needed at most (MiB)."""

    what: str
    contacts: int
    seconds: float
    memory: float


def doubles(path: Path, count: int) -> None:
    """Write a file of people who are known already, with the addresses they have and IDs that nobody has."""

    def rows() -> Iterator[list[str]]:
        for number in range(count):
            yield [*people.row(number, SEED, 0)[:2], f"D-{number:08d}", *people.row(number, SEED, 0)[3:]]

    people.write(path, rows())


def measure(stack: Stack, tenant: Tenant, folder: Path, count: int) -> list[Act]:
    """Bring `count` doubles, let some unsubscribe, and do to many what the pages offer."""
    file = folder / "doubles.csv"
    doubles(file, count)
    imports.run(stack, tenant, file)
    with tenant_context(tenant.pk):
        some = Contact.objects.living().annotate(place=F("pk") % SILENT_EVERY).exclude(email=None)
        some.filter(place=0).update(email_status=EmailStatus.UNSUBSCRIBED)
    imports.settle(stack)
    acts = [act(stack, tenant, "Delete the unsubscribed", "delete", {"status": "email.unsubscribed"}, reason="Other")]
    acts += [act(stack, tenant, "Export all contacts", "export", {}, mode="safe")]
    removed = act(stack, tenant, "Delete duplicates by e-mail", "duplicates", {}, by="email", keep="earlier")
    return [*acts, removed, undo(stack, tenant, "Its undo")]


def act(stack: Stack, tenant: Tenant, what: str, kind: str, selection: dict[str, Any], **options: Any) -> Act:
    with peak(stack.workers) as memory:
        begun = time.perf_counter()
        with tenant_context(tenant.pk):
            made = actions.begin(kind, selection, user_id=owner().pk, **options)
        done = ended(tenant, made.pk)
        took = time.perf_counter() - begun
    return Act(what, done.done, took, memory.most)


def undo(stack: Stack, tenant: Tenant, what: str) -> Act:
    """Take the last action back."""
    with peak(stack.workers) as memory:
        begun = time.perf_counter()
        with tenant_context(tenant.pk):
            made = actions.undo(BulkAction.objects.latest("pk").pk, user_id=owner().pk)
        done = ended(tenant, made.pk)
        took = time.perf_counter() - begun
    return Act(what, done.undone, took, memory.most)


def ended(tenant: Tenant, action_id: int) -> BulkAction:
    """The action, once it has ended. Raises SystemExit when it fails."""
    while True:
        with tenant_context(tenant.pk):
            action: BulkAction = BulkAction.objects.get(pk=action_id)
        if not action.active:
            if action.error:
                raise SystemExit(f"{action.kind} failed: {action.error}")
            return action
        time.sleep(0.1)
