"""A run of a connector that somebody starts: files are looked for at once, not at the next time."""

from connectors import pickup
from connectors.fetching import job
from connectors.models import Connector
from tenants import audit
from tenants.isolation.context import current_tenant
from tenants.tasks import defer


def start(connector: Connector, *, user_id: int | None) -> None:
    """Let a worker import what is complete, without waiting for it to be quiet, or fetch what is new."""
    tenant_id = current_tenant()
    if connector.fetches:
        defer(job.TASK, tenant_id=tenant_id, connector_id=connector.pk)
    else:
        defer(pickup.TASK, tenant_id=tenant_id, connector_id=connector.pk, hurry=1)
    audit.record("connector.looked", user_id=user_id, target=f"connector {connector.pk}")
