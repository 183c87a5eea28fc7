"""The size of a segment over time, as a chart."""

from datetime import datetime, timedelta

from core import charts
from core.charts import Chart
from core.formatting import number
from segments.models import Segment
from tenants.isolation.statements import fetch
from tenants.models import Tenant

DAYS = 90
# The last size of each day of the workspace.
BY_DAY = """
SELECT DISTINCT ON (d.day) d.day, d.size FROM (
  SELECT (z.hour AT TIME ZONE %(zone)s)::date AS day, z.hour, z.size FROM segment_size z
  WHERE z.tenant_id = %(tenant)s AND z.segment_id = %(segment)s AND z.hour >= %(since)s) d
ORDER BY d.day, d.hour DESC"""


def chart(segment: Segment, *, now: datetime) -> Chart | None:
    """The sizes at the end of the days of the last months, a day without one with that of the day before; None while there
    are fewer than two days."""
    zone = Tenant.objects.get(pk=segment.tenant_id).time_zone or "UTC"
    known = fetch(BY_DAY, segment=segment.pk, since=now - timedelta(days=DAYS), zone=zone)
    if len(known) < 2:
        return None
    by_day = {day: int(size) for day, size in known}
    first, last = min(by_day), max(by_day)
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    sizes, size = [], 0
    for day in days:
        size = by_day.get(day, size)
        sizes.append(size)
    labels = [f"{day.day} {day:%b}" for day in days]
    sentence = f"{number(sizes[-1])} contacts on {labels[-1]}, from {number(sizes[0])} on {labels[0]}"
    return charts.line(labels, sizes, name="Contacts", sentence=sentence)
