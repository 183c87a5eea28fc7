"""Random rules against a slow evaluator (oracle.py): every contact of a random population, all at once and some alone."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.http import QueryDict
from django.utils.http import urlencode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.models import Attribute, Category, Contact
from contacts.models.linkage import ProbablePair
from contacts.values.identifiers import name_key
from imports.models import Import, RowEffect
from segments.models import Member, Segment
from segments.rules import compiler, rule_fields, rule_form, rule_text, schedule
from segments.rules.activity_conditions import ACTIVITIES, COMPARISONS
from segments.rules.operators import OPERATORS, EvaluationTime, of_kind
from segments.rules.property_filters import FILTERS
from segments.rules.tree import (
    CALENDAR,
    ActivityCondition,
    FieldCondition,
    Group,
    InList,
    InSegment,
    Node,
    Period,
    PropertyFilter,
    dumps,
    loads,
)
from sources.models import Source, SourceMember
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch
from tenants.models import AuditEntry, Tenant
from tests.cast import person, workspace
from tests.segments.rules.oracle import Happened, Oracle, Somebody
from tests.segments.rules.test_rule_form import fields
from tracking import contact_visits
from tracking.models import ContactVisit, Event, Site, Visitor

PEOPLE, RULES = 130, 160
ZONES = ["", "Europe/Riga", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]
# 29 February and the years without it, changes of clocks, ends of years.
CLOCKS = [
    datetime(2024, 2, 28, 23, 30), datetime(2024, 2, 29, 12), datetime(2023, 2, 28, 12), datetime(2023, 3, 1, 0),
    datetime(2026, 3, 29, 0, 59, 59), datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 0, 30), datetime(2026, 11, 1, 6),
    datetime(2026, 12, 31, 23, 59), datetime(2027, 1, 1, 0),
]  # fmt: skip
DAYS = ["2024-02-29", "2023-02-28", "2023-03-01", "2026-03-29", "2026-10-25", "2026-12-31", "2027-01-01", "2000-01-01"]
YEARLESS = ["--02-29", "--02-28", "--03-01", "--12-31", "--01-01", "--10-25"]
CITIES = ["Riga", "rīga", "RĪGA", "Zürich", "ZÜRICH West", "STRASSE", "30", "%", "a_b", "İzmir"]
OWN = {
    "size": "integer", "price": "decimal", "vip": "boolean", "tags": "choices", "seen": "datetime", "plan": "choice",
    "since": "date", "mobile": "phone",
}  # fmt: skip
PATHS = ["/", "/boots", "/Boots?utm=1", "/tents"]


class World:
    """A workspace with people, as the database has them and as the oracle knows them."""

    def __init__(self, tenant: Tenant, draw: random.Random) -> None:
        self.tenant, self.draw = tenant, draw
        self.people: dict[int, Somebody] = {}
        for key, kind in OWN.items():
            options = {"gold": "Gold", "free": "Free"} if kind == "choice" else {}
            Attribute.objects.create(key=key, label=key.title(), type=kind, options=options)
        Category.objects.create(name="News")
        self.site = Site.objects.create(name="shop.example", key="x-oracle")
        self.segments = [Segment.objects.create(name=name).pk for name in ("First", "Second")]
        self.sources = [Source.objects.create(name=n, type="customers", origin="segments").pk for n in ("S1", "S2")]
        self.imports = [self._import(f"{name}.csv").pk for name in ("one", "two")]
        for i in range(PEOPLE):
            self._person(i)
        self._pairs()
        self.kinds = {key: subject.kind for key, subject in rule_fields.everything().items()}

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def moment(self) -> datetime:
        """Near one of the clocks, often exactly at an edge of a window."""
        base = self.draw.choice(CLOCKS).replace(tzinfo=UTC)
        away = self.draw.choice([0, 0, 0, 0, 1, 2, 7, 7, 8, 30, 30, 31, 59, 90, 365, 366, -1, -7])
        edge = self.draw.choice([0, 0, 1, -1]) * timedelta(microseconds=1)
        hours = self.draw.choice([0, 0, 0, 0, 1, 5, 12, 23, -3])
        return base - timedelta(days=away, hours=hours) + edge

    def day(self) -> str:
        return self.moment().date().isoformat()

    def _import(self, name: str) -> Import:
        made: Import = Import.objects.create(
            file_name=name, path=name, size=1, sha256="0" * 64, dialect={}, header=[], mapping=[], options={},
            status="done", phase="done", origin="manual",
        )  # fmt: skip
        return made

    def _attributes(self) -> dict[str, Any]:
        draw = self.draw
        makers: dict[str, Any] = {
            "city": lambda: draw.choice(CITIES), "country": lambda: draw.choice(["LV", "NO"]),
            "language": lambda: draw.choice(["en", "lv"]), "company": lambda: draw.choice(["Acme", "ACME Ltd"]),
            "size": lambda: draw.choice([0, 7, 42, -3, "text", True, Decimal("7.0")]),
            "price": lambda: draw.choice([0, Decimal("7.5"), Decimal("7.50"), Decimal(100), Decimal("-0.01"), "12"]),
            "vip": lambda: draw.choice([True, False]),
            "tags": lambda: draw.sample(["new", "old", "loud"], draw.randint(1, 3)),
            "subscriptions": lambda: draw.sample(["News", "Sales"], draw.randint(1, 2)),
            "seen": lambda: draw.choice([_stored(self.moment()), _stored(self.moment()), "no time"]),
            "plan": lambda: draw.choice(["gold", "free"]), "mobile": lambda: draw.choice(["+37120000001", "+4740612345"]),
            "since": lambda: draw.choice([self.day(), self.day(), self.day(), "no day", "2024-02-29"]),
            "birthday": lambda: draw.choice([self.day(), self.day(), draw.choice(YEARLESS), "2000-02-29"]),
            "ads_consent": lambda: draw.choice(["granted", "denied"]),
        }  # fmt: skip
        return {key: make() for key, make in makers.items() if self.chance(0.7)}

    def _person(self, i: int) -> None:
        draw, attributes = self.draw, self._attributes()
        email = (
            f"{draw.choice(['anna', 'bert', 'c.d'])}{i}@{draw.choice(['x', 'y'])}.example" if self.chance(0.8) else None
        )
        phone = f"+371200000{i:02}" if self.chance(0.5) else None
        columns: dict[str, Any] = {
            "email": email, "phone": phone, "external_id": f"ID-{i}" if self.chance(0.5) else None,
            "first_key": name_key(draw.choice(["Anna", "Änne", "Bert"])) if self.chance(0.8) else None,
            "rating": draw.choice([None, 1, 3, 5]), "origin": draw.choice(["import", "form", "manual"]),
            "email_status": draw.choice(["active", "unsubscribed", "spam"]), "phone_status": "active",
            "email_status_at": draw.choice([None, self.moment()]), "created_at": self.moment(), "changed_at": self.moment(),
        }  # fmt: skip
        contact = Contact.objects.create(first_name=f"P{i}", attributes=attributes, **columns)
        who = self.people[contact.pk] = Somebody({**attributes, **columns, "first_name": columns["first_key"]})
        for key in ("email_status", "email_status_at"):
            who.values[key] = who.values[key] if email else None
        who.values["phone_status"] = "active" if phone else None
        self._history(contact.pk, who)
        self._lists(contact.pk, who)
        self._changes(contact.pk, who)

    def _history(self, pk: int, who: Somebody) -> None:
        visitors = [self._visitor(pk) for _ in range(self.draw.choice([0, 0, 1, 2]))]
        for _ in range(self.draw.choice([0, 1, 3, 8, 8])):
            self._event(pk, who, self.draw.choice([None, *visitors]))
        if visitors:
            contact_visits.refresh([pk])
            row = ContactVisit.objects.get(pk=pk)
            who.flags.add("visit.matched")
            who.values |= {
                "visit.first": row.first_seen, "visit.last": row.last_seen, "visit.visits": row.visits,
                "visit.pages": row.views, "visit.seconds": row.seconds, "visit.stage": row.stage, "visit.by": row.matched_by,
            }  # fmt: skip

    def _visitor(self, pk: int) -> int:
        first = self.moment()
        made = Visitor.objects.create(
            site_id=self.site.pk, device=uuid4(), contact_id=pk, claimed_at=first, first_seen=first,
            last_seen=max(first, self.moment()), views=self.draw.choice([0, 1, 5]), visits=self.draw.choice([0, 1, 2]),
            seconds=self.draw.choice([0, 30]), stage=self.draw.choice([0, 2]), matched_by=self.draw.choice(["email", None]),
        )  # fmt: skip
        return int(made.pk)

    def _event(self, pk: int, who: Somebody, visitor: int | None) -> None:
        draw = self.draw
        kind = draw.choice(["order", "order", "message", "message", "track", "action", "page", "page", "time"])
        at = self.moment()
        if kind in ("page", "time") and visitor and who.events and self.chance(0.5):
            at = who.events[-1].at + timedelta(minutes=draw.choice([0, 1, 30, 31]))
        values: dict[str, Any] = {"name": None, "url": None, "title": None, "properties": self._properties(kind)}
        if kind in ("track", "action"):
            values["name"] = draw.choice(["Signed up", "signed  UP", "Fair", "Ze\u0301"])
        if kind == "page":
            values |= {
                "url": "https://shop.example" + draw.choice(PATHS),
                "title": draw.choice(["Boots", "TENTS", None]),
            }
        claimed = visitor is not None and "$signed" not in values["properties"]
        event = Event.objects.create(
            tenant_id=self.tenant.pk, at=at, kind=kind, visitor_id=visitor, contact_id=None if visitor else pk,
            site_id=self.site.pk if visitor else None, **values,
        )  # fmt: skip
        who.events.append(Happened(kind, at, event.pk, **values, visitor=visitor, claimed=claimed))

    def _properties(self, kind: str) -> dict[str, Any]:
        draw = self.draw
        said: dict[str, Any] = {"shop": draw.choice(["Riga", "Zu\u0308rich", "RI  GA", 30, "30.0", "", None, True])}
        if kind == "order":
            amounts = [0, 10, Decimal("10.50"), Decimal(100), "10", -5, None]
            said |= {"amount": draw.choice(amounts), "currency": draw.choice(["EUR", "eur", "SEK", None])}
            said["items"] = draw.choice(
                [[{"name": "Tent"}, {"sku": "T-1"}], ["Stove", 3], [], "Tent", [{"product": "Big tent"}]]
            )
            said |= {"$signed": True} if self.chance(0.4) else {}
        if kind == "message":
            said |= {"status": draw.choice(["sent", "delivered", "read", "clicked", "undelivered", "spam"])}
            said |= draw.choice([{}, {"id": draw.choice(["m1", "m2"])}, {"message": draw.choice(["News", "m1"])}])
        return {key: value for key, value in said.items() if self.chance(0.8) or key == "status"}

    def _lists(self, pk: int, who: Somebody) -> None:
        own: dict[str, Any] = {"tenant_id": self.tenant.pk, "contact_id": pk, "added_at": CLOCKS[0].replace(tzinfo=UTC)}
        for segment in self.segments:
            if self.chance(0.4):
                Member.objects.create(segment_id=segment, **own)
                who.segments.add(segment)
        for source in self.sources:
            if self.chance(0.4):
                SourceMember.objects.create(source_id=source, **own)
                who.lists.add(("source", source))

    def _changes(self, pk: int, who: Somebody) -> None:
        for import_id in self.imports:
            if self.chance(0.4):
                at, key, undone = self.moment(), self.draw.choice(["city", "email"]), self.chance(0.2)
                RowEffect.objects.create(
                    tenant_id=self.tenant.pk, import_id=import_id, row_no=pk, contact_id=pk, outcome="u", at=at,
                    changed={key: ["a", "b"]}, undone="r" if undone else None,
                )  # fmt: skip
                if not undone:
                    who.lists.add(("import", import_id))
                    who.changes.append((key, at))
        if self.chance(0.3):
            at, key = self.moment(), self.draw.choice(["city", "price"])
            detail = {"contact": pk, "values": {key: [["a"], ["b"]]}}
            AuditEntry.objects.create(verb="contact.edited", object=f"contact {pk}", detail=detail, at=at)
            who.changes.append((key, at))

    def _pairs(self) -> None:
        ids = sorted(self.people)
        for low, high in zip(ids[::3], ids[1::3], strict=False):
            decision = self.draw.choice(["", "later", "not_same"])
            ProbablePair.objects.create(
                tenant_id=self.tenant.pk, low_id=low, high_id=high, group_id=low, strength=9.0, bits=9.0, print="x",
                decision=decision,
            )  # fmt: skip
            if decision != "not_same":
                self.people[low].flags.add("probable_duplicate")
                self.people[high].flags.add("probable_duplicate")


def _stored(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


@pytest.fixture(scope="module")
def world() -> World:
    tenant = workspace(person("oracle"), time_zone="Europe/Riga", country="LV")
    with tenant_context(tenant.pk):
        return World(tenant, random.Random(20261129))


# --- random rules -------------------------------------------------------------------------------------------------------

SPANS = st.sampled_from(["1", "7", "8", "30", "90", "365", "366", "500"])
WHOLE = st.sampled_from(["0", "1", "2", "3", "5", "7", "42"])
AMOUNT = st.sampled_from(["0", "5", "7.5", "10", "10.5", "20.5", "100", "110.50"])
TEXTS = st.sampled_from([*CITIES, "ri", "ZÜ", "west", "acme", "Zu\u0308rich"])


def _values(key: str, kind: str, op: str, takes: str) -> st.SearchStrategy[tuple[str, ...]]:
    if takes == "nothing":
        return st.just(())
    if takes == "days":
        return st.tuples(SPANS)
    one = _value(key, kind, op)
    if kind in ("date", "birthday", "time", "moment", "visited"):
        if takes == "two":
            return st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)) | st.tuples(
                st.sampled_from(YEARLESS), st.sampled_from(YEARLESS)
            )
        return st.tuples(st.sampled_from(DAYS + YEARLESS) if op == "on" else st.sampled_from(DAYS))
    if takes == "two":
        return st.tuples(one, one)
    return st.lists(one, min_size=1, max_size=3, unique=True).map(tuple) if takes == "many" else st.tuples(one)


CHOICES = {
    "email": ["anna0@x.example", "bert1@y.example", "c.d2@x.example"], "phone": ["+37120000001", "+37120000007"],
    "external_id": ["ID-1", "ID-2", "ID-30"], "first_name": ["anna", "Änne", "BERT"], "last_name": ["x"],
    "country": ["LV", "NO"], "language": ["en", "lv"], "plan": ["gold", "free"], "mobile": ["+37120000001", "+4740612345"],
    "tags": ["new", "old", "loud", "none"], "subscriptions": ["News"], "push_tokens": ["a"],
    "ads_consent": ["granted", "denied"],
    "email_status": ["active", "unsubscribed", "spam", "blacklisted"], "phone_status": ["active", "blacklisted"],
    "origin": ["import", "form", "manual", "api"], "visit.stage": ["0", "2", "3"], "visit.by": ["email", "phone"],
}  # fmt: skip
PARTS = {
    "email": ["anna", "@x.", "ert", "%"], "phone": ["+371", "200"], "external_id": ["id-1", "ID", "0"],
    "first_name": ["a", "än", "ber"], "mobile": ["+371", "+47"],
}  # fmt: skip


def _value(key: str, kind: str, op: str) -> st.SearchStrategy[str]:
    if kind in ("number", "count", "total"):
        return AMOUNT if kind == "number" else WHOLE
    if op in ("contains", "contains_not", "begins") and key in PARTS:
        return st.sampled_from(PARTS[key])
    return st.sampled_from(CHOICES[key]) if key in CHOICES else TEXTS


def _fields(kinds: dict[str, str]) -> st.SearchStrategy[FieldCondition]:
    usable = {
        key: kind for key, kind in kinds.items() if key not in ("website", "last_name", "push_tokens", "deleted_at")
    }

    @st.composite
    def condition(draw: st.DrawFn) -> FieldCondition:
        key = draw(st.sampled_from(sorted(usable)))
        operator = draw(st.sampled_from(of_kind(usable[key])))
        return FieldCondition(key, operator.key, draw(_values(key, usable[key], operator.key, operator.takes)))

    return condition()


PERIODS = st.one_of(
    st.builds(
        Period, st.sampled_from(["last", "ago"]), st.sampled_from([1, 2, 7, 8, 30, 31, 90, 365]), st.just("days")
    ),
    st.builds(Period, st.sampled_from(["last", "ago"]), st.sampled_from([1, 5, 24, 25, 168]), st.just("hours")),
    st.builds(Period, st.sampled_from(["last", "ago"]), st.sampled_from([1, 2, 12, 13]), st.just("months")),
    st.builds(Period, st.sampled_from(["this", "previous"]), unit=st.sampled_from(CALENDAR)),
    st.builds(Period, st.sampled_from(["before", "after", "since"]), start=st.sampled_from(DAYS)),
    st.builds(Period, st.just("between"), start=st.sampled_from(DAYS), stop=st.sampled_from(DAYS)),
)


@st.composite
def filters(draw: st.DrawFn) -> PropertyFilter:
    operator = draw(st.sampled_from(list(FILTERS.values())))
    if operator.takes == "number":
        return PropertyFilter(draw(st.sampled_from(["amount", "shop"])), operator.key, draw(AMOUNT))
    name = draw(st.sampled_from(["shop", "items", "url", "title", "amount", "message", "nothing"]))
    texts = ["Riga", "ri ga", "ZÜRICH", "30", "10.5", "tent", "T-1", "stove", "boots", "news", "true"]
    return PropertyFilter(name, operator.key, draw(st.sampled_from(texts)) if operator.takes == "text" else "")


@st.composite
def activities(draw: st.DrawFn) -> ActivityCondition:
    activity = draw(st.sampled_from(list(ACTIVITIES.values())))
    comparison = draw(st.sampled_from([one for one in COMPARISONS.values() if activity.measure in one.measures]))
    number = AMOUNT if activity.is_amount else WHOLE
    where = draw(st.lists(filters(), max_size=3).map(tuple))
    return ActivityCondition(
        activity.key, comparison.key, draw(number) if comparison.takes != "nothing" else "",
        draw(PERIODS) if comparison.key in ("first", "last") else draw(st.none() | PERIODS),
        draw(st.sampled_from(["", "signed up", "FAIR", "z\u00e9"])) if activity.named else "", where,
        draw(st.sampled_from(["all", "any"])) if len(where) > 1 else "all",
        draw(number) if comparison.takes == "two" else "",
        draw(st.sampled_from(["", "EUR", "SEK"])) if activity.is_amount else "",
    )  # fmt: skip


def rules(world: World) -> st.SearchStrategy[Group]:
    op = st.sampled_from(["in", "not_in"])
    lists = st.builds(InList, st.just("import"), st.sampled_from(world.imports), op) | st.builds(
        InList, st.just("source"), st.sampled_from(world.sources), op
    )
    line: st.SearchStrategy[Node] = st.one_of(
        _fields(world.kinds), _fields(world.kinds), activities(), activities(),
        st.builds(InSegment, st.sampled_from(world.segments), op), lists,
    )  # fmt: skip
    match = st.sampled_from(["all", "any", "none"])
    inner = st.builds(Group, match, st.lists(line, min_size=1, max_size=3).map(tuple))
    return st.builds(Group, match, st.lists(line | inner, min_size=1, max_size=3).map(tuple))


# --- compared -----------------------------------------------------------------------------------------------------------


def test_the_database_answers_as_the_oracle(world: World) -> None:
    """At least 20,000 pairs of a rule and a contact, each asked in both forms, without a difference."""
    pairs, tried = 0, set()

    @settings(max_examples=RULES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        nonlocal pairs
        rule = data.draw(rules(world))
        clock = EvaluationTime(
            data.draw(st.sampled_from(CLOCKS)).replace(tzinfo=UTC), data.draw(st.sampled_from(ZONES))
        )
        some = data.draw(st.lists(st.sampled_from(sorted(world.people)), max_size=20, unique=True))
        oracle = Oracle(clock.now, clock.zone, world.kinds)
        expected = {pk for pk, who in world.people.items() if oracle.means(rule, who)}
        assert loads(dumps(rule)) == rule
        scope = replace(compiler.context(), clock=clock)
        found = Contact.objects.filter(compiler.compile_rule(rule, scope))
        assert set(found.values_list("pk", flat=True)) == expected
        alone = Contact.objects.filter(compiler.compile_rule(rule, replace(scope, of=some)), pk__in=some)
        assert set(alone.values_list("pk", flat=True)) == expected & set(some)
        pairs += len(world.people)
        tried.add(rule)

    with tenant_context(world.tenant.pk):
        compare()
    assert pairs >= 20_000
    assert len(tried) > RULES // 2


def test_every_rule_goes_through_the_form_unchanged(world: World) -> None:
    """Rule → form → what a browser sends of it → rule; and its words are there."""

    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        rule = data.draw(rules(world))
        sent = QueryDict(urlencode(fields(rule_form.of_rule(rule)), doseq=True))
        form = rule_form.validate(rule_form.read(sent), compiler.context())
        assert [line.error for line in form.lines] == [""] * len(form.lines)
        assert form.rule == rule
        assert all(rule_text.phrases(rule))

    with tenant_context(world.tenant.pk):
        compare()


def test_whom_time_alone_changes_is_known(world: World) -> None:
    """Whoever a rule means at one moment and not at another is among those that its windows name; or a midnight has passed
    for a rule that asks for one."""
    changes = 0
    moving = activities().filter(lambda did: bool(schedule.needs(did).windows))

    @settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(moving, min_size=1, max_size=2).map(tuple), rules(world), st.sampled_from(["all", "any", "none"]))
    def compare(parts: tuple[Node, ...], more: Group, match: str) -> None:
        nonlocal changes
        rule = Group(match, (*parts, more))
        for now in CLOCKS[::2]:
            for hours in (1, 24, 24 * 30):
                before = EvaluationTime(now.replace(tzinfo=UTC), "Europe/Riga")
                changes += _changes_are_named(
                    world, rule, before, replace(before, now=before.now + timedelta(hours=hours))
                )

    with tenant_context(world.tenant.pk):
        compare()
        for activity in ACTIVITIES.values():
            for period in (
                Period("last", 7),
                Period("ago", 30),
                Period("last", 5, "hours"),
                Period("last", 1, "months"),
            ):
                did = ActivityCondition(activity.key, "at_most", "0", period)
                did = did if activity.is_amount else replace(did, times="last", count="")
                before = EvaluationTime(CLOCKS[4].replace(tzinfo=UTC), "Europe/Riga")
                for hours in (1, 12, 24 * 8):
                    after = replace(before, now=before.now + timedelta(hours=hours))
                    changes += _changes_are_named(world, Group("none", (did,)), before, after)
    assert changes > 150


def _changes_are_named(world: World, rule: Group, before: EvaluationTime, after: EvaluationTime) -> int:
    """How many contacts have entered or left."""
    needs = schedule.needs(rule)
    if needs.midnight and schedule.next_midnight(before) <= after.now:
        return 0
    named: set[int] = set()
    for did in needs.windows:
        for start, stop in schedule.moves(did, since=before, until=after):
            statement, values = schedule.doers(did, start=start, stop=stop)
            named |= {pk for (pk,) in fetch(statement, **values)}
    changed = _meant(world, rule, before) ^ _meant(world, rule, after)
    assert changed <= named
    return len(changed)


def _meant(world: World, rule: Group, clock: EvaluationTime) -> set[int]:
    oracle = Oracle(clock.now, clock.zone, world.kinds)
    return {pk for pk, who in world.people.items() if oracle.means(rule, who)}


def test_each_operator_alone_answers_as_the_oracle(world: World) -> None:
    """Every operator of every field, with some values, so that none is left to chance."""
    with tenant_context(world.tenant.pk):
        nodes = _one_of_each(world)
        assert {node.op for node in nodes} == set(OPERATORS)
        for now, zone in ((CLOCKS[1], "Europe/Riga"), (CLOCKS[2], "Pacific/Apia"), (CLOCKS[4], "America/New_York")):
            _compare(world, nodes, EvaluationTime(now.replace(tzinfo=UTC), zone))


def test_each_activity_alone_answers_as_the_oracle(world: World) -> None:
    """Every comparison of every activity, ever, in a window, in a part of the calendar, and between days."""
    spans = [
        None,
        Period("last", 7),
        Period("ago", 30),
        Period("previous", unit="month"),
        Period("since", start="2026-03-29"),
    ]
    nodes: list[Node] = []
    for activity in ACTIVITIES.values():
        numbers = ["0", "10.5", "100"] if activity.is_amount else ["0", "2"]
        for comparison in COMPARISONS.values():
            if activity.measure not in comparison.measures:
                continue
            for period in spans[1:] if comparison.key in ("first", "last") else spans:
                for number in numbers if comparison.takes != "nothing" else [""]:
                    until = numbers[-1] if comparison.takes == "two" else ""
                    nodes.append(ActivityCondition(activity.key, comparison.key, number, period, until=until))
    with tenant_context(world.tenant.pk):
        _compare(world, nodes, EvaluationTime(CLOCKS[4].replace(tzinfo=UTC), "Europe/Riga"))


def test_no_rows_of_others_are_read_for_some(world: World) -> None:
    """Compiled for some contacts, a condition that has to find somebody finds nobody else, wherever it is asked."""
    some = sorted(world.people)[10:40]
    yes = [node for node in _one_of_each(world) if world.kinds[node.key] in ("flag", "visited") or node.op == "changed"]
    did = [ActivityCondition(key, "at_least", "1") for key, one in ACTIVITIES.items() if not one.is_amount]
    listed: list[Node] = [
        InSegment(world.segments[0]),
        InList("import", world.imports[0]),
        InList("source", world.sources[0]),
    ]
    with tenant_context(world.tenant.pk):
        scope, found = compiler.context(), set()
        for node in [*(node for node in yes if node.op not in ("no", "empty")), *did, *listed]:
            rule = Group("all", (node,))
            few = Contact.objects.filter(compiler.compile_rule(rule, replace(scope, of=some))).values_list(
                "pk", flat=True
            )
            assert set(few) <= set(some), node
            found |= set(few)
    assert len(found) > len(some) // 2


def _compare(world: World, nodes: Sequence[Node], clock: EvaluationTime) -> None:
    scope, oracle = replace(compiler.context(), clock=clock), Oracle(clock.now, clock.zone, world.kinds)
    for node in nodes:
        found = Contact.objects.filter(compiler.compile_rule(Group("all", (node,)), scope)).values_list("pk", flat=True)
        assert set(found) == {pk for pk, who in world.people.items() if oracle.means(node, who)}, node


def _one_of_each(world: World) -> list[FieldCondition]:
    numbers: dict[str, list[tuple[str, ...]]] = {
        "one": [("7",), ("0",), ("1",)],
        "many": [("7", "0"), ("1",)],
        "two": [("0", "7"), ("1", "2")],
    }
    days: dict[str, list[tuple[str, ...]]] = {
        "one": [("2024-02-29",)],
        "two": [("2023-02-28", "2024-02-29")],
        "days": [("1",), ("30",)],
    }
    yearless = [("--12-01", "--02-28"), ("--02-28", "--12-01")]
    found = []
    for key, kind in world.kinds.items():
        for operator in of_kind(kind):
            if operator.takes == "nothing":
                samples: list[tuple[str, ...]] = [()]
            elif kind in ("number", "count", "total"):
                samples = numbers.get(operator.takes) or days[operator.takes]
            elif kind in ("date", "birthday", "time", "moment", "visited") or operator.takes == "days":
                samples = [*days[operator.takes], *(yearless if operator.takes == "two" else [])]
            else:
                samples = [(CHOICES.get(key, ["https://example.com" if key == "website" else "Riga"])[0],)]
            found += [FieldCondition(key, operator.key, values) for values in samples]
    return found
