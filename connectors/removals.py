"""Archived files that are removed once the transaction that says so has committed (tenants.file_removals)."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from connectors import folders, usage
from tenants.isolation.context import current_tenant


def name_of(connector_id: int, path: Path) -> str:
    """The name under which an archived file of a connector of the context is noted for removal (settings.FILE_PLACES)."""
    inner = os.fsencode(path.relative_to(folders.of(current_tenant(), connector_id).jail))
    return f"connectors:{connector_id}/{quote(inner)}"


def remove(tenant_id: int, names: Sequence[str]) -> None:
    """Remove archived files by what follows the colon of `name_of`; one that is not there is as good."""
    touched = set()
    for name in names:
        number, _slash, inner = name.partition("/")
        path = folders.of(tenant_id, int(number)).jail / os.fsdecode(unquote_to_bytes(inner))
        path.unlink(missing_ok=True)
        touched.add(int(number))
    for connector_id in touched:
        usage.note(tenant_id, connector_id)
