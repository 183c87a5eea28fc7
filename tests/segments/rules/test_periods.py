"""Periods: their edges over changes of clocks, ends of months and years, and what they are read from."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.values.types import BadValue
from segments.rules import periods
from segments.rules.operators import EvaluationTime
from segments.rules.tree import CALENDAR, UNITS, Period

RIGA = "Europe/Riga"
DAY = Period("between", start="2026-03-29", stop="2026-03-29")


def clock(now: str, zone: str = RIGA) -> EvaluationTime:
    return EvaluationTime(datetime.fromisoformat(now).replace(tzinfo=UTC), zone)


@pytest.mark.parametrize(
    ("period", "now", "start", "stop"),
    [
        # The night of 29 March has an hour less: an hour is an hour, and a day 24 of them.
        (Period("last", 5, "hours"), "2026-03-29T05:00", "2026-03-29T00:00", "2026-03-29T05:00"),
        (Period("last", 1), "2026-03-29T12:00", "2026-03-28T12:00", "2026-03-29T12:00"),
        (Period("ago", 2), "2026-03-30T12:00", None, "2026-03-28T12:00"),
        # Months begin at midnight of the workspace: 22:00 of the day before, or 21:00 in summer.
        (Period("last", 1, "months"), "2026-03-31T12:00", "2026-02-27T22:00", "2026-03-31T12:00"),
        (Period("last", 1, "months"), "2024-03-31T12:00", "2024-02-28T22:00", "2024-03-31T12:00"),
        (Period("last", 12, "months"), "2024-02-29T12:00", "2023-02-27T22:00", "2024-02-29T12:00"),
        (Period("ago", 6, "months"), "2026-12-31T12:00", None, "2026-06-29T21:00"),
        (Period("this", unit="day"), "2026-03-29T12:00", "2026-03-28T22:00", "2026-03-29T21:00"),
        (Period("previous", unit="day"), "2026-10-26T12:00", "2026-10-24T21:00", "2026-10-25T22:00"),
        (Period("this", unit="week"), "2026-11-29T12:00", "2026-11-22T22:00", "2026-11-29T22:00"),
        (Period("previous", unit="week"), "2026-11-30T12:00", "2026-11-22T22:00", "2026-11-29T22:00"),
        (Period("this", unit="month"), "2026-02-28T22:30", "2026-02-28T22:00", "2026-03-31T21:00"),
        (Period("previous", unit="month"), "2026-01-01T12:00", "2025-11-30T22:00", "2025-12-31T22:00"),
        (Period("this", unit="quarter"), "2026-05-15T12:00", "2026-03-31T21:00", "2026-06-30T21:00"),
        (Period("previous", unit="quarter"), "2026-02-15T12:00", "2025-09-30T21:00", "2025-12-31T22:00"),
        (Period("this", unit="year"), "2026-02-15T12:00", "2025-12-31T22:00", "2026-12-31T22:00"),
        (Period("previous", unit="year"), "2026-02-15T12:00", "2024-12-31T22:00", "2025-12-31T22:00"),
        (DAY, "2026-05-01T00:00", "2026-03-28T22:00", "2026-03-29T21:00"),
        (Period("before", start="2026-03-29"), "2026-05-01T00:00", None, "2026-03-28T22:00"),
        (Period("after", start="2026-03-29"), "2026-05-01T00:00", "2026-03-29T21:00", None),
        (Period("since", start="2026-03-29"), "2026-05-01T00:00", "2026-03-28T22:00", None),
    ],
)  # fmt: skip
def test_the_edges_of_periods(period: Period, now: str, start: str | None, stop: str | None) -> None:
    found = periods.bounds(period, clock(now))
    assert [at and at.astimezone(UTC).isoformat()[:16] for at in found] == [start, stop]


def test_days_at_the_ends_of_the_calendar_are_no_error() -> None:
    for day in ("0001-01-01", "9999-12-31"):
        for period in (Period("since", start=day), Period("after", start=day), Period("between", start=day, stop=day)):
            start, stop = periods.bounds(period, clock("2026-05-01T00:00", "Pacific/Apia"))
            assert start is not None
            assert stop is None or start < stop


ALL = st.one_of(
    st.builds(Period, st.sampled_from(["last", "ago"]), st.integers(1, 120), st.sampled_from(list(UNITS))),
    st.builds(Period, st.sampled_from(["this", "previous"]), unit=st.sampled_from(CALENDAR)),
    st.builds(Period, st.sampled_from(["before", "after", "since"]), start=st.dates().map(date.isoformat)),
    st.builds(Period, st.just("between"), start=st.dates().map(date.isoformat), stop=st.dates().map(date.isoformat)),
)
ZONES = st.sampled_from(
    ["", RIGA, "America/New_York", "America/Havana", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"]
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@given(ALL, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)), ZONES)
def test_time_moves_edges_forwards_alone(period: Period, now: datetime, later: timedelta, zone: str) -> None:
    """Whatever the clocks do, an event that has left a window does not come in again by an edge that goes back."""
    before = periods.bounds(period, EvaluationTime(now, zone))
    after = periods.bounds(period, EvaluationTime(now + later, zone))
    for one, other in zip(before, after, strict=True):
        assert (one is None) is (other is None)
        if one is not None and other is not None:
            assert one <= other
            days = [at.astimezone(ZoneInfo(zone or "UTC")).date() for at in (now, now + later)]
            if one != other:
                assert periods.moves_on(period) or days[0] != days[1]


@given(ALL)
def test_what_is_read_is_known_and_stays_as_it_is(period: Period) -> None:
    assert periods.is_known(period)
    assert periods.read(period) == period


@pytest.mark.parametrize(
    "period",
    [
        Period("never"), Period("last"), Period("last", 3, "years"), Period("ago", 121, "months"),
        Period("this", unit="days"),
    ],
)  # fmt: skip
def test_periods_that_there_are_not(period: Period) -> None:
    assert not periods.is_known(period)


@pytest.mark.parametrize(
    "period",
    [Period("since", start=""), Period("since", start="soon"), Period("between", start="2026-01-01", stop="x")],
)
def test_days_that_are_none(period: Period) -> None:
    with pytest.raises(BadValue):
        periods.read(period)


def test_days_are_read_like_those_of_files() -> None:
    assert periods.read(Period("since", start=" 31.01.2026 ", stop="x")) == Period("since", start="2026-01-31")
