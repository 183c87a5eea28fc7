"""What only some work needs is loaded by the process that does it: every process has all tasks and pages."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("numpy", "asyncssh", "botocore", "boto3", "google.ads", "facebook_business", "lxml", "pyftpdlib")
LOADED = """
import sys
import django
django.setup()
from django.utils.module_loading import autodiscover_modules
autodiscover_modules("tasks")
import cdp.urls
assert "imports.tasks" in sys.modules and "audiences.tasks" in sys.modules
print(" ".join(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_tasks_and_pages_load_no_heavy_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *HEAVY], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == []
