"""What a workspace uses of its limits (tenants.limits), and the refusals of files and imports that would pass them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import F, QuerySet, Sum
from django.utils.module_loading import import_string

from contacts import contact_limit
from imports import phases
from imports.files.reader import FileProblem
from imports.models import Import, Phase, SegmentUpload
from tenants import limits
from tenants.isolation.context import current_tenant
from tenants.models import Tenant


def stored() -> dict[str, int]:
    """Bytes of the files that are stored for the workspace of the context, by what they are (settings.STORED_FILES)."""
    return {label: import_string(path)() for label, path in settings.STORED_FILES.items()}


def stored_bytes() -> int:
    """The size of all files that are stored for the workspace of the context."""
    return sum(stored().values())


def of_imports() -> int:
    """Files of imports, with the texts that were unpacked from archives and workbooks."""
    return _bytes(Import.objects.filter(file_removed_at=None))


def of_segments() -> int:
    """Files that change the members of segments."""
    return _bytes(SegmentUpload.objects.filter(file_removed_at=None))


def _bytes(files: "QuerySet[Any]") -> int:
    return int(files.aggregate(sum=Sum(F("size") + F("unpacked_size")))["sum"] or 0)


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


class Used(NamedTuple):
    """What is used of a limit; None is no limit. `parts`: what it consists of, with bytes each, the largest first."""

    what: str
    now: int
    most: int | None
    is_bytes: bool = False
    parts: Sequence[tuple[str, int]] = ()

    @property
    def is_over(self) -> bool:
        return self.most is not None and self.now >= self.most


def shown(tenant: Tenant) -> list[Used]:
    """Lines for the page of the workspace (settings.WORKSPACE_USAGE)."""
    most, files = limits.of(tenant), stored()
    parts = sorted(((label, size) for label, size in files.items() if size), key=lambda part: -part[1])
    return [
        Used("Contacts", contact_limit.living(), most.contacts),
        Used("Stored files", sum(files.values()), most.stored_bytes, is_bytes=True, parts=parts),
        Used("Imports at the same time", running(), most.imports),
    ]
