"""Contacts without any activity as a kind of data with a rule, off unless somebody sets it: they are deleted, and can be
restored."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest

from contacts.bulk import kinds, queries
from contacts.bulk.retention import KindByAction, moment_of
from contacts.models import BulkAction, ConsentRecord, Contact
from tenants.isolation import statements
from tenants.retention.kinds import Found, counted_query
from tracking.models import ContactVisit, Event

REASON = "No activity"
# A message that was only sent says nothing of the contact.
ANSWERED = ~Q(kind="message") | Q(properties__status__in=("read", "clicked"))


def inactive(before: datetime) -> Any:
    """Contacts that nobody has made or changed, and that have done nothing since: no visit, event or consent."""
    own = {"contact_id": OuterRef("pk")}
    return Contact.objects.living().filter(
        ~Exists(ContactVisit.objects.filter(**own, last_seen__gte=before)),
        ~Exists(Event.objects.filter(ANSWERED, **own, at__gte=before)),
        ~Exists(ConsentRecord.objects.filter(**own, at__gte=before)),
        created_at__lt=before,
        changed_at__lt=before,
    )


class DeleteInactive(kinds.Delete):
    """Delete contacts without activity. Only the rule begins it; it can be undone like any other bulk action."""

    label, icon, effect = "Delete inactive contacts", "moon", "Contacts without activity"
    choices_template = ""

    def options(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        return None

    def gather(self, action: BulkAction) -> int:
        with statements.hash_joins():
            return queries.gather(action.pk, inactive(moment_of(action)).values("pk"))

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        still = kinds.lock_wanted(inactive(moment_of(action)), ids)
        return kinds.delete_contacts(action, still, now, REASON)


class InactiveContacts(KindByAction):
    """The rule of contacts without activity."""

    key, label, icon, action = "inactive", "Inactive contacts", "moon", "inactive"
    words = "Contacts that are not changed, visit no site, and do nothing that is recorded."
    since, effect = "the last activity", "Deleted: hidden from all lists"
    least, endless = 90, "Off"
    afterwards = "Deleted contacts can be restored until they are erased."

    def find(self, *, before: datetime | None, most: int) -> Found:
        if before is None:
            return counted_query(Contact.objects.living().order_by("pk"), time="changed_at", most=most)
        visits = ContactVisit.objects.filter(contact_id=OuterRef("pk")).values("last_seen")
        last = inactive(before).annotate(last=Greatest(F("changed_at"), visits))
        with statements.hash_joins():
            return counted_query(last, time="last", most=most)
