"""How many bytes the folders of connectors have. They are measured by the host that has them, whenever it looks at them, and
noted: hosts of pages need not have them, and no upload waits for a walk over folders."""

import os
from pathlib import Path

from django.db.models import Sum

from connectors import folders
from connectors.models import Connector
from tenants.isolation.context import tenant_context


def note(tenant_id: int, connector_id: int) -> None:
    """Measure the folders of a connector, and note what they have. Opens a context of its own."""
    size = _size(folders.of(tenant_id, connector_id).root)
    with tenant_context(tenant_id):
        Connector.objects.filter(pk=connector_id).exclude(stored_bytes=size).update(stored_bytes=size)


def stored_bytes() -> int:
    """Bytes of all folders of the workspace of the context."""
    return int(Connector.objects.aggregate(sum=Sum("stored_bytes"))["sum"] or 0)


def _size(root: Path) -> int:
    """Of a folder and all below; files that go in the meantime are none."""
    found = 0
    for folder, _folders, names in os.walk(root):
        for name in names:
            try:
                found += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue
    return found
