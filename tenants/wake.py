"""Which workspaces have work waiting. A hint for sweepers: the work itself is in the tenants' tables."""

from tenants.context import current_tenant
from tenants.models import Wake


def mark(kind: str) -> None:
    """Remember that the current tenant has work of this kind. Idempotent."""
    Wake.objects.get_or_create(tenant_id=current_tenant(), kind=kind)


def done(kind: str) -> None:
    """Forget the mark. Call only in a transaction that has seen that nothing is left."""
    Wake.objects.filter(tenant_id=current_tenant(), kind=kind).delete()


def waiting(kind: str) -> list[int]:
    """Ids of tenants with work of this kind, the longest waiting first."""
    return list(Wake.objects.filter(kind=kind).order_by("since").values_list("tenant_id", flat=True))
