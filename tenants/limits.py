"""What one workspace may use of the platform: set by operators (`set_limits`), else by the environment, else no limit."""

from dataclasses import dataclass

from django.conf import settings

from tenants import audit
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

MB = 1_000_000
# Name → column of the workspace, and the setting that holds where that is empty.
COLUMNS = {
    "imports": ("most_imports", "MOST_IMPORTS"),
    "stored_mb": ("most_stored_mb", "MOST_STORED_MB"),
    "contacts": ("most_contacts", "MOST_CONTACTS"),
}


@dataclass(frozen=True)
class Limits:
    """The limits of a workspace; None is no limit. `imports` run at once, files of `stored_bytes` are stored, `contacts`
    are not deleted."""

    imports: int | None
    stored_bytes: int | None
    contacts: int | None


def of(tenant: Tenant) -> Limits:
    """The limits that hold for a workspace now."""
    imports, stored, contacts = (_value(tenant, *names) for names in COLUMNS.values())
    return Limits(imports, stored * MB if stored is not None else None, contacts)


def _value(tenant: Tenant, column: str, setting: str) -> int | None:
    own: int | None = getattr(tenant, column)
    return own if own is not None else int(getattr(settings, setting)) or None


def set_limits(tenant: Tenant, **values: int | None) -> None:
    """Set limits by their names in COLUMNS; None gives back what the environment says. Written into the audit log."""
    with tenant_context(tenant.pk):
        locked = Tenant.objects.select_for_update().get(pk=tenant.pk)
        before = {name: getattr(locked, COLUMNS[name][0]) for name in values}
        if before == values:
            return
        for name, value in values.items():
            setattr(locked, COLUMNS[name][0], value)
        locked.save(update_fields=[COLUMNS[name][0] for name in values])
        audit.record("workspace.limits", user_id=None, target=locked.slug, before=before, after=values)
