"""Other work of workspaces: refreshes, lookalikes, data syncs, bulk actions. By the marks of pending work, which name no
contact and are readable by all (tenants.pending_work)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

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
