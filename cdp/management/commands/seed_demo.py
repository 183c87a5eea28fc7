"""Fill the demo workspace; `manage.py up` calls this and reads the line."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from cdp.demo import workspace


class Command(BaseCommand):
    help = "Make the demo workspace, or what is missing of it, and print workspace, login and password as JSON."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(json.dumps(workspace.make()))
