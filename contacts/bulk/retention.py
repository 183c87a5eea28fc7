"""Kinds of retention whose contacts go by a bulk action: it knows how to go on after a kill, and how it is undone."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone

from contacts.bulk import actions
from contacts.models import BulkAction, BulkState
from tenants.retention.kinds import Kind, Step


class KindByAction(Kind):
    """A kind with contacts. The run begins an action, waits for it, and counts what it has done."""

    nouns = ("contact", "contacts")
    # The key of the action in settings.EXTENSIONS["bulk_actions"].
    action: ClassVar[str]

    def step(self, *, before: datetime, progress: dict[str, Any]) -> Step:
        if "action" not in progress:
            return self._begin(before)
        action: BulkAction | None = BulkAction.objects.filter(pk=progress["action"]).first()
        if action is not None and action.active:
            return Step(0, is_over=False, waits=True, progress=progress)
        done, failed = (action.done, action.state == BulkState.FAILED) if action else (0, False)
        return Step(done, is_over=True, problem=action.error[:300] if action and failed else "")

    def _begin(self, before: datetime) -> Step:
        if not self.find(before=before, most=1):
            return Step(0, is_over=True)
        days = (timezone.now() - before) // timedelta(days=1)
        action = actions.begin(self.action, {}, user_id=None, before=before.isoformat(), days=days)
        return Step(0, is_over=False, waits=True, progress={"action": action.pk})


def moment_of(action: BulkAction) -> datetime:
    """Before which moment a contact has to be for such an action."""
    return datetime.fromisoformat(action.options["before"])
