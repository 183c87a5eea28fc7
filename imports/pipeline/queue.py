"""Where imports of one workspace wait for each other."""

from django.db.models import Q

from contacts import write_lock
from imports.models import Import, Phase


def is_behind(imp: Import) -> bool:
    """Whether another import of the workspace writes, or was started before and waits, too."""
    before = Import.objects.filter(phase=Phase.QUEUED, started=True).exclude(pk=imp.pk)
    earlier = Q(phase_at__lt=imp.phase_at) | Q(phase_at=imp.phase_at, pk__lt=imp.pk)
    return write_lock.is_held_by_another(imp.pk) or bool(before.filter(earlier).exists())
