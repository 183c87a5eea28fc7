"""Settings that change what other apps have worked out; those are named in settings.EXTENSIONS["setting_changes"].

Whoever changes such a setting calls `tell` in the same transaction. A setting is named by its column of the workspace, a
field of contacts as "field " and its key.
"""

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def tell(names: Collection[str]) -> None:
    """Say which settings have other values now."""
    told: Any = settings.EXTENSIONS["setting_changes"]
    for path in told.values() if names else ():
        import_string(path)(names)
