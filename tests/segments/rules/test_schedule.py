"""What the passing of time changes for a rule, and whom to look at again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contacts.models import Contact
from segments.rules import compiler, schedule
from segments.rules.operators import EvaluationTime
from segments.rules.schedule import TimeNeeds
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment, Node, Period
from tenants.isolation.statements import fetch
from tenants.models import Tenant
from tracking.models import Event

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
WEEK = ActivityCondition("order", "at_least", "1", Period("last", 7))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (FieldCondition("city", "is", ("Riga",)), TimeNeeds(False, ())),
        (FieldCondition("created_at", "between", ("2026-01-01", "2026-02-01")), TimeNeeds(False, ())),
        (FieldCondition("created_at", "within", ("7",)), TimeNeeds(True, ())),
        (FieldCondition("birthday", "comes", ("7",)), TimeNeeds(True, ())),
        (FieldCondition("city", "no such operator"), TimeNeeds(False, ())),
        (ActivityCondition("order", "at_least", "1"), TimeNeeds(False, ())),
        (WEEK, TimeNeeds(False, (WEEK,))),
        (InSegment(1), TimeNeeds(False, ())),
        (
            Group("any", (WEEK, Group("none", (WEEK, FieldCondition("created_at", "longer_ago", ("7",)))))),
            TimeNeeds(True, (WEEK,)),
        ),
    ],
)
def test_what_time_changes(rule: Node, expected: TimeNeeds) -> None:
    assert schedule.needs(rule) == expected


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        ("2026-03-28T12:00:00+00:00", "Europe/Riga", "2026-03-28T22:00:00+00:00"),
        ("2026-03-28T22:00:00+00:00", "Europe/Riga", "2026-03-29T21:00:00+00:00"),  # a day of 23 hours
        ("2026-10-24T21:00:00+00:00", "Europe/Riga", "2026-10-25T22:00:00+00:00"),  # and one of 25
        ("2026-03-10T00:00:00+00:00", "", "2026-03-11T00:00:00+00:00"),
    ],
)
def test_the_next_midnight(now: str, zone: str, expected: str) -> None:
    clock = EvaluationTime(datetime.fromisoformat(now), zone)
    assert schedule.next_midnight(clock) == datetime.fromisoformat(expected)


def test_whoever_is_meant_no_longer_is_among_those_whom_the_window_has_passed(inside: Tenant) -> None:
    """The set that changes between two moments is within what `moves` and `doers` say."""
    ids = [Contact.objects.create(first_name=f"P{i}", origin="manual").pk for i in range(12)]
    for i, pk in enumerate(ids):
        at = NOW - timedelta(days=8) + timedelta(days=i)
        Event.objects.create(tenant_id=inside.pk, at=at, kind="order" if i % 5 else "page", contact_id=pk)

    def meant(now: datetime) -> set[int]:
        scope = replace(compiler.context(), clock=EvaluationTime(now))
        return set(
            Contact.objects.filter(compiler.compile_rule(Group("all", (WEEK,)), scope)).values_list("pk", flat=True)
        )

    later = NOW + timedelta(days=2)
    spans = schedule.moves(WEEK, since=EvaluationTime(NOW), until=EvaluationTime(later))
    assert spans == [(NOW - timedelta(days=7), NOW - timedelta(days=5)), (NOW, later)]
    passed = set()
    for start, stop in spans:
        statement, values = schedule.doers(WEEK, start=start, stop=stop)
        passed |= {pk for (pk,) in fetch(statement, **values)}
    changed = meant(NOW) ^ meant(later)
    assert len(changed) == 4
    assert changed <= passed < set(ids)
    assert schedule.moves(WEEK, since=EvaluationTime(NOW), until=EvaluationTime(NOW)) == []
