"""What a workspace uses of its limits (tenants.limits), and the refusals of files and imports that would pass them."""

from typing import Any

from django.db.models import Sum

from contacts import contact_limit
from imports import phases
from imports.files.reader import FileProblem
from imports.models import Import, Phase, SegmentUpload
from tenants import limits
from tenants.isolation.context import current_tenant
from tenants.models import Tenant


def stored_bytes() -> int:
    """The size of all files of imports and segments that are stored for the workspace of the context."""
    models: tuple[Any, ...] = (Import, SegmentUpload)
    found = (model.objects.filter(file_removed_at=None).aggregate(sum=Sum("size"))["sum"] or 0 for model in models)
    return sum(found)


def refuse_file(tenant: Tenant, size: int) -> None:
    """Raise FileProblem where one more file of this size is too much for the workspace of the context."""
    most = limits.of(tenant).stored_bytes
    if most is not None and (used := stored_bytes()) + size > most:
        raise FileProblem("storage_full", limit=most, used=used, found=size)


def over_contacts(created: int) -> dict[str, int] | None:
    """The numbers of the refusal of an import that would make so many contacts; None where there is room for them."""
    most = limits.of(Tenant.objects.get(pk=current_tenant())).contacts
    if most is None or not created or (now := contact_limit.living()) + created <= most:
        return None
    return {"limit": most, "found": now + created, "created": created, "now": now}


def running() -> int:
    """Imports that workers have begun and not ended; those that wait for a person are none."""
    return int(Import.objects.exclude(phase__in=(*phases.WAITING, Phase.PLAN, Phase.DONE)).count())


def shown(tenant: Tenant) -> list[tuple[str, int, int | None, bool]]:
    """(what, used, limit or None, whether both are bytes) for the page of the workspace (settings.WORKSPACE_USAGE)."""
    most = limits.of(tenant)
    return [
        ("Contacts", contact_limit.living(), most.contacts, False),
        ("Stored files", stored_bytes(), most.stored_bytes, True),
        ("Imports at the same time", running(), most.imports, False),
    ]
