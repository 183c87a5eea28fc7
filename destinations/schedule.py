"""When a sync runs next."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from destinations.models import Schedule

HOUR = timedelta(hours=1)
NIGHT = time(3, 0)


def following(now: datetime, *, schedule: str, daily_at: time | None, zone: str) -> datetime | None:
    """The first moment after `now` at which the schedule says so; None: never by itself. A time that a day does not have,
    because clocks go forward, is the moment after the jump."""
    if schedule == Schedule.HOURLY:
        return now + HOUR
    if schedule != Schedule.DAILY:
        return None
    place = ZoneInfo(zone)
    local = now.astimezone(place)
    for days in (0, 1, 2):
        day = local.date() + timedelta(days=days)
        moment = datetime.combine(day, daily_at or NIGHT, tzinfo=place).astimezone(now.tzinfo)
        if moment > now:
            return moment
    raise AssertionError("a day has a time")
