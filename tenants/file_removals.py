"""Removing stored files, after the transaction in which their rows say that they are gone.

A bucket is asked over the network, which no transaction waits for; and a file that is removed before the commit is missing
where the transaction fails. So the transaction notes the names, a worker removes them when it has committed, and forgets the
note afterwards. A worker that is killed in between leaves the note: the sweep removes the file once more, which is as good.

Files that are not in the store (core.file_store) have names that begin with their place and a colon (settings.FILE_PLACES).
"""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from core import file_store
from core.file_store import StoreUnavailable
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import FileRemoval

log = logging.getLogger(__name__)
WAKE = "file_removal"
# Names of one request to a bucket.
AT_ONCE = 500


def add(*names: str) -> None:
    """Remove files of the workspace of the context once its transaction has committed. Names are never used again."""
    if not names:
        return
    FileRemoval.objects.bulk_create([FileRemoval(name=name) for name in names])
    pending_work.mark_pending(WAKE)


def run() -> None:
    """Remove what is noted, in all workspaces; where the store does not answer, it would not for the others either."""
    for tenant_id in pending_work.waiting(WAKE, closed=True):
        try:
            work(tenant_id)
        except StoreUnavailable as problem:
            log.warning("stored files are removed later: %s", problem)
            return
        except Exception:
            log.exception("stored files of workspace %s", tenant_id)


def work(tenant_id: int) -> None:
    """Remove what is noted. Safe to run side by side. Raises StoreUnavailable: everything is still noted then.

    A file that cannot be removed for a reason of its own stays noted, and does not stop the others.
    """
    after = 0
    while True:
        with tenant_context(tenant_id):
            seen_at = timezone.now()
            found = FileRemoval.objects.filter(pk__gt=after).order_by("pk")
            noted = dict(found.values_list("pk", "name")[:AT_ONCE])
            if not noted:
                if not FileRemoval.objects.exists():
                    pending_work.clear_pending(WAKE, seen_at=seen_at)
                return
        gone = _remove(tenant_id, noted)
        with tenant_context(tenant_id):
            FileRemoval.objects.filter(pk__in=gone).delete()
        after = max(noted)


def _remove(tenant_id: int, noted: dict[int, str]) -> list[int]:
    """The numbers of those that were removed: all by one request, one by one only where that fails."""
    try:
        _remove_files(tenant_id, list(noted.values()))
    except StoreUnavailable:
        raise
    except OSError:
        return [pk for pk, name in noted.items() if _is_removed(tenant_id, name)]
    return list(noted)


def _remove_files(tenant_id: int, names: Sequence[str]) -> None:
    elsewhere: dict[str, list[str]] = {}
    stored = []
    for name in names:
        place, colon, rest = name.partition(":")
        if colon and place in settings.FILE_PLACES:
            elsewhere.setdefault(place, []).append(rest)
        else:
            stored.append(name)
    if stored:
        file_store.remove(*stored)
    for place, rests in elsewhere.items():
        import_string(settings.FILE_PLACES[place])(tenant_id, rests)


def _is_removed(tenant_id: int, name: str) -> bool:
    try:
        _remove_files(tenant_id, [name])
    except StoreUnavailable:
        raise
    except OSError:
        log.exception("the stored file %s", name)
        return False
    return True
