"""What connectors hold of a person: archived files beside their results (contacts.privacy.data_providers)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors import folders, removals
from connectors.folders import DONE, FAILED
from connectors.models import Connector
from contacts.extensions import Identifiers, TransferRecord
from imports.contact_data import Needles
from tenants import file_removals
from tenants.isolation.context import current_tenant

TABLES = ("connector_file",)
# Beginnings of archives and workbooks, in which nobody can look for a person.
PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
WIDE = (b"\xff\xfe", b"\xfe\xff")


def held(_contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Files stay with their connector."""
    return []


def move(_contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Nothing: files know no contacts."""
    return {}


def restore(_moved: TransferRecord, *, of: int) -> None:
    """Nothing, as nothing was moved."""


def known(_contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Nothing that is not found otherwise."""
    return []


def erase(_contact_ids: Sequence[int], identifiers: Identifiers) -> None:
    """Remove archived files and lists of errors that name one of these people, and those in which nobody can look, once that
    is committed. Files that wait stay: nobody who was erased is imported again."""
    needles = Needles(identifiers)
    naming = ((connector_id, path) for connector_id, path in _archived() if _may_name(path, needles))
    file_removals.add(*(removals.name_of(connector_id, path) for connector_id, path in naming))


def _archived() -> Iterator[tuple[int, Path]]:
    for connector_id in Connector.objects.order_by("pk").values_list("pk", flat=True):
        jail = folders.of(current_tenant(), connector_id).jail
        for folder in (jail / DONE, jail / FAILED):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    yield connector_id, path


def _may_name(path: Path, needles: Needles) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start.startswith(PACKED):
            return True
        return needles.anywhere(path, "utf-16" if start.startswith(WIDE) else "utf-8")
    except FileNotFoundError:  # its user has removed it
        return False
