"""The settings of the peers' processes: ours, with this package and django-import-export as apps."""

from cdp.settings import *  # noqa: F403
from cdp.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "import_export", "benchmarks"]
