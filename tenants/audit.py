"""Who did what: one entry in the transaction of the change."""

from typing import Any

from tenants.models import AuditEntry


def record(verb: str, *, user_id: int | None, target: str = "", **detail: Any) -> AuditEntry:
    """Add an entry, for example record("import.started", user_id=7, target="import 12", rows=4500)."""
    entry: AuditEntry = AuditEntry.objects.create(user_id=user_id, verb=verb, object=target, detail=detail)
    return entry
