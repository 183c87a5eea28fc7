"""Other work of workspaces: refreshes, lookalikes, data syncs, bulk actions. By the marks of pending work, which name no
contact and are readable by all (tenants.pending_work)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import redis
from django.db.models import Count, Min

from core.counters import Counters
from tenants.models import PendingWork
from tenants.workspaces import WorkspaceLink

# Kinds of pending work as people know them; imports have a list of their own.
LABELS = {
    "segments": "Segments to refresh",
    "sources": "Sources to refresh",
    "lookalikes": "Lookalikes",
    "syncs": "Data syncs",
    "bulk": "Bulk actions",
    "probable": "Searches for probable duplicates",
    "identity": "Visitors to match",
    "segment_uploads": "Files of segment members",
    "connectors": "Connectors that fetch",
    "webhooks": "Webhook deliveries",
    "outbox": "E-mails to send",
}


# Jobs that are counted when they fail, by their name in the counter.
_FAILED = {
    "source": "Refreshes of sources",
    "lookalike": "Lookalikes",
    "sync": "Data syncs",
    "bulk_action": "Bulk actions",
    "segment_upload": "Files of segment members",
    "probable_search": "Searches for probable duplicates",
    "segment": "Refreshes of segments",
}


@dataclass(frozen=True)
class Waiting:
    """Work of one kind: in how many workspaces it waits, and for how many seconds the longest."""

    label: str
    workspaces: int
    seconds: float


def waiting(places: Sequence[WorkspaceLink], *, now: datetime) -> list[Waiting]:
    """Work that waits in these workspaces, by kind."""
    marks = PendingWork.objects.filter(tenant_id__in=[place.id for place in places], kind__in=LABELS)
    rows = {row["kind"]: row for row in marks.values("kind").annotate(n=Count("pk"), since=Min("since"))}
    return [
        Waiting(label, rows[kind]["n"], (now - rows[kind]["since"]).total_seconds())
        for kind, label in LABELS.items()
        if kind in rows
    ]


def failures() -> list[tuple[str, int]]:
    """Work that failed, other than imports: what, and how often in all workspaces together. Nothing while Valkey is away."""
    try:
        counted = Counters.read().of("job_failures")
    except redis.RedisError:
        return []
    return sorted((_FAILED.get(name, name), count) for name, count in counted.items() if count)
