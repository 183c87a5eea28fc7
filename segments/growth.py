"""The size of a segment over time, as a chart."""

from datetime import datetime, timedelta

from core import charts
from core.charts import Chart
from core.formatting import number
from segments.models import Segment
from tenants.isolation.statements import fetch

DAYS = 90
# The last size of each day.
BY_DAY = """
SELECT DISTINCT ON (date_trunc('day', z.hour)) date_trunc('day', z.hour), z.size FROM segment_size z
WHERE z.tenant_id = %(tenant)s AND z.segment_id = %(segment)s AND z.hour >= %(since)s
ORDER BY date_trunc('day', z.hour), z.hour DESC"""


def chart(segment: Segment, *, now: datetime) -> Chart | None:
    """The sizes at the end of the days of the last months, a day without one with that of the day before; None while there
    are fewer than two days."""
    known = fetch(BY_DAY, segment=segment.pk, since=now - timedelta(days=DAYS))
    if len(known) < 2:
        return None
    by_day = {at.date(): int(size) for at, size in known}
    first, last = min(by_day), max(by_day)
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    sizes, size = [], 0
    for day in days:
        size = by_day.get(day, size)
        sizes.append(size)
    labels = [f"{day.day} {day:%b}" for day in days]
    sentence = f"{number(sizes[-1])} contacts on {labels[-1]}, from {number(sizes[0])} on {labels[0]}"
    return charts.line(labels, sizes, name="Contacts", sentence=sentence)
