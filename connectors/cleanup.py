"""What goes after a time: archived files, and folders of deleted connectors. Lists have a rule (connectors.retention)."""

import logging
import shutil
from datetime import timedelta

from django.utils import timezone

from connectors import folders, usage
from connectors.folders import DONE, FAILED
from connectors.models import Connector
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

log = logging.getLogger(__name__)


def run_for_all_workspaces() -> None:
    """Tidy every workspace; one failure does not stop the others."""
    for tenant in Tenant.open.all():
        try:
            run(tenant)
        except Exception:
            log.exception("connectors of workspace %s were not tidied", tenant.pk)


def run(tenant: Tenant) -> None:
    """Remove archived files after as many days as the files of imports, and all files of connectors deleted so long ago."""
    now = timezone.now()
    before = now - timedelta(days=tenant.keep_files_days)
    with tenant_context(tenant.pk):
        connectors = list(Connector.objects.values_list("pk", "deleted_at"))
    for connector_id, deleted_at in connectors:
        place = folders.of(tenant.pk, connector_id)
        if deleted_at is not None and deleted_at < before and place.root.is_dir():
            shutil.rmtree(place.root)
            usage.note(tenant.pk, connector_id)
            continue
        for name in (DONE, FAILED):
            folder = place.jail / name
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.lstat().st_ctime < before.timestamp():
                    path.unlink()
        if place.root.is_dir():
            usage.note(tenant.pk, connector_id)


def remove_workspace(tenant_id: int) -> None:
    """Remove all folders of a workspace that is erased."""
    shutil.rmtree(folders.of_workspace(tenant_id), ignore_errors=True)
