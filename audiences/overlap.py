"""How many members an audience has in common with other audiences."""

from dataclasses import dataclass

from audiences.models import Audience
from contacts import figures_cache
from contacts.identity.queries import set_work_mem
from segments.models import Segment
from tenants.isolation.statements import fetch, hash_joins

SHOWN, SECONDS, MEGABYTES = 5, 30, 64
# Members of one segment that are in others too, by the other one.
SHARED = """
SELECT o.segment_id, count(*) FROM segment_member m
JOIN segment_member o ON o.tenant_id = %(tenant)s AND o.contact_id = m.contact_id AND o.segment_id = ANY(%(others)s)
WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s GROUP BY o.segment_id"""


@dataclass(frozen=True)
class Shared:
    """Another audience: its size, and how many contacts are in both. On one scale, the place and width of the bars in
    percent: of this audience, of the other, of both."""

    audience: Audience
    size: int
    both: int
    of_this: int

    @property
    def _whole(self) -> int:
        return max(self.of_this + self.size - self.both, 1)

    @property
    def bars(self) -> dict[str, str]:
        this, other, both = (100 * count / self._whole for count in (self.of_this, self.size, self.both))
        return {
            "this": f"{this:.2f}", "other": f"{other:.2f}", "other_at": f"{this - both:.2f}", "both": f"{both:.2f}",
        }  # fmt: skip


def of_audience(audience: Audience, size: int) -> list[Shared]:
    """The audiences that share most contacts with one, at most SHOWN, as they were some seconds ago."""
    others = {one.segment_id: one for one in Audience.objects.filter(archived_at=None).exclude(pk=audience.pk)}
    counts = figures_cache.figures(
        f"audience.{audience.pk}", lambda: _count(audience, list(others)), while_writing=SECONDS, otherwise=SECONDS
    )
    sizes = dict(Segment.everything.filter(pk__in=others).values_list("pk", "size"))
    found = [
        Shared(others[segment_id], max(sizes[segment_id], both), both, max(size, both))
        for segment_id, both in counts
        if segment_id in others and segment_id in sizes
    ]
    return sorted(found, key=lambda one: (-one.both, one.audience.name))[:SHOWN]


def _count(audience: Audience, others: list[int]) -> list[list[int]]:
    if not others:
        return []
    set_work_mem(MEGABYTES)
    with hash_joins():
        return [list(row) for row in fetch(SHARED, segment=audience.segment_id, others=others)]
