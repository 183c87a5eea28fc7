"""Conditions on properties of events: each operator on values of each type, and on events without the property."""

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from contacts.models import Contact
from contacts.values.types import BadValue
from segments.rules import property_filters
from segments.rules.property_filters import FILTERS
from segments.rules.tree import PropertyFilter
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch
from tenants.models import Tenant
from tests.cast import person, workspace
from tracking.models import Event

AT = datetime(2026, 5, 1, tzinfo=UTC)
NFD = unicodedata.normalize("NFD", "Zürich")
EVENTS: dict[str, dict[str, Any]] = {
    "none": {},
    "empty": {"shop": ""},
    "null": {"shop": None},
    "text": {"shop": "Zürich  West\u00a0"},
    "composed": {"shop": NFD + " west"},
    "sharp": {"shop": "STRASSE"},
    "number": {"shop": Decimal("30.0")},
    "digits": {"shop": "30"},
    "negative": {"shop": -5},
    "list": {"shop": [1, 2]},
    "yes": {"shop": True},
    "items": {"items": [{"name": "Tent", "quantity": 2}, {"sku": "B-1"}, "Stove", 7, {"name": None}]},
    "goods": {"items": [{"product": "Big tent", "price": 30}]},
    "odd": {"items": "Tent"},
}


@pytest.fixture(scope="module")
def place() -> Tenant:
    made = workspace(person("filterer"))
    with tenant_context(made.pk):
        contact = Contact.objects.create(first_name="Anna", origin="manual")
        for name, properties in EVENTS.items():
            values: dict[str, Any] = {"kind": "track", "name": name, "contact_id": contact.pk, "properties": properties}
            Event.objects.create(tenant_id=made.pk, at=AT, **values)
        page: dict[str, Any] = {
            "kind": "track",
            "name": "page",
            "url": "https://shop.example/Boots?a=1",
            "title": "Boots",
        }
        Event.objects.create(tenant_id=made.pk, at=AT, contact_id=contact.pk, **page)
    return made


OTHERS = {*EVENTS, "page"}
CASES: list[tuple[PropertyFilter, set[str]]] = [
    (PropertyFilter("shop", "is", "zürich west"), {"text", "composed"}),
    (PropertyFilter("shop", "is", NFD.upper() + " WEST"), {"text", "composed"}),
    (PropertyFilter("shop", "is", "straße"), {"sharp"}),
    (PropertyFilter("shop", "is", "30"), {"number", "digits"}),
    (PropertyFilter("shop", "is", "30.00"), {"number", "digits"}),
    (PropertyFilter("shop", "is", "true"), {"yes"}),
    (PropertyFilter("shop", "is_not", "30"), OTHERS - {"number", "digits"}),
    (PropertyFilter("shop", "contains", "WEST"), {"text", "composed"}),
    (PropertyFilter("shop", "contains", "%"), set()),
    (PropertyFilter("shop", "contains_not", "west"), OTHERS - {"text", "composed"}),
    (PropertyFilter("shop", "begins", "zür"), {"text", "composed"}),
    (PropertyFilter("shop", "more", "29.99"), {"number", "digits"}),
    (PropertyFilter("shop", "more", "30"), set()),
    (PropertyFilter("shop", "less", "0"), {"negative"}),
    (PropertyFilter("shop", "at_least", "30"), {"number", "digits"}),
    (PropertyFilter("shop", "at_most", "30"), {"number", "digits", "negative"}),
    (PropertyFilter("shop", "filled"), OTHERS - {"none", "empty", "null", "items", "goods", "odd", "page"}),
    (PropertyFilter("shop", "empty"), {"none", "empty", "null", "items", "goods", "odd", "page"}),
    (PropertyFilter("items", "is", "tent"), {"items"}),
    (PropertyFilter("items", "is", "b-1"), {"items"}),
    (PropertyFilter("items", "is", "stove"), {"items"}),
    (PropertyFilter("items", "is", "30"), set()),
    (PropertyFilter("items", "contains", "tent"), {"items", "goods"}),
    (PropertyFilter("items", "begins", "big"), {"goods"}),
    (PropertyFilter("items", "is_not", "tent"), OTHERS - {"items"}),
    (PropertyFilter("items", "contains_not", "tent"), OTHERS - {"items", "goods"}),
    (PropertyFilter("items", "filled"), {"items", "goods"}),
    (PropertyFilter("items", "empty"), OTHERS - {"items", "goods"}),
    (PropertyFilter("url", "contains", "/boots"), {"page"}),
    (PropertyFilter("url", "begins", "HTTPS://shop"), {"page"}),
    (PropertyFilter("title", "is", "BOOTS"), {"page"}),
    (PropertyFilter("title", "empty"), OTHERS - {"page"}),
]


@pytest.mark.parametrize(("one", "expected"), CASES)
def test_each_operator(place: Tenant, one: PropertyFilter, expected: set[str]) -> None:
    with tenant_context(place.pk):
        condition, values = property_filters.sql(property_filters.read(one), "p0")
        rows = fetch(f"SELECT e.name FROM event e WHERE e.tenant_id = %(tenant)s AND {condition}", **values)
        assert {name for (name,) in rows} == expected


def test_every_operator_has_a_case_and_says_what_a_missing_property_means(place: Tenant) -> None:
    assert {one.op for one, _names in CASES} == set(FILTERS)
    for one, names in CASES:
        if one.name == "shop":
            assert ("none" in names) is FILTERS[one.op].missing.startswith("Also")


@pytest.mark.parametrize(
    "one",
    [
        PropertyFilter("shop", "more", "much"), PropertyFilter("shop", "at_least", "1,5"),
        PropertyFilter("items", "less", "3"),
    ],
)  # fmt: skip
def test_numbers_that_are_none(one: PropertyFilter) -> None:
    with pytest.raises(BadValue):
        property_filters.read(one)
