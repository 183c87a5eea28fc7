"""The data syncs that use lists of contacts, so that these cannot be removed (contacts.extensions)."""

from collections.abc import Sequence

from destinations import addresses
from destinations.models import Sync


def of_list(kind: str, list_id: int) -> list[tuple[str, str, str]]:
    """(kind, name, address) of each data sync that sends a list."""
    return [(word, name, url) for _pk, word, name, url in _of_lists(kind, [list_id])]


def of_source(source_id: int) -> list[tuple[str, str, str]]:
    """What sends a source."""
    return of_list("source", source_id)


def of_segments(segment_ids: Sequence[int]) -> list[tuple[int, str, str, str, bool]]:
    """(segment, kind, name, address, True) of each data sync that sends one of the segments."""
    return [(*use, True) for use in _of_lists("segment", segment_ids)]


def of_audiences(audience_ids: Sequence[int]) -> list[tuple[int, str, str, str]]:
    """(audience, kind, name, address) of each data sync that sends one of the audiences."""
    return _of_lists("audience", audience_ids)


def _of_lists(kind: str, list_ids: Sequence[int]) -> list[tuple[int, str, str, str]]:
    syncs = list(Sync.objects.filter(list_kind=kind, list_id__in=list_ids, archived_at=None).order_by("name", "pk"))
    paths = addresses.paths(addresses.SYNC, [sync.pk for sync in syncs]) if syncs else {}
    return [(sync.list_id, "Data sync", sync.name, paths[sync.pk]) for sync in syncs]
