"""The kinds of bulk actions that change contacts themselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from contacts.bulk import queries
from contacts.bulk.actions import BulkActionType, Effect
from contacts.consent import address_status, suppression
from contacts.models import DELETION_REASONS, BulkAction, Contact, EmailStatus, PhoneStatus, StatusReason

# Whom the bulk delete may take out: people that cannot be written to anyway.
SILENT = Q(
    email_status__in=(
        EmailStatus.SPAM, EmailStatus.UNSUBSCRIBED, EmailStatus.BLACKLISTED, EmailStatus.NOT_CONFIRMED,
    ),
) & Q(email__isnull=False) | Q(phone__isnull=False, phone_status=PhoneStatus.BLACKLISTED)  # fmt: skip
REACHABLE = Q(email__isnull=False, email_status__in=(EmailStatus.ACTIVE, EmailStatus.NOT_CONFIRMED))


def lock_wanted(contacts: Any, ids: Sequence[int]) -> list[int]:
    """Those of the contacts that the query still finds, locked in the order of their IDs."""
    locked = contacts.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk", flat=True)
    return list(locked)


def delete_contacts(action: BulkAction, ids: list[int], now: datetime, reason: str) -> list[int]:
    """Take contacts, which the caller has locked, out of all lists, so that the undo of the action finds them."""
    queries.note(action.pk, ids)
    Contact.objects.filter(pk__in=ids).update(deleted_at=action.started_at, deleted_reason=reason, changed_at=now)
    return ids


def _undelete(action: BulkAction, ids: Sequence[int], now: datetime) -> list[int]:
    """Restore contacts that this action deleted and that are still deleted, unless their external ID has been taken."""
    taken = Contact.objects.living().filter(external_id=OuterRef("external_id"))
    mine = Contact.objects.filter(~Exists(taken), deleted_at=action.started_at)
    restorable = _not_erased(lock_wanted(mine, ids))
    queries.restore_deletion(action.pk, restorable, now=now)
    address_status.take_all(restorable, now=now)
    return restorable


def _not_erased(ids: list[int]) -> list[int]:
    """Leave out contacts with an address or ID of an erased person."""
    erased = suppression.erased_among(ids)
    return [pk for pk in ids if pk not in erased]


class Delete(BulkActionType):
    """Take contacts out of all lists that cannot be written to; looked at again in the transaction that does it."""

    label, past, icon = "Delete", "deleted", "trash-2"
    effect = "Hidden from all lists: spam reports, unsubscribed, blacklisted or not confirmed"
    choices_template, danger, reasons = "contacts/_choose_reason.html", True, DELETION_REASONS

    def effects(self, selected: int, count: int, **_options: Any) -> list[Effect]:
        rest = Effect("shield-check", "Not deleted, because you can still message them", selected - count)
        return [*super().effects(selected, count), rest]

    def options(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        return {"reason": given.get("reason")} if given.get("reason") in self.reasons else None

    def wanted(self, contacts: Any) -> Any:
        return contacts.filter(SILENT, deleted_at=None)

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        locked = lock_wanted(self.wanted(Contact.objects.all()), ids)
        return delete_contacts(action, locked, now, action.options["reason"])

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        return _undelete(action, ids, now)


class RemoveDuplicates(BulkActionType):
    """Of contacts that share an e-mail address or a phone, leave the one made first, or the one made last."""

    label, past, icon = "Delete duplicates", "deleted as duplicates", "copy"
    effect = "Contacts to delete and hide from all lists"
    choices_template, danger = "contacts/_choose_kept.html", True

    def effects(self, selected: int, count: int, **options: Any) -> list[Effect]:
        value, each = ("an e-mail address", "address") if options["by"] == "email" else ("a phone number", "number")
        return [
            Effect("users", f"Contacts that share {value}", selected),
            Effect(self.icon, self.effect, count),
            Effect("check", f"Contacts that stay, one for each {each}", selected - count),
        ]

    def options(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        by, keep = given.get("by"), given.get("keep")
        return {"by": by, "keep": keep} if by in ("email", "phone") and keep in ("earlier", "later") else None

    def asking(self, count: int) -> str:
        return f"Delete {count:,} duplicate{'s' if count != 1 else ''}"

    def gather(self, action: BulkAction) -> int:
        return queries.gather_duplicates(action.pk, action.options["by"], keep=action.options["keep"])

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        by = action.options["by"]
        locked = queries.remaining_duplicates(ids, by, keep=action.options["keep"])
        delete_contacts(action, locked, now, "Duplicate")
        # Consent belongs to the address: who stays must not be written to because the one that had said no is gone.
        told = Contact.objects.filter(pk__in=locked).exclude(email_status="active", phone_status="active")
        values = list(told.values_list(by, flat=True))
        stays = Contact.objects.living().filter(**{f"{by}__in": values}).order_by("pk").select_for_update()
        address_status.take_all(list(stays.values_list("pk", flat=True)), now=now)
        return locked

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        return _undelete(action, ids, now)


class Restore(BulkActionType):
    """Restore deleted contacts, except merged ones and those whose external ID has been taken."""

    label, past, icon = "Restore", "restored", "archive-restore"
    effect = "Listed again, with all their data"

    def wanted(self, contacts: Any) -> Any:
        return contacts.filter(deleted_at__isnull=False, merged_into=None)

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        taken = Contact.objects.living().filter(external_id=OuterRef("external_id"))
        locked = lock_wanted(self.wanted(Contact.objects.filter(~Exists(taken))), ids)
        locked = self._one_each(_not_erased(locked))
        queries.note(action.pk, locked)
        Contact.objects.filter(pk__in=locked).update(deleted_at=None, deleted_reason=None, changed_at=now)
        address_status.take_all(locked, now=now)
        return locked

    @staticmethod
    def _one_each(ids: list[int]) -> list[int]:
        """Of deleted contacts with one external ID only the first may come back."""
        seen: set[str] = set()
        rows = Contact.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "external_id")
        return [pk for pk, own in rows if own is None or not (own in seen or seen.add(own))]  # type: ignore[func-returns-value]

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        locked = lock_wanted(Contact.objects.living(), ids)
        queries.restore_deletion(action.pk, locked, now=now)
        return locked


class Unsubscribe(BulkActionType):
    """No more e-mails to these contacts."""

    label, past, icon = "Unsubscribe", "unsubscribed", "mail-x"
    effect = "Receive no more e-mails"

    def wanted(self, contacts: Any) -> Any:
        return contacts.filter(REACHABLE, deleted_at=None)

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        locked = lock_wanted(self.wanted(Contact.objects.all()), ids)
        queries.note(action.pk, locked)
        Contact.objects.filter(pk__in=locked).update(
            email_status=EmailStatus.UNSUBSCRIBED, email_status_at=action.started_at,
            email_status_reason=StatusReason.MANUAL, changed_at=now,
        )  # fmt: skip
        return locked

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        mine = Contact.objects.filter(email_status=EmailStatus.UNSUBSCRIBED, email_status_at=action.started_at)
        locked = lock_wanted(mine.filter(deleted_at=None), ids)
        queries.restore_email_status(action.pk, locked, now=now)
        return locked
