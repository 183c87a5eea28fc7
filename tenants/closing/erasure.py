"""Erasing workspaces whose time of grace is over: in steps of one transaction each, which can be stopped anywhere.

Whoever comes next begins where the steps have got to, since all that is left to do is what is still there. First go the
rows of every table whose key begins with the tenant, as the catalogue of the database lists them, so that no table can be
forgotten. Then goes what apps have outside of tables (settings.WORKSPACE_REMAINS): files, notes in Valkey, staging tables.
At the end one entry of the audit log is written, and the workspace is a number without a name.
"""

import logging
import time
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from core import file_store
from tenants import audit
from tenants.isolation import statements
from tenants.isolation.context import allow_removal, tenant_context
from tenants.models import PendingWork, SignInDomain, Tenant

log = logging.getLogger(__name__)
# Rows of one step, and for how long one run goes on; beat starts the next.
STEP_ROWS = 5_000
RUN_SECONDS = 40.0
VERB = "workspace.erased"


def run(*, now: datetime | None = None) -> None:
    """Go on with all workspaces that are to be erased; a failure of one does not stop the others."""
    moment = now or timezone.now()
    until = time.monotonic() + RUN_SECONDS
    due = Tenant.objects.filter(erase_at__lte=moment, erased_at=None).exclude(closed_at=None)
    for tenant_id in due.order_by("erase_at").values_list("pk", flat=True):
        try:
            while step(tenant_id, now=moment):
                if time.monotonic() > until:
                    return
        except Exception:
            log.exception("erasing workspace %s", tenant_id)


def step(tenant_id: int, *, now: datetime, rows: int = STEP_ROWS) -> bool:
    """Do the next piece of the erasure of a workspace; whether there is more to do. False while another process is at it."""
    _begin(tenant_id, now=now)
    with tenant_context(tenant_id):
        if _locked(tenant_id) is None:
            return False
        if _remove_some(rows):
            return True
    for path in settings.WORKSPACE_REMAINS.values():
        import_string(path)(tenant_id)
    with tenant_context(tenant_id):
        tenant = _locked(tenant_id)
        if tenant is None:
            return False
        if _remove_some(rows):
            return True
        _end(tenant, now=now)
    return False


def _begin(tenant_id: int, *, now: datetime) -> None:
    """From now on nobody can reopen the workspace."""
    due = Tenant.objects.filter(pk=tenant_id, erase_at__lte=now, erasing_since=None).exclude(closed_at=None)
    due.update(erasing_since=now)


def _locked(tenant_id: int) -> Tenant | None:
    """The workspace that is being erased, locked, so that one process erases it at a time."""
    due = Tenant.objects.filter(pk=tenant_id, erased_at=None).exclude(erasing_since=None)
    return due.select_for_update(skip_locked=True, no_key=True).first()


def _remove_some(rows: int) -> bool:
    """Remove rows table by table, until there were about so many; whether there may be more."""
    left = rows
    allow_removal()
    for table, key in statements.keys().items():
        left -= statements.remove_some(table, key, count=left)
        if left <= 0:
            return True
    return False


def _end(tenant: Tenant, *, now: datetime) -> None:
    """Nothing is left: the entry that says so, and the name goes."""
    for model in (PendingWork, SignInDomain):
        model.objects.filter(tenant=tenant).delete()
    audit.record(VERB, user_id=None, target=f"workspace {tenant.pk}")
    tenant.slug, tenant.name, tenant.country, tenant.created_by, tenant.erased_at = (
        f"erased-{tenant.pk}",
        "",
        "",
        None,
        now,
    )
    tenant.save()


def remove_files(tenant_id: int) -> None:
    """Remove uploads, exports and files that were put into the store for a workspace. Raises StoreUnavailable."""
    for folder in (str(tenant_id), f"exports/{tenant_id}", f"incoming/{tenant_id}"):
        file_store.remove_folder(folder)
