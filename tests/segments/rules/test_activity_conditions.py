"""What contacts did: each comparison of each measure, each period, and what of messages, orders, visits and items counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from contacts.models import Contact
from segments.rules import compiler
from segments.rules.activity_conditions import ACTIVITIES, COMPARISONS
from segments.rules.operators import EvaluationTime
from segments.rules.tree import ActivityCondition, Group, Period, PropertyFilter, RuleError
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tracking.models import Event, Site, Visitor

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
# Who → events: (kind, days ago, properties)
DID: dict[str, list[tuple[str, float, dict[str, Any]]]] = {
    "Anna": [
        ("order", 1, {"amount": 100, "currency": "EUR", "items": [{"name": "Tent"}]}),
        ("order", 40, {"amount": Decimal("50.50"), "currency": "eur"}),
        ("order", 400, {"amount": 7000, "currency": "SEK"}),
        ("message", 3, {"status": "delivered", "id": "m1", "message": "News"}),
        ("message", 2, {"status": "read", "id": "m1", "message": "News"}),
        ("message", 3, {"status": "sent", "id": "m2"}),
        ("message", 2.5, {"status": "delivered", "id": "m2"}),
    ],
    "Bert": [
        ("order", 10, {"amount": 10, "currency": "EUR"}),
        ("order", 10.1, {"amount": "no number", "currency": "EUR"}),
        ("message", 5, {"status": "delivered", "message": "News"}),
        ("message", 4, {"status": "clicked", "message": "News"}),
        ("message", 5, {"status": "undelivered", "message": "Sale"}),
    ],
    "Cara": [("order", -3, {"amount": 1, "currency": "EUR"})],
    "Dora": [],
}
ALL = set(DID)


@pytest.fixture(scope="module")
def place() -> Tenant:
    made = workspace(person("doer"), time_zone="Europe/Riga")
    with tenant_context(made.pk):
        for name, events in DID.items():
            contact = Contact.objects.create(first_name=name, origin="manual")
            for kind, days, properties in events:
                at = NOW - timedelta(days=days)
                Event.objects.create(tenant_id=made.pk, at=at, kind=kind, contact_id=contact.pk, properties=properties)
        _visits(made, Contact.objects.get(first_name="Dora").pk)
    return made


def _visits(tenant: Tenant, contact_id: int) -> None:
    """Two visits of one visitor: three pages within half an hour, and one more an hour later."""
    site = Site.objects.create(name="shop.example", key="x-9")
    seen = {"site_id": site.pk, "first_seen": NOW, "last_seen": NOW}
    visitor = Visitor.objects.create(device=uuid4(), contact_id=contact_id, claimed_at=NOW, **seen)
    pages = [(0, "/a", "news"), (10, "/b", ""), (35, "/c", ""), (95, "/d", "ads")]
    for minutes, path, source in pages:
        properties = {"utm_source": source} if source else {}
        Event.objects.create(
            tenant_id=tenant.pk, at=NOW - timedelta(days=1) + timedelta(minutes=minutes), kind="page", site_id=site.pk,
            visitor_id=visitor.pk, url=f"https://shop.example{path}", properties=properties,
        )  # fmt: skip


def did(
    what: str, times: str, count: str = "", period: Period | None = None, *where: PropertyFilter, **more: Any
) -> Any:
    return ActivityCondition(what, times, count, period, where=where, **more)


CASES: list[tuple[ActivityCondition, set[str]]] = [
    (did("order", "at_least", "2"), {"Anna", "Bert"}),
    (did("order", "at_least", "0"), ALL),
    (did("order", "at_most", "2"), ALL - {"Anna"}),
    (did("order", "at_most", "0"), {"Dora"}),
    (did("order", "exactly", "2"), {"Bert"}),
    (did("order", "exactly", "0"), {"Dora"}),
    (did("order", "between", "1", until="2"), {"Bert", "Cara"}),
    (did("order", "between", "0", until="2"), {"Bert", "Cara", "Dora"}),
    (did("order", "between", "2", until="1"), set()),
    (did("order", "never"), {"Dora"}),
    (did("order", "never", "", Period("last", 30)), {"Cara", "Dora"}),
    (did("order", "at_least", "1", Period("last", 25, "hours")), {"Anna"}),
    (did("order", "at_least", "1", Period("last", 23, "hours")), set()),
    (did("order", "at_least", "1", Period("last", 2, "months")), {"Anna", "Bert"}),
    (did("order", "exactly", "2", Period("last", 2, "months")), {"Anna", "Bert"}),
    (did("order", "at_least", "1", Period("ago", 30)), {"Anna"}),
    (did("order", "at_least", "1", Period("ago", 13, "months")), {"Anna"}),
    (did("order", "at_least", "1", Period("ago", 14, "months")), set()),
    (did("order", "at_least", "1", Period("this", unit="month")), {"Anna", "Bert", "Cara"}),
    (did("order", "at_least", "1", Period("previous", unit="month")), {"Anna"}),
    (did("order", "at_least", "1", Period("previous", unit="day")), {"Anna"}),
    (did("order", "at_least", "1", Period("previous", unit="year")), {"Anna"}),
    (did("order", "at_least", "1", Period("between", start="2026-11-10", stop="2026-11-10")), {"Bert"}),
    (did("order", "at_least", "1", Period("before", start="2026-11-10")), {"Anna"}),
    (did("order", "at_least", "1", Period("after", start="2026-11-19")), {"Cara"}),
    (did("order", "at_least", "1", Period("since", start="2026-11-19")), {"Anna", "Cara"}),
    (did("order", "first", "", Period("last", 30)), {"Bert"}),
    (did("order", "first", "", Period("ago", 365)), {"Anna"}),
    (did("order", "first", "", Period("after", start="2026-01-01")), {"Bert"}),  # what is yet to come is not the first
    (did("order", "last", "", Period("last", 5)), {"Anna"}),
    (did("order", "last", "", Period("ago", 5)), {"Bert"}),
    (did("order", "last", "", Period("before", start="2026-11-19")), {"Bert"}),
    (did("order", "last", "", Period("last", 30), PropertyFilter("items", "is", "tent")), {"Anna"}),
    (did("order_total", "at_least", "100"), {"Anna"}),
    (did("order_total", "at_least", "150.50", currency="EUR"), {"Anna"}),
    (did("order_total", "more", "150.50", currency="EUR"), set()),
    (did("order_total", "exactly", "150.5", currency="eur"), {"Anna"}),
    (did("order_total", "exactly", "0", currency="USD"), ALL),
    (did("order_total", "at_most", "10", currency="EUR"), {"Bert", "Cara", "Dora"}),
    (did("order_total", "less", "10", currency="EUR"), {"Cara", "Dora"}),
    (did("order_total", "between", "1", until="150.50", currency="EUR"), {"Anna", "Bert", "Cara"}),
    (did("order_total", "between", "0", until="5", currency="EUR"), {"Cara", "Dora"}),
    (did("order_total", "at_least", "7000", Period("last", 60)), set()),
    (did("order_average", "exactly", "75.25", currency="EUR"), {"Anna"}),
    (did("order_average", "at_most", "10", currency="EUR"), {"Bert", "Cara"}),  # who has no orders has no average
    (did("order_average", "less", "10", currency="EUR"), {"Cara"}),
    (did("order_average", "between", "10", until="80", currency="EUR"), {"Anna", "Bert"}),
    (did("order_last", "exactly", "100"), {"Anna"}),
    (did("order_last", "at_most", "10"), {"Bert", "Cara"}),
    (did("order_last", "exactly", "7000", currency="SEK"), {"Anna"}),
    (did("order_last", "exactly", "50.5", Period("ago", 30), currency="EUR"), {"Anna"}),
    # A message that was sent and delivered is one message.
    (did("sent", "exactly", "2"), {"Anna", "Bert"}),
    (did("delivered", "exactly", "3"), {"Anna"}),
    (did("read", "at_least", "1"), {"Anna"}),
    (did("clicked", "at_least", "1"), {"Bert"}),
    (did("unread", "exactly", "1"), {"Anna"}),
    (did("unread", "never"), ALL - {"Anna"}),
    (did("unread", "at_least", "1", None, PropertyFilter("message", "is", "news")), set()),
    (did("unclicked", "exactly", "2"), {"Anna"}),
    (did("undelivered", "at_least", "1"), {"Bert"}),
    (did("unread", "first", "", Period("last", 5)), {"Anna"}),
    (did("unread", "last", "", Period("last", 1)), set()),
    (did("page", "exactly", "4"), {"Dora"}),
    (did("landing", "exactly", "2"), {"Dora"}),
    (did("landing", "exactly", "1", None, PropertyFilter("url", "contains", "/D")), {"Dora"}),
    (did("landing", "at_least", "1", None, PropertyFilter("url", "contains", "/b")), set()),
    (did("landing", "at_least", "1", None, PropertyFilter("utm_source", "is", "news")), {"Dora"}),
    (did("action", "never"), ALL),
    (did("track", "at_least", "1"), set()),
    (
        did("order", "at_least", "1", None, PropertyFilter("amount", "more", "99"), PropertyFilter("currency", "is", "EUR")),
        {"Anna"},
    ),
    (
        did("order", "exactly", "1", None, PropertyFilter("amount", "less", "2"), PropertyFilter("items", "contains", "ten"),
            joined="any"),
        {"Anna", "Cara"},
    ),
    (
        did("order", "never", "", None, PropertyFilter("amount", "less", "2"), PropertyFilter("items", "filled"),
            joined="any"),
        {"Bert", "Dora"},
    ),
]  # fmt: skip


def meant(rule: Group, of: list[int] | None = None) -> set[str]:
    scope = replace(compiler.context(), clock=EvaluationTime(NOW, "Europe/Riga"), of=of)
    contacts = Contact.objects.living().filter(compiler.compile_rule(rule, scope))
    contacts = contacts if of is None else contacts.filter(pk__in=of)
    return set(contacts.values_list("first_name", flat=True))


@pytest.mark.parametrize(("condition", "who"), CASES)
def test_who_is_meant(place: Tenant, condition: ActivityCondition, who: set[str]) -> None:
    with tenant_context(place.pk):
        assert meant(Group("all", (condition,))) == who
        assert meant(Group("none", (condition,))) == ALL - who
        names = dict(Contact.objects.values_list("pk", "first_name"))
        for ids in [*([pk] for pk in names), list(names)[1:3], []]:
            assert meant(Group("all", (condition,)), of=ids) == who & {names[pk] for pk in ids}


def test_every_activity_comparison_and_measure_has_a_case() -> None:
    assert {condition.what for condition, _who in CASES} == set(ACTIVITIES)
    tried = {(ACTIVITIES[condition.what].measure, condition.times) for condition, _who in CASES}
    wanted = {(measure, one.key) for one in COMPARISONS.values() for measure in one.measures}
    assert wanted - tried <= {
        ("average", "at_least"), ("average", "more"), ("latest", "at_least"), ("latest", "more"), ("latest", "less"),
        ("latest", "between"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (did("order", "often", "1"), "Choose how often"),
        (did("order", "more", "1"), "Choose how often"),
        (did("order_total", "never"), "Choose how often"),
        (did("order", "first"), "Choose a period"),
        (did("order", "between", "1"), "how many times"),
        (did("order_total", "between", "1"), "Enter an amount"),
        (did("order", "at_least", "1", Period("last", 0)), "Choose a period"),
        (did("order", "at_least", "1", Period("since", start="soon")), "."),
        (did("order_total", "at_least", "1", currency="euros"), "three letters"),
        (did("order", "at_least", "1", None, PropertyFilter("items", "more", "1")), "."),
    ],
)
def test_what_makes_no_sense_is_refused(place: Tenant, condition: ActivityCondition, why: str) -> None:
    with tenant_context(place.pk), pytest.raises(RuleError, match=why):
        meant(Group("all", (condition,)))


def test_what_a_comparison_does_not_ask_for_is_left_out() -> None:
    condition = did(
        "order", "never", "7", None, PropertyFilter(" shop ", "empty", "x"), until="9", currency="EUR", name="n"
    )
    assert compiler.checked(condition) == did("order", "never", "", None, PropertyFilter("shop", "empty"))
