"""Days that begin at no midnight, have another length or are missing, and the first and the last day that there is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contacts.models import Contact
from segments.rules import compiler
from segments.rules.tree import ActivityCondition, FieldCondition, Group, Node, Period
from tenants.isolation.context import tenant_context
from tests.cast import person, workspace

# Zone and a day: summer begins at midnight, ends at midnight or an hour after it, and a day that was left out.
ODD = (
    ("America/Sao_Paulo", "2018-11-04"), ("America/Sao_Paulo", "2018-02-18"), ("Africa/Cairo", "2026-04-24"),
    ("Africa/Cairo", "2026-10-30"), ("Asia/Beirut", "2026-03-29"), ("Asia/Beirut", "2026-10-25"),
    ("America/Havana", "2026-11-01"), ("Pacific/Apia", "2011-12-30"), ("Pacific/Apia", "2011-12-31"),
)  # fmt: skip
EXTREME = ("0002-01-01", "0002-01-02", "9999-12-30", "9999-12-31")
ZONES = ("Pacific/Kiritimati", "Etc/GMT+12", "America/Sao_Paulo", "UTC")


def found(*parts: Node) -> set[int]:
    rule = compiler.compile_rule(Group("all", parts))
    return set(Contact.objects.filter(rule).values_list("pk", flat=True))


@pytest.mark.parametrize(("zone", "day"), ODD)
def test_every_half_hour_is_before_on_or_after_an_odd_day(zone: str, day: str) -> None:
    place, noon = workspace(person("odd"), time_zone=zone), datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC)
    with tenant_context(place.pk):
        for half in range(-96, 96):
            Contact.objects.create(first_name="A", created_at=noon + timedelta(minutes=30 * half))
        local = {c.pk: c.created_at.astimezone(ZoneInfo(zone)).date().isoformat() for c in Contact.objects.all()}
        by = {op: found(FieldCondition("created_at", op, (day,))) for op in ("before", "on", "after")}
        assert by["before"] == {pk for pk, own in local.items() if own < day}
        assert by["on"] == {pk for pk, own in local.items() if own == day}
        assert by["after"] == {pk for pk, own in local.items() if own > day}
        assert found(FieldCondition("created_at", "between", (day, day))) == by["on"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", EXTREME)
def test_the_first_and_the_last_day_can_be_asked_for(zone: str, day: str) -> None:
    place = workspace(person("extreme"), time_zone=zone)
    with tenant_context(place.pk):
        Contact.objects.create(first_name="A")
        for field in ("created_at", "visit.last", "email_status_at"):
            for op in ("before", "on", "after"):
                found(FieldCondition(field, op, (day,)))
            found(FieldCondition(field, "between", (day, "9999-12-31")))
            found(FieldCondition(field, "between", ("0002-01-01", day)))
        assert len(found(FieldCondition("created_at", "after", (day,)))) == (day < "1000")
        for period in (
            Period("before", start=day), Period("after", start=day), Period("since", start=day),
            Period("between", start=day, stop="9999-12-31"), Period("between", start="0002-01-01", stop=day),
        ):  # fmt: skip
            for times in ("first", "last", "never"):
                found(ActivityCondition("order", times, "", period))
