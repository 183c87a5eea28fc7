"""Visitors and events, as what belongs to a contact (contacts.privacy.data_providers)."""

from collections.abc import Sequence
from typing import Any

from contacts import change_queue
from contacts.extensions import Identifiers, TransferRecord
from tracking import contact_visits, links, pages, tallies
from tracking.models import Event, Quarantine, Visitor, VisitorIdentifier, VisitorRefusal

TABLES = (
    "event", "visitor", "visitor_identifier", "visitor_refusal", "quarantine", "contact_visit", "page", "page_visitor",
    "visitor_day", "tally_queue",
)  # fmt: skip


def held(contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Visitors that are these contacts, and imported events of them."""
    visitors = Visitor.objects.filter(contact_id__in=contact_ids).count()
    events = Event.objects.filter(contact_id__in=contact_ids).count()
    return [(visitors, "visitors" if visitors != 1 else "visitor"), (events, "events" if events != 1 else "event")]


def move(contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Visitors and events of the contacts become those of `to`. What a visitor did goes with the visitor."""
    moved: TransferRecord = {"visitors": {}, "events": {}}
    for contact_id in contact_ids:
        for name, model in (("visitors", Visitor), ("events", Event)):
            ids = list(model.objects.filter(contact_id=contact_id).values_list("pk", flat=True))
            if ids:
                moved[name][str(contact_id)] = ids
                model.objects.filter(contact_id=contact_id).update(contact_id=to)
    moved["refusals"] = _copy_refusals(contact_ids, to=to)
    contact_visits.refresh([*contact_ids, to])
    change_queue.add([*contact_ids, to], "event")
    return moved


def _copy_refusals(contact_ids: Sequence[int], *, to: int) -> list[list[Any]]:
    """What members have said that visitors are not counts for `to`, too; returns [visitor, kind, value] of what is new."""
    has = set(VisitorRefusal.objects.filter(contact_id=to).values_list("visitor_id", "kind", "value"))
    copies: dict[tuple[int, str, str], VisitorRefusal] = {}
    for said in VisitorRefusal.objects.filter(contact_id__in=contact_ids).order_by("contact_id", "visitor_id"):
        key = (said.visitor_id, said.kind, said.value)
        if key not in has:
            said.contact_id = to
            copies.setdefault(key, said)
    VisitorRefusal.objects.bulk_create(copies.values(), ignore_conflicts=True)
    return [list(key) for key in copies]


def restore(moved: TransferRecord, *, of: int) -> None:
    """Return visitors and events to the contacts that they came from."""
    for name, model in (("visitors", Visitor), ("events", Event)):
        for contact_id, ids in moved[name].items():
            model.objects.filter(contact_id=of, pk__in=ids).update(contact_id=int(contact_id))
    for visitor_id, kind, value in moved.get("refusals", []):
        VisitorRefusal.objects.filter(contact_id=of, visitor_id=visitor_id, kind=kind, value=value).delete()
    contact_visits.refresh([of, *(int(contact_id) for contact_id in moved["visitors"])])
    change_queue.add([of, *(int(contact_id) for contact_id in moved["events"])], "event")


def known(_contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Nothing: what a visitor has named is its claim, not the contact's."""
    return []


def erase(contact_ids: Sequence[int], identifiers: Identifiers) -> None:
    """Remove the visitors that are these contacts with all that they did, imported events, and their
    identifiers wherever another visitor has used them."""
    visitors = list(Visitor.objects.filter(contact_id__in=contact_ids).values_list("pk", flat=True))
    tallies.forget(visitors)
    Event.objects.filter(visitor_id__in=visitors).delete()
    tallies.subtract_orders("e.contact_id = ANY(%(contacts)s)", contacts=list(contact_ids))
    Event.objects.filter(contact_id__in=contact_ids).delete()
    VisitorIdentifier.objects.filter(visitor_id__in=visitors).delete()
    for kind, value in (*identifiers, *((links.KIND, str(pk)) for pk in contact_ids)):
        VisitorIdentifier.objects.filter(kind=kind, value=value).delete()
        Quarantine.objects.filter(kind=kind, value=value).delete()
    VisitorRefusal.objects.filter(visitor_id__in=visitors).delete()
    VisitorRefusal.objects.filter(contact_id__in=contact_ids).delete()
    pages.forget(visitors)
    Visitor.objects.filter(pk__in=visitors).delete()
    contact_visits.refresh(contact_ids)
