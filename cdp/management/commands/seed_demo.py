"""Fill the demo workspace; `manage.py up` calls this and reads the line."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from cdp.demo import workspace


class Command(BaseCommand):
    help = "Create the demo workspace, or its missing parts, and print workspace, login and password as JSON."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(json.dumps(workspace.make()))
