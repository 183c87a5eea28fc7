"""The imports that add contacts to segments (contacts.extensions)."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from imports.models import Import, Status
from imports.options import Options
from segments.models import Segment

# Imports that will still write, or whose undo does.
_RUNNING = (Status.PREPARING, Status.READY, Status.IMPORTING, Status.UNDOING)
# So many of the last imports are looked at.
MOST = 1_000


def of_imports(segment_ids: Sequence[int]) -> list[tuple[int, str, str, str, bool]]:
    """(segment, kind, name, address, whether it still runs) of the imports that add contacts to the segments, the latest
    first. One that runs would find the segment gone, so the segment cannot be deleted before it has ended."""
    names = dict(Segment.objects.filter(pk__in=segment_ids).values_list("name", "pk"))
    imports = Import.objects.filter(status__in=(*_RUNNING, Status.IMPORTED)).order_by("-pk")
    shown = imports.only("pk", "file_name", "status", "options", "segments", "review")[:MOST]
    found = []
    for imp in shown:
        running = imp.status in _RUNNING
        kind = "Import in progress" if running else "Import"
        for segment_id in sorted(_named(imp, names, running=running).intersection(segment_ids)):
            url = reverse("imports:detail", args=[imp.pk])
            found.append((segment_id, kind, imp.file_name, url, running))
    return found


def _named(imp: Any, names: dict[str, int], *, running: bool) -> set[int]:
    """The segments of an import: by number once it writes, before that by the names in its settings and its rows."""
    known = {int(pk) for pk in imp.segments.values()}
    if running:
        said = [*Options.parse(imp.options).segments, *(s["name"] for s in (imp.review or {}).get("segments", []))]
        known |= {names[name] for name in said if name in names}
    return known
