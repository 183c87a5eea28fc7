"""Why somebody entered or left: which conditions are named, and which are not."""

from dataclasses import replace

import pytest

from contacts.models import Contact
from segments import reasons
from segments.rules import compiler
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment, Period
from tenants.models import Tenant

RIGA, BONN = FieldCondition("city", "is", ("Riga",)), FieldCondition("country", "is", ("DE",))
ORDERED = ActivityCondition("order", "at_least", "1", Period("last", 30, "days"))
NEW = FieldCondition("created_at", "within", ("7",))


def why(rule: Group, *, entered: bool, causes: set[str], **values: object) -> str:
    contact = Contact.objects.create(**values)
    ids = {"entered": [contact.pk] if entered else [], "left": [] if entered else [contact.pk]}
    scope = replace(compiler.context(), of=[contact.pk])
    return reasons.explain(rule, **ids, causes={contact.pk: causes}, scope=scope)[contact.pk]


@pytest.mark.parametrize(
    ("rule", "causes", "expected"),
    [
        (Group("all", (RIGA, NEW)), {"contact"}, "City is Riga; Created in the last 7 days"),
        (Group("all", (RIGA, NEW)), {"time"}, "Created in the last 7 days"),
        (Group("all", (RIGA, NEW)), {"event"}, "City is Riga; Created in the last 7 days"),
        (Group("any", (RIGA, BONN)), {"contact"}, "City is Riga"),
        (Group("all", (RIGA, Group("none", (ORDERED,)))), {"time"},
         "no longer: ordered at least 1 time in the last 30 days"),
        (Group("none", (Group("none", (RIGA,)),)), {"contact"}, "City is Riga"),
        (Group("any", (RIGA, RIGA, RIGA, NEW, RIGA)), {"contact"}, "City is Riga; City is Riga; City is Riga; and 2 more"),
    ],
)  # fmt: skip
def test_who_entered(inside: Tenant, rule: Group, causes: set[str], expected: str) -> None:
    assert why(rule, entered=True, causes=causes, first_name="Anna", attributes={"city": "Riga"}) == expected


@pytest.mark.parametrize(
    ("rule", "causes", "expected"),
    [
        (Group("all", (RIGA, BONN, NEW)), {"contact"}, "no longer: City is Riga; no longer: Country is Germany (DE)"),
        (Group("all", (RIGA, ORDERED)), {"time"}, "no longer: ordered at least 1 time in the last 30 days"),
        (Group("none", (NEW,)), {"contact"}, "Created in the last 7 days"),
    ],
)  # fmt: skip
def test_who_left(inside: Tenant, rule: Group, causes: set[str], expected: str) -> None:
    assert why(rule, entered=False, causes=causes, first_name="Anna", attributes={"city": "Oslo"}) == expected


def test_a_deleted_contact_left_because_it_was_deleted(inside: Tenant) -> None:
    from django.utils import timezone

    assert why(Group("all", (RIGA,)), entered=False, causes={"contact"}, deleted_at=timezone.now()) == reasons.DELETED


def test_only_the_first_of_very_many_are_explained(inside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "MOST", 2)
    contacts = [Contact.objects.create(attributes={"city": "Riga"}).pk for _i in range(3)]
    scope = replace(compiler.context(), of=contacts)
    said = reasons.explain(Group("all", (RIGA,)), entered=contacts, left=[], causes={}, scope=scope)
    assert list(said) == contacts[:2]


@pytest.mark.parametrize(
    ("node", "causes"),
    [
        (RIGA, {"contact"}), (ORDERED, {"visit", "event"}), (InSegment(7), {"segment"}),
        (ActivityCondition("page", "at_least", "1"), {"visit"}),
        (Group("none", (RIGA, InSegment(7))), {"contact", "segment"}),
        (FieldCondition("probable_duplicate", "yes"), {"duplicate"}),
    ],
)  # fmt: skip
def test_what_has_to_happen(node: Group, causes: set[str]) -> None:
    assert reasons.queued_by(node) == causes
