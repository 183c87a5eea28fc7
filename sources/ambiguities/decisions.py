"""What a member decides about an ambiguity: which contact it is, that the contacts are one, or that it stays open. Each
decision says by whom and when, is in the audit log, and can be undone for UNDO_DAYS."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from contacts import write_lock
from contacts.duplicates import merge
from contacts.errors import NotAllowed
from contacts.models import Contact
from imports.models import Import, RejectedRow
from imports.results import corrections
from sources.models import Ambiguity, AmbiguityState
from tenants import audit, pending_work
from tracking import claims
from tracking.models import Visitor

UNDO_DAYS = 30
MERGE, LEAVE = "merge", "leave"


def candidates(one: Ambiguity) -> list[Contact]:
    """The living contacts that it could be, the first made first; of merged ones what they have become part of."""
    ids = {c["contact"] for c in one.candidates}
    found = {merge.current_contact(c).pk for c in Contact.objects.filter(pk__in=ids)}
    return list(Contact.objects.living().filter(pk__in=found).order_by("pk"))


def decide(ambiguity_id: int, choice: str, *, user_id: int) -> Ambiguity:
    """Decide: the number of a contact, MERGE or LEAVE. Twice changes nothing. Raises Ambiguity.DoesNotExist, NotAllowed."""
    write_lock_held()
    one: Ambiguity = Ambiguity.objects.select_for_update().get(pk=ambiguity_id)
    if one.state == AmbiguityState.DECIDED:
        return one
    now = timezone.now()
    if choice == LEAVE:
        _note(one, AmbiguityState.LEFT, user_id=user_id, now=now)
        audit.record("ambiguity.left", user_id=user_id, target=_target(one))
        return one
    contacts = candidates(one)
    if choice == MERGE:
        made = merge.merge([c.pk for c in contacts], user_id=user_id)
        one.merge_id = made.pk if made else None
        contact_id = made.contact_id if made else contacts[0].pk if contacts else 0
    else:
        contact_id = next((c.pk for c in contacts if str(c.pk) == choice), 0)
    if not contact_id:
        raise NotAllowed("Choose one of these contacts. It may have been deleted since this page was loaded.")
    one.undo = _apply(one, contact_id, now=now)
    one.contact_id = contact_id
    _note(one, AmbiguityState.DECIDED, user_id=user_id, now=now)
    audit.record("ambiguity.decided", user_id=user_id, target=_target(one), contact=contact_id, merge=one.merge_id)
    return one


def undo(ambiguity_id: int, *, user_id: int) -> Ambiguity:
    """Reverse a decision, and open it again. Twice changes nothing. Raises Ambiguity.DoesNotExist, NotAllowed."""
    write_lock_held()
    one: Ambiguity = Ambiguity.objects.select_for_update().get(pk=ambiguity_id)
    if one.state == AmbiguityState.OPEN:
        return one
    if one.state == AmbiguityState.DECIDED:
        _refuse_undo(one)
        _reverse(one, user_id=user_id)
    one.state = AmbiguityState.OPEN
    one.contact_id = one.merge_id = one.decided_by_id = one.decided_at = None
    one.undo = {}
    one.save()
    audit.record("ambiguity.undone", user_id=user_id, target=_target(one))
    pending_work.mark_pending(pending_work.IDENTITY)
    return one


def undo_until(one: Ambiguity) -> datetime | None:
    """Until when a member's decision can be undone; None when it is no member's."""
    if one.decided_by_id is None or one.decided_at is None:
        return None
    until: datetime = one.decided_at + timedelta(days=UNDO_DAYS)
    return until


def write_lock_held() -> None:
    """Take the write lock, which imports and hits take too. Raises NotAllowed while an import is writing."""
    if write_lock.lock().holder is not None:
        raise NotAllowed("An import is changing contacts right now. Try again when it has finished.")


def _apply(one: Ambiguity, contact_id: int, *, now: datetime) -> dict[str, Any]:
    """Do what was decided; returns what it takes to undo it."""
    if one.visitor_id is not None:
        if not claims.decide(one.visitor_id, contact_id, now=now):
            visitor = Visitor.objects.filter(pk=one.visitor_id).first()
            if visitor is None or visitor.contact_id != contact_id:
                raise NotAllowed(
                    "This visitor was matched with another contact, or deleted, since this page was loaded."
                )
        return {"visitor": one.visitor_id}
    imp = Import.objects.get(pk=one.import_id)
    if not corrections.is_correctable(imp) or not corrections.correct_row(imp, one.row_no or 0, {}, chosen=contact_id):
        raise NotAllowed("This row was corrected and imported, or its import undone, since this page was loaded.")
    corrections.recheck(imp, [one.row_no or 0])
    return {"row": one.row_no}


def _refuse_undo(one: Ambiguity) -> None:
    until = undo_until(one)
    if until is None:
        raise NotAllowed("No member decided this, so there is nothing to undo.")
    if until < timezone.now():
        raise NotAllowed(f"This decision can no longer be undone: it is more than {UNDO_DAYS} days old.")
    if one.import_id is not None:
        row = RejectedRow.objects.filter(import_id=one.import_id, row_no=one.row_no).first()
        if row is None:
            raise NotAllowed("This decision cannot be undone: the row is no longer stored.")
        if row.retried_in is not None:
            raise NotAllowed(f"The row was imported by import {row.retried_in}. Undo that import first.")


def _reverse(one: Ambiguity, *, user_id: int) -> None:
    if one.visitor_id is not None:
        visitor = Visitor.objects.filter(pk=one.visitor_id).first()
        if visitor is not None and visitor.contact_id is not None:
            claims.undo_decision(one.visitor_id, visitor.contact_id)
    else:
        corrections.correct_row(Import.objects.get(pk=one.import_id), one.row_no or 0, {}, chosen=None)
    if one.merge_id is not None:
        merge.undo(one.merge_id, user_id=user_id)


def _note(one: Ambiguity, state: AmbiguityState, *, user_id: int, now: datetime) -> None:
    one.state, one.decided_by_id, one.decided_at = state, user_id, now
    one.save()


def _target(one: Ambiguity) -> str:
    return f"visitor {one.visitor_id}" if one.visitor_id else f"row {one.row_no} of import {one.import_id}"
