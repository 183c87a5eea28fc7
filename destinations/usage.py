"""The data syncs that use lists of contacts, so that these cannot be removed (contacts.extensions)."""

from collections.abc import Sequence

from destinations import addresses
from destinations.models import Sync


def of_list(kind: str, list_id: int) -> list[tuple[str, str, str]]:
    """(kind, name, address) of each data sync that sends a list."""
    syncs = Sync.objects.filter(list_kind=kind, list_id=list_id, archived_at=None).order_by("name", "pk")
    return [("Data sync", sync.name, addresses.here(addresses.SYNC, sync.pk)) for sync in syncs]


def of_source(source_id: int) -> list[tuple[str, str, str]]:
    """What sends a source."""
    return of_list("source", source_id)


def of_segments(segment_ids: Sequence[int]) -> list[tuple[int, str, str, str, bool]]:
    """(segment, kind, name, address, True) of each data sync that sends one of the segments."""
    return [(pk, *use, True) for pk in segment_ids for use in of_list("segment", pk)]


def of_audiences(audience_ids: Sequence[int]) -> list[tuple[int, str, str, str]]:
    """(audience, kind, name, address) of each data sync that sends one of the audiences."""
    return [(pk, *use) for pk in audience_ids for use in of_list("audience", pk)]
