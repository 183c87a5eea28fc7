"""Addresses and numbers that get no messages: contacts that have one now, and those that come to have one later.

The lists belong to the workspace. A contact takes the status when its value is put on the list, when an import writes it,
and when somebody enters it; taking a value off gives contacts back what they were before the list said otherwise.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from contacts import change_log, write_lock
from contacts.models import BlacklistEntry, Contact, EmailStatus, StatusReason
from contacts.values.identifiers import bare_email, normal_email, normal_phone
from tenants import audit

# The reason that contacts carry, by what they were before: by it a value that is removed finds its contacts.
REASON = {
    "active": StatusReason.BLACKLIST.value,
    "not_confirmed": StatusReason.BLACKLIST_NOT_CONFIRMED.value,
}
MOST = 1_000
# So many lines that cannot be read are listed one by one.
SHOWN = 20


def read(kind: str, lines: Iterable[str], *, region: str | None) -> tuple[list[str], list[str]]:
    """(values in their normal forms, lines that are none) of what somebody has typed, one a line."""
    good: dict[str, None] = {}
    bad = []
    for line in lines:
        text = line.strip()
        if not text:
            continue
        value = normal_email(bare_email(text)) if kind == "email" else normal_phone(text, region)
        if value is None:
            bad.append(text)
        else:
            good[value] = None
    return list(good), bad


def refused(bad: Sequence[str]) -> dict[str, Any]:
    """Lines that could not be read, as the pages show them: the first of them, how many more, and all of them to correct."""
    return {"bad": [line[:120] for line in bad[:SHOWN]], "more_bad": max(0, len(bad) - SHOWN), "typed": "\n".join(bad)}


def add(kind: str, values: Sequence[str], *, reason: str, user_id: int | None) -> int:
    """Put values on the list of e-mails or phones and silence the contacts that have them; returns how many are new."""
    write_lock.lock()
    known = set(BlacklistEntry.objects.filter(kind=kind, value__in=values).values_list("value", flat=True))
    new = [value for value in values if value not in known]
    BlacklistEntry.objects.bulk_create(
        BlacklistEntry(kind=kind, value=value, reason=reason[:200], added_by_id=user_id) for value in new
    )
    ids = list(Contact.objects.living().filter(**{f"{kind}__in": values}).values_list("pk", flat=True))
    suppress_contacts(ids)
    if new:
        audit.record("blacklist.added", user_id=user_id, target=f"{kind} blacklist", values=len(new), reason=reason)
    return len(new)


def remove(entry_id: int, *, user_id: int) -> BlacklistEntry:
    """Take a value off the list. Contacts that the list had silenced are as before. Raises BlacklistEntry.DoesNotExist."""
    write_lock.lock()
    entry: BlacklistEntry = BlacklistEntry.objects.select_for_update().get(pk=entry_id)
    entry.delete()
    now, kind = timezone.now(), entry.kind
    for before, reason in REASON.items():
        mine = Contact.objects.filter(
            **{kind: entry.value, f"{kind}_status": "blacklisted", f"{kind}_status_reason": reason}
        )
        ids = list(mine.values_list("pk", flat=True))
        back = {f"{kind}_status": before, f"{kind}_status_at": None, f"{kind}_status_reason": None, "changed_at": now}
        Contact.objects.filter(pk__in=ids).update(**back)
        change_log.note(ids, now=now)
    write_lock.bump_version()
    audit.record("blacklist.removed", user_id=user_id, target=f"{kind} blacklist", values=1)
    return entry


def forget(kind: str, value: str, *, user_id: int) -> None:
    """Take a value off, if it is still on the list."""
    entry = BlacklistEntry.objects.filter(kind=kind, value=value).first()
    if entry is not None:
        remove(entry.pk, user_id=user_id)


def suppress_contacts(contact_ids: Sequence[int]) -> int:
    """Silence those of the contacts that have a value on a list; returns how many. The caller holds the write lock."""
    now, silenced = timezone.now(), set()
    for kind in ("email", "phone"):
        listed = BlacklistEntry.objects.filter(kind=kind).values("value")
        mild = Q(**{f"{kind}_status__in": (EmailStatus.ACTIVE, EmailStatus.NOT_CONFIRMED)})
        for before, reason in REASON.items():
            contacts = Contact.objects.filter(
                mild, **{f"{kind}__in": listed, f"{kind}_status": before, "pk__in": contact_ids}
            )
            ids = list(contacts.order_by("pk").select_for_update().values_list("pk", flat=True))
            Contact.objects.filter(pk__in=ids).update(
                **{f"{kind}_status": "blacklisted", f"{kind}_status_at": now, f"{kind}_status_reason": reason},
                changed_at=now,
            )
            silenced.update(ids)
    if silenced:
        change_log.note(sorted(silenced), now=now)
        write_lock.bump_version()
    return len(silenced)


def listed(kind: str, *, search: str = "", before: int | None = None, count: int = 50) -> list[BlacklistEntry]:
    """The next entries of a list, the latest first; one more than asked for when there are more."""
    entries = BlacklistEntry.objects.filter(kind=kind).select_related("added_by").order_by("-pk")
    if search:
        entries = entries.filter(value=search)
    return list((entries.filter(pk__lt=before) if before else entries)[: count + 1])
