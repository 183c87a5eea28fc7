"""What rules mean in the database: each operator on contacts that have the value, another one, and none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from contacts.models import Attribute, Contact
from segments import membership
from segments.models import Member, Segment
from segments.rules import compiler, operators, rule_fields, tree
from segments.rules.operators import OPERATORS, EvaluationTime, of_kind
from segments.rules.tree import ActivityCondition, FieldCondition, Group, Period, PropertyFilter, RuleError
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import workspace
from tracking import contact_visits
from tracking.models import Event, Site, Visitor

NOW = timezone.now()
OWN = {"size": "integer", "price": "decimal", "vip": "boolean", "tags": "choices", "seen": "datetime", "plan": "choice"}
# name → columns and attributes
PEOPLE: dict[str, dict[str, Any]] = {
    "Anna": {
        "email": "anna@example.com", "phone": "+447911123456", "external_id": "A-1", "first_key": "anna", "rating": 4,
        "email_status": "active", "origin": "import", "created_at": NOW - timedelta(days=3),
        "attributes": {"city": "Riga", "country": "LV", "size": 42, "price": 12.5, "vip": True, "tags": ["new", "loud"],
                       "birthday": "1990-05-17", "seen": "2024-03-01T22:30:00Z", "plan": "gold"},
    },
    "Bert": {
        "email": "bert@other.example", "first_key": "bert", "email_status": "unsubscribed", "origin": "form",
        "created_at": NOW - timedelta(days=300),
        "attributes": {"city": "riga nord", "size": 7, "price": 100, "vip": False, "tags": ["old"],
                       "birthday": "2001-01-01", "seen": "2024-03-02T10:00:00Z", "plan": "free"},
    },
    "Cara": {"phone": "+4930123456", "origin": "manual", "created_at": NOW - timedelta(days=29, hours=12), "attributes": {}},
}  # fmt: skip


@pytest.fixture(scope="module")
def place() -> Tenant:
    """A workspace in Riga's time zone with three people, who are known by their first names."""
    from tests.cast import person

    made = workspace(person("rule maker"), time_zone="Europe/Riga", country="LV")
    with tenant_context(made.pk):
        for key, kind in OWN.items():
            Attribute.objects.create(key=key, label=key.title(), type=kind)
        for name, values in PEOPLE.items():
            Contact.objects.create(first_name=name, **values)
        # Orders of the pixel count as well here; tests/tracking/pixel/test_claims.py has that they usually do not.
        Tenant.objects.filter(pk=made.pk).update(count_claimed_orders=True)
        _activity()
    return made


def _activity() -> None:
    anna, bert, cara = (Contact.objects.get(first_name=name) for name in PEOPLE)
    site = Site.objects.create(name="shop.example", key="x-1")
    visitor = Visitor.objects.create(
        site_id=site.pk, device=uuid4(), first_seen=NOW, last_seen=NOW, contact_id=anna.pk, claimed_at=NOW, views=3,
        visits=1, seconds=90, stage=2, matched_by="email",
    )  # fmt: skip
    contact_visits.refresh([anna.pk])
    stranger = Visitor.objects.create(site_id=site.pk, device=uuid4(), first_seen=NOW, last_seen=NOW)
    for days in (1, 2, 40):
        at = NOW - timedelta(days=days)
        _event(at, "page", visitor_id=visitor.pk, site_id=site.pk, url="https://shop.example/boots", title="Boots")
        _event(at, "page", visitor_id=stranger.pk, site_id=site.pk, url="https://shop.example/boots")
    _event(NOW - timedelta(days=5), "order", contact_id=anna.pk, properties={"amount": 120.5, "currency": "EUR"})
    _event(NOW - timedelta(days=5), "order", visitor_id=visitor.pk, site_id=site.pk, properties={"amount": 30})
    _event(NOW - timedelta(days=90), "order", contact_id=bert.pk, properties={"amount": 10, "coupon": "Spring"})
    _event(NOW - timedelta(days=1), "order", contact_id=cara.pk, properties={"amount": "many"})
    _event(NOW - timedelta(days=1), "track", contact_id=bert.pk, name="Signed up")
    _event(NOW - timedelta(days=1), "message", contact_id=bert.pk, name="News", properties={"status": "clicked"})
    _event(NOW - timedelta(days=1), "action", contact_id=cara.pk, name="Fair")
    _event(NOW + timedelta(days=20), "action", contact_id=anna.pk, name="Booth")


def _event(at: datetime, kind: str, **values: Any) -> None:
    Event.objects.create(tenant_id=Contact.objects.values_list("tenant_id", flat=True)[0], at=at, kind=kind, **values)


def meant(rule: Group) -> set[str]:
    return set(Contact.objects.living().filter(compiler.compile_rule(rule)).values_list("first_name", flat=True))


def one(*parts: Any, match: str = "all") -> set[str]:
    return meant(Group(match, parts))


EVERYBODY = set(PEOPLE)
# subject, operator, values → who is meant
ATTRIBUTES: list[tuple[str, str, tuple[str, ...], set[str]]] = [
    ("email", "is", ("ANNA@Example.com",), {"Anna"}),
    ("email", "is_not", ("anna@example.com",), {"Bert", "Cara"}),
    ("email", "contains", ("OTHER",), {"Bert"}),
    ("email", "contains_not", ("other",), {"Anna", "Cara"}),
    ("email", "begins", ("anna",), {"Anna"}),
    ("email", "contains", ("%",), set()),
    ("email", "filled", (), {"Anna", "Bert"}),
    ("email", "empty", (), {"Cara"}),
    ("phone", "is", ("+44 7911 123456",), {"Anna"}),
    ("phone", "begins", ("+49",), {"Cara"}),
    ("external_id", "is", ("A-1", "B-2"), {"Anna"}),
    ("first_name", "is", ("ÄNNA",), {"Anna"}),
    ("first_name", "begins", ("b",), {"Bert"}),
    ("email_status", "is", ("unsubscribed",), {"Bert"}),
    ("email_status", "is", ("active",), {"Anna"}),  # Cara has no e-mail
    ("email_status", "is_not", ("active",), {"Bert", "Cara"}),
    ("rating", "at_least", ("4",), {"Anna"}),
    ("rating", "less", ("4",), set()),
    ("rating", "is", ("3", "4"), {"Anna"}),
    ("rating", "at_most", ("4",), {"Anna"}),
    ("rating", "more", ("3",), {"Anna"}),
    ("rating", "more", ("4",), set()),
    ("rating", "between", ("1", "4"), {"Anna"}),
    ("origin", "is", ("form", "manual"), {"Bert", "Cara"}),
    ("created_at", "within", ("30",), {"Anna", "Cara"}),
    ("created_at", "longer_ago", ("30",), {"Bert"}),
    ("deleted_at", "filled", (), set()),
    ("city", "is", ("riga",), {"Anna"}),
    ("city", "is", ("Oslo", "Riga Nord"), {"Bert"}),
    ("city", "is_not", ("Riga",), {"Bert", "Cara"}),
    ("city", "contains", ("RIGA",), {"Anna", "Bert"}),
    ("city", "contains_not", ("nord",), {"Anna", "Cara"}),
    ("city", "begins", ("riga n",), {"Bert"}),
    ("city", "empty", (), {"Cara"}),
    ("country", "is", ("Latvia",), {"Anna"}),
    ("country", "is_not", ("LV",), {"Bert", "Cara"}),
    ("size", "is", ("42",), {"Anna"}),
    ("size", "at_least", ("8",), {"Anna"}),
    ("size", "less", ("8",), {"Bert"}),
    ("size", "at_most", ("42",), {"Anna", "Bert"}),
    ("size", "more", ("7",), {"Anna"}),
    ("size", "between", ("7", "41.5"), {"Bert"}),
    ("size", "between", ("41", "7"), set()),
    ("price", "between", ("12.5", "99.99"), {"Anna"}),
    ("price", "is", ("12.50",), {"Anna"}),
    ("price", "at_least", ("12.5",), {"Anna", "Bert"}),
    ("price", "is_not", ("100",), {"Anna", "Cara"}),
    ("vip", "yes", (), {"Anna"}),
    ("vip", "no", (), {"Bert"}),
    ("tags", "any_of", ("new", "old"), {"Anna", "Bert"}),
    ("tags", "all_of", ("new", "loud"), {"Anna"}),
    ("tags", "none_of", ("new",), {"Bert", "Cara"}),
    ("plan", "is", ("gold",), {"Anna"}),
    ("birthday", "on", ("1990-05-17",), {"Anna"}),
    ("birthday", "before", ("1990-05-18",), {"Anna"}),
    ("birthday", "before", ("1990-05-17",), set()),
    ("birthday", "after", ("1990-05-17",), {"Bert"}),
    ("birthday", "between", ("1990-05-17", "2001-01-01"), {"Anna", "Bert"}),
    ("birthday", "within", ("10",), set()),
    ("birthday", "on", ("--05-17",), {"Anna"}),
    ("birthday", "on", ("17.05.",), {"Anna"}),
    ("birthday", "on", ("--05-18",), set()),
    ("birthday", "comes", ("366",), {"Anna", "Bert"}),
    ("birthday", "between", ("--12-01", "--05-16"), {"Bert"}),
    ("birthday", "between", ("--05-17", "--12-31"), {"Anna"}),
    ("birthday", "further", ("1",), set()),
    ("birthday", "came", ("366",), {"Anna", "Bert"}),
    ("created_at", "came", ("366",), EVERYBODY),
    ("seen", "comes", ("366",), {"Anna", "Bert"}),
    ("seen", "on", ("--03-02",), {"Anna", "Bert"}),
    ("seen", "on", ("--03-01",), set()),
    ("seen", "further", ("5",), set()),
    ("city", "changed", ("30",), set()),
    # Who has no visitor has made no visits.
    ("visit.visits", "at_most", ("0",), {"Bert", "Cara"}),
    ("visit.visits", "is", ("1",), {"Anna"}),
    ("visit.visits", "is_not", ("1",), {"Bert", "Cara"}),
    ("visit.visits", "between", ("0", "5"), EVERYBODY),
    ("visit.pages", "more", ("0",), {"Anna"}),
    ("visit.seconds", "less", ("60",), {"Bert", "Cara"}),
    ("visit.stage", "is", ("2",), {"Anna"}),
    ("visit.stage", "is_not", ("2",), {"Bert", "Cara"}),
    ("visit.by", "is", ("email",), {"Anna"}),
    ("visit.by", "empty", (), {"Bert", "Cara"}),
    ("visit.last", "within", ("7",), {"Anna"}),
    ("visit.first", "longer_ago", ("7",), set()),
    ("visit.matched", "yes", (), {"Anna"}),
    ("visit.matched", "no", (), {"Bert", "Cara"}),
    ("probable_duplicate", "yes", (), set()),
    ("probable_duplicate", "no", (), EVERYBODY),
    # 22:30 in UTC is the next day in Riga.
    ("seen", "on", ("2024-03-02",), {"Anna", "Bert"}),
    ("seen", "before", ("2024-03-02",), set()),
    ("seen", "ahead", ("5",), set()),
]


@pytest.mark.parametrize(("key", "op", "values", "who"), ATTRIBUTES)
def test_conditions_on_attributes(place: Tenant, key: str, op: str, values: tuple[str, ...], who: set[str]) -> None:
    with tenant_context(place.pk):
        assert one(FieldCondition(key, op, values)) == who


@pytest.mark.parametrize(("key", "op", "values", "who"), ATTRIBUTES)
def test_none_of_a_condition_is_everybody_else(
    place: Tenant, key: str, op: str, values: tuple[str, ...], who: set[str]
) -> None:
    """No condition is ever unknown: whoever it does not mean, its opposite means."""
    with tenant_context(place.pk):
        assert one(FieldCondition(key, op, values), match="none") == EVERYBODY - who


ACTS: list[tuple[ActivityCondition, set[str]]] = [
    (ActivityCondition("page", "at_least", "1"), {"Anna"}),
    (ActivityCondition("page", "at_least", "3"), {"Anna"}),
    (ActivityCondition("page", "at_least", "3", Period("last", 30)), set()),
    (ActivityCondition("page", "at_least", "2", Period("last", 30)), {"Anna"}),
    (ActivityCondition("page", "at_most", "2"), {"Bert", "Cara"}),
    (ActivityCondition("page", "at_most", "0", Period("last", 30)), {"Bert", "Cara"}),
    (ActivityCondition("page", "at_least", "0"), EVERYBODY),
    (ActivityCondition("page", "at_least", "1", None, "", (PropertyFilter("url", "contains", "BOOTS"),)), {"Anna"}),
    (ActivityCondition("page", "at_least", "1", None, "", (PropertyFilter("title", "is", "boots"),)), {"Anna"}),
    (ActivityCondition("page", "at_least", "1", None, "", (PropertyFilter("url", "contains", "%"),)), set()),
    (ActivityCondition("order", "at_least", "2"), {"Anna"}),
    (ActivityCondition("order", "at_least", "1", Period("last", 30)), {"Anna", "Cara"}),
    (ActivityCondition("order", "at_least", "1", None, "", (PropertyFilter("amount", "more", "100"),)), {"Anna"}),
    (ActivityCondition("order", "at_least", "1", None, "", (PropertyFilter("amount", "less", "11"),)), {"Bert"}),
    (ActivityCondition("order", "at_least", "1", None, "", (PropertyFilter("coupon", "is", "spring"),)), {"Bert"}),
    (ActivityCondition("order_total", "at_least", "150.50"), {"Anna"}),
    (ActivityCondition("order_total", "at_least", "150.51"), set()),
    (ActivityCondition("order_total", "at_most", "10"), {"Bert", "Cara"}),
    (ActivityCondition("track", "at_least", "1", None, "signed UP"), {"Bert"}),
    (ActivityCondition("track", "at_least", "1", None, ""), {"Bert"}),
    (ActivityCondition("track", "at_least", "1", None, "another"), set()),
    (ActivityCondition("clicked", "at_least", "1"), {"Bert"}),
    (ActivityCondition("read", "at_least", "1"), set()),
    (ActivityCondition("action", "at_least", "1", Period("last", 7), "Fair"), {"Cara"}),
    (ActivityCondition("action", "at_least", "1", Period("last", 7), "Booth"), set()),  # it has not happened yet
    (ActivityCondition("action", "at_least", "1", None, "Booth"), {"Anna"}),
]


@pytest.mark.parametrize(("did", "who"), ACTS)
def test_conditions_on_activity(place: Tenant, did: ActivityCondition, who: set[str]) -> None:
    with tenant_context(place.pk):
        assert one(did) == who
        assert one(did, match="none") == EVERYBODY - who


@pytest.mark.parametrize(("did", "who"), ACTS)
def test_some_contacts_alone_get_the_same_answer(place: Tenant, did: ActivityCondition, who: set[str]) -> None:
    with tenant_context(place.pk):
        names = dict(Contact.objects.living().values_list("pk", "first_name"))
        for ids in [*([pk] for pk in names), list(names)[:2], list(names), []]:
            alone = replace(compiler.context(), of=ids)
            found = Contact.objects.filter(compiler.compile_rule(Group("all", (did,)), alone), pk__in=ids)
            assert set(found.values_list("first_name", flat=True)) == who & {names[pk] for pk in ids}


def test_groups(place: Tenant) -> None:
    riga, fair = FieldCondition("city", "is", ("Riga",)), ActivityCondition("action", "at_least", "1", None, "Fair")
    with tenant_context(place.pk):
        assert one(riga, fair) == set()
        assert one(riga, fair, match="any") == {"Anna", "Cara"}
        assert one(riga, fair, match="none") == {"Bert"}
        assert one(Group("none", (riga,)), Group("none", (fair,))) == {"Bert"}
        assert one() == one(match="none") == one(Group("all", ())) == set()


def test_segments_in_rules(place: Tenant) -> None:
    with tenant_context(place.pk):
        cara = Contact.objects.get(first_name="Cara")
        static = membership.named("By hand")
        Member.objects.create(tenant_id=place.pk, segment_id=static.pk, contact_id=cara.pk, added_at=NOW)
        plain = tree.plain(Group("any", (tree.InSegment(static.pk), FieldCondition("city", "is", ("Riga",)))))
        dynamic = Segment.objects.create(name="Riga or by hand", rule=plain)
        assert one(tree.InSegment(static.pk)) == {"Cara"}
        assert one(tree.InSegment(static.pk, "not_in")) == {"Anna", "Bert"}
        assert one(tree.InSegment(dynamic.pk)) == {"Anna", "Cara"}
        assert one(tree.InSegment(dynamic.pk, "not_in")) == {"Bert"}
        assert {s.name for s in membership.of_contact(cara.pk)} == {"By hand", "Riga or by hand"}
        assert membership.contacts(dynamic).count() == 2
        with pytest.raises(membership.NotStatic):
            membership.named("Riga or by hand")


def test_segments_that_ask_for_each_other_are_refused(place: Tenant) -> None:
    with tenant_context(place.pk):
        one_ = Segment.objects.create(name="First", rule=tree.plain(Group("all", (FieldCondition("city", "filled"),))))
        other = Segment.objects.create(name="Second", rule=tree.plain(Group("all", (tree.InSegment(one_.pk),))))
        one_.rule = tree.plain(Group("all", (tree.InSegment(other.pk),)))
        one_.save()
        with pytest.raises(RuleError, match="refers to itself"):
            compiler.compile_rule(tree.parse(one_.rule), compiler.context(inside=one_.pk))
        assert list(membership.contacts(one_)) == []
        Segment.objects.filter(pk__in=[one_.pk, other.pk]).delete()


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (FieldCondition("nothing", "is", ("x",)), "field nothing does not exist"),
        (FieldCondition("city", "often", ("x",)), "does not support this condition"),
        (FieldCondition("city", "at_least", ("4",)), "does not support this condition"),
        (FieldCondition("city", "is"), "Enter a value"),
        (FieldCondition("city", "is", ("",)), "Enter a value"),
        (FieldCondition("city", "filled", ("x",)), "Enter a value"),
        (FieldCondition("size", "at_least", ("many",)), "not a number"),
        (FieldCondition("price", "at_least", ("12,50",)), "."),
        (FieldCondition("birthday", "on", ("31.31.2020",)), "."),
        (FieldCondition("birthday", "between", ("2020-01-01",)), "start and an end date"),
        (FieldCondition("birthday", "within", ("0",)), "."),
        (FieldCondition("birthday", "within", ("1e9",)), "."),
        (FieldCondition("email", "is", ("nobody",)), "."),
        (FieldCondition("phone", "is", ("12",)), "."),
        (FieldCondition("phone", "is", ("07911 123456",)), "too many digits"),  # none in Latvia
        (FieldCondition("country", "is", ("Atlantis",)), "."),
        (FieldCondition("rating", "is", ("four",)), "."),
        (ActivityCondition("dance", "at_least", "1"), "activity does not exist"),
        (ActivityCondition("order", "at_least", ""), "how many times"),
        (ActivityCondition("order_total", "at_least", ""), "Enter an amount"),
        (ActivityCondition("order", "at_least", "often"), "."),
        (ActivityCondition("order", "at_least", "-1"), "."),
        (
            ActivityCondition("order", "at_least", "1", None, "", (PropertyFilter("amount", "near", "1"),)),
            "activity does not exist",
        ),
        (ActivityCondition("order", "at_least", "1", None, "", (PropertyFilter("amount", "more", "much"),)), "."),
        (ActivityCondition("order", "at_least", "1", None, "", (PropertyFilter("", "is", "x"),)), "property"),
        (tree.InSegment(0), "no longer exists"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(place: Tenant, part: Any, why: str) -> None:
    with tenant_context(place.pk), pytest.raises(RuleError, match=why) as caught:
        compiler.compile_rule(Group("all", (FieldCondition("city", "filled"), part)))
    assert caught.value.path == (1,)
    assert caught.value.why


def test_an_unknown_part_is_an_error_and_never_everybody(place: Tenant) -> None:
    with tenant_context(place.pk), pytest.raises(TypeError):
        compiler.compile_rule(Group("all", ("?",)))  # type: ignore[arg-type]


def test_every_kind_of_subject_has_operators_and_every_operator_is_tried(place: Tenant) -> None:
    with tenant_context(place.pk):
        for subject in rule_fields.everything().values():
            assert of_kind(subject.kind), subject
    assert {op for _key, op, _values, _who in ATTRIBUTES} == set(OPERATORS)
    assert {did.what for did, _who in ACTS} >= {"page", "track", "order", "order_total", "read", "clicked", "action"}

    # Those that came later are in test_activity_conditions.py.


def test_rules_see_their_own_workspace_alone(place: Tenant) -> None:
    from tests.cast import person

    other = workspace(person("outsider"))
    with tenant_context(other.pk):
        assert one(ActivityCondition("order", "at_most", "100")) == set()
        Contact.objects.create(first_name="Zoe", origin="manual", created_at=datetime(2024, 1, 1, tzinfo=UTC))
        assert one(ActivityCondition("order", "at_most", "100")) == {"Zoe"}
        assert one(ActivityCondition("order", "at_least", "1")) == set()


@pytest.mark.parametrize(
    ("op", "wanted", "found"),
    [
        ("on", ("--05-31",), True),
        ("on", ("2000-05-31",), False),
        ("before", ("9999-01-01",), False),
        ("after", ("0001-01-01",), False),
        ("between", ("1900-01-01", "2100-01-01"), False),
        ("within", ("36000",), False),
        ("longer_ago", ("1",), False),
        ("ahead", ("36000",), False),
        ("comes", ("366",), True),
        ("filled", (), True),
        ("empty", (), False),
    ],
)
def test_a_birthday_without_a_year_is_in_no_time(inside: Tenant, op: str, wanted: tuple[str, ...], found: bool) -> None:
    Contact.objects.create(first_name="Dora", origin="manual", attributes={"birthday": "--05-31"})
    assert one(FieldCondition("birthday", op, wanted)) == ({"Dora"} if found else set())


@pytest.mark.parametrize(
    ("today", "days", "found"),
    [
        ("2024-05-24", "7", {"Dora"}),
        ("2024-05-23", "7", set()),
        ("2024-05-31", "1", {"Dora"}),
        ("2024-06-01", "7", set()),
        ("2023-02-28", "1", {"Leap"}),
        ("2024-02-28", "1", {"Leap"}),
        ("2023-12-25", "10", {"Anna"}),
    ],
)
def test_days_that_come_every_year(inside: Tenant, today: str, days: str, found: set[str]) -> None:
    for name, day in (("Dora", "--05-31"), ("Leap", "2000-02-29"), ("Anna", "1990-01-02")):
        Contact.objects.create(first_name=name, origin="manual", attributes={"birthday": day})
    clock = EvaluationTime(datetime.fromisoformat(f"{today}T12:00:00+00:00"))
    subject = rule_fields.everything()["birthday"]
    who = Contact.objects.filter(operators.where(subject, "comes", [days], clock))
    assert set(who.values_list("first_name", flat=True)) == found


@pytest.mark.parametrize("fraction", ["", ".5", ".000001", ".999999"])
def test_fractions_of_seconds_do_not_move_a_day(inside: Tenant, fraction: str) -> None:
    Attribute.objects.create(key="at", label="At", type="datetime")
    for name, at in (("First", f"2024-05-31T00:00:00{fraction}Z"), ("Last", f"2024-05-31T23:59:59{fraction}Z")):
        Contact.objects.create(first_name=name, origin="manual", attributes={"at": at})
    assert one(FieldCondition("at", "on", ("2024-05-31",))) == {"First", "Last"}
    assert one(FieldCondition("at", "before", ("2024-05-31",))) == set()
    assert one(FieldCondition("at", "after", ("2024-05-31",))) == set()
    assert one(FieldCondition("at", "between", ("2024-05-31", "2024-05-31"))) == {"First", "Last"}


@pytest.mark.parametrize("key", ["5", "007", "99999999999999999999", "-3"])
def test_a_field_whose_key_is_a_number_is_a_field(place: Tenant, key: str) -> None:
    """Not the place of an item, and not a number that is too large for one."""
    with tenant_context(place.pk):
        fields = rule_fields.everything()
        for kind, value, op, wanted in (
            ("text", "x", "is", "x"),
            ("number", 7, "at_least", "3"),
            ("option", "x", "is_not", "y"),
        ):
            subject = replace(fields["city"], key=key, kind=kind)
            one = Contact.objects.create(attributes={key: value})
            clock = EvaluationTime(NOW, "Europe/Riga")
            assert Contact.objects.filter(operators.where(subject, op, [wanted], clock), pk=one.pk).exists(), (kind, op)
            one.delete()
