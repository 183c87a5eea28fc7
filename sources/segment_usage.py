"""The sources that use segments (contacts.extensions)."""

from collections.abc import Sequence

from django.urls import reverse

from sources.models import Origin, Source


def of_sources(segment_ids: Sequence[int]) -> list[tuple[int, str, str, str, bool]]:
    """(segment, kind, name, address, True) of each source that collects its contacts from the segments: it would list no
    contacts without them, so they cannot be deleted."""
    wanted = set(segment_ids)
    sources = Source.objects.filter(origin=Origin.SEGMENTS, archived_at=None).order_by("name", "pk")
    return [
        (segment_id, "Source", source.name, reverse("sources:detail", args=[source.pk]), True)
        for source in sources
        for segment_id in sorted(wanted.intersection(source.segments))
    ]
