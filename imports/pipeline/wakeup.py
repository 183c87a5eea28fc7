"""Telling workers to look at an import. A message may be lost: the mark in `wake` and the sweep make up for it."""

from django.conf import settings

from tenants import pending_work
from tenants.isolation.context import current_tenant
from tenants.tasks import defer

KIND = "imports"
TASK = "imports.work"


def send(import_id: int, *, messages: int | None = None) -> None:
    """Tell workers, once the transaction has committed; by default as many as there are processes."""
    pending_work.mark_pending(KIND)
    for _ in range(settings.WORKERS if messages is None else messages):
        defer(TASK, tenant_id=current_tenant(), import_id=import_id)
