"""What is sent: the events of a delivery with what is known of their subjects now."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.utils import timezone

from contacts.models import Contact
from destinations.models import Sync, SyncRun
from imports.models import Import
from segments.models import Segment
from tenants.isolation.context import current_tenant
from tenants.models import Tenant


def of(message_id: str, events: Sequence[Mapping[str, Any]]) -> bytes:
    """The JSON of one request: workspace, time, and the events."""
    slug = Tenant.objects.values_list("slug", flat=True).get(pk=current_tenant())
    body = {"id": message_id, "workspace": slug, "sent_at": timezone.now(), "events": _complete(events)}
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def _complete(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    contacts = dict(
        Contact.objects.filter(pk__in={e["contact_id"] for e in events if "contact_id" in e}).values_list(
            "pk", "external_id"
        )
    )
    segments = dict(
        Segment.objects.filter(pk__in={e["segment_id"] for e in events if "segment_id" in e}).values_list("pk", "name")
    )
    imports = Import.objects.in_bulk({e["import_id"] for e in events if "import_id" in e})
    runs = SyncRun.objects.in_bulk({e["run_id"] for e in events if "run_id" in e})
    syncs = dict(Sync.objects.filter(pk__in={run.sync_id for run in runs.values()}).values_list("pk", "name"))
    return [
        _one(event, contacts, segments, imports) | _of_run(runs.get(event.get("run_id", 0)), syncs) for event in events
    ]


def _of_run(run: SyncRun | None, names: Mapping[int, str]) -> dict[str, Any]:
    if run is None:
        return {}
    figures = {name: getattr(run, name) for name in ("processed", "added", "changed", "removed")}
    said = {"id": run.sync_id, "name": names.get(run.sync_id), "run": run.pk, "kind": run.kind, "status": run.state}
    return {"sync": {**said, "error": run.error, **figures, "rejected": run.rejections}}


def _one(
    event: Mapping[str, Any], contacts: Mapping[int, str | None], segments: Mapping[int, str], imports: Mapping[int, Import]
) -> dict[str, Any]:  # fmt: skip
    said: dict[str, Any] = {"type": event["type"], "at": event["at"].replace("+00:00", "Z")}
    if "contact_id" in event:
        pk = event["contact_id"]
        said["contact"] = {"id": pk, **({"external_id": contacts[pk]} if pk in contacts else {})}
    if "segment_id" in event:
        said["segment"] = {"id": event["segment_id"], "name": segments.get(event["segment_id"])}
    if imp := imports.get(event.get("import_id", 0)):
        said["import"] = {
            "id": imp.pk,
            "file_name": imp.file_name,
            "status": imp.status,
            "reason": imp.reason,
            **imp.counts,
        }
    return said | {key: event[key] for key in ("cause", "merged_into") if key in event}
