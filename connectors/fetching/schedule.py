"""When a place is looked at: every so many minutes, or daily at a time by the clock of the workspace."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

# Minutes → words. 0 is daily, at a time.
CHOICES = {5: "every 5 minutes", 15: "every 15 minutes", 60: "hourly", 360: "every 6 hours", 0: "daily at"}


def following(now: datetime, *, every_minutes: int, daily_at: time | None, zone: str) -> datetime:
    """The next time after now. A missed one is not made up for."""
    if every_minutes:
        return now + timedelta(minutes=every_minutes)
    local = now.astimezone(ZoneInfo(zone))
    at = daily_at or time(3, 0)
    day = local.date() if local.time() < at else local.date() + timedelta(days=1)
    # A time that a change of the clock leaves out is an hour later.
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(now.tzinfo)


def words(*, every_minutes: int, daily_at: time | None) -> str:
    """The schedule as a page says it."""
    return f"daily at {daily_at or time(3, 0):%H:%M}" if not every_minutes else CHOICES.get(
        every_minutes, f"every {every_minutes} minutes"
    )  # fmt: skip
