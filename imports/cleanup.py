"""Rows that undos have archived, and lists that no undo asks for any more, are removed when their time is over.

Safe to repeat and to stop anywhere: each import is a transaction of its own. Files have a rule (imports.retention).
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from contacts.identity import revert
from contacts.models import UndoArchive
from contacts.staging import Staging
from core import file_store
from imports import segment_upload
from imports.files.stored_file import names
from imports.models import Import, Phase
from imports.pipeline import roster, undo
from tenants import file_removals
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

log = logging.getLogger(__name__)


def run_for_all_workspaces() -> None:
    """Tidy up all workspaces, and this machine; a failure of one does not stop the others."""
    file_store.forget_copies()
    file_store.forget_drafts()
    # In another order each day: should the time of the task not be enough, nobody is always the last.
    for tenant in Tenant.open.order_by("?"):
        try:
            workspace(tenant, now=timezone.now())
        except Exception:
            log.exception("tidying workspace %s", tenant.pk)


def workspace(tenant: Tenant, *, now: datetime) -> int:
    """Remove what is over in one workspace; returns how many undos became final."""
    before = now - timedelta(days=undo.UNDO_DAYS)
    with tenant_context(tenant.pk):
        roster.forget(tenant.pk, before=before)
        segment_upload.tidy(now=now)
    return _each(tenant, Q(undone_at__lt=before), _forget)


def _each(tenant: Tenant, wanted: Q, act: Callable[[Import], None]) -> int:
    """Do something with each undone import that is meant and has archived rows, while nobody else can touch it."""
    with tenant_context(tenant.pk, read_only=True):
        imports = Import.objects.filter(wanted, phase=Phase.DONE)
        imports = imports.filter(Exists(UndoArchive.objects.filter(import_id=OuterRef("pk"))))
        ids = list(imports.order_by("pk").values_list("pk", flat=True))
    done = 0
    for pk in ids:
        with tenant_context(tenant.pk):
            imp = Import.objects.select_for_update(skip_locked=True).filter(wanted, pk=pk, phase=Phase.DONE).first()
            if imp is not None:
                act(imp)
                done += 1
    return done


def remove_file(imp: Import, now: datetime) -> None:
    """From now on an import that has ended has no files; what became of its rows stays."""
    file_removals.add(*names(imp.path, imp.reopened))
    imp.file_removed_at = now
    imp.save(update_fields=["file_removed_at"])


def _forget(imp: Import) -> None:
    revert.forget_all(Staging(imp.tenant_id, imp.pk))
