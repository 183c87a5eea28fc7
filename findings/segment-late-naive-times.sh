#!/bin/sh
# segment-analytics-python 2.4.0 and rudder-sdk-python 2.1.9 (clients that send what customers did).
# Expected: a time without a zone means the same thing whenever it is sent: local time, or UTC, or an error.
# Seen: its age decides. A time of the last five seconds, or of the future, is taken as local time; an older one is taken
#   as UTC. In New York an event noted with datetime.now() arrives right when it is sent at once, and four or five hours
#   off when it waited six seconds in a queue. No warning is given.
# Source of the expectation: Python's datetime, where "naive" times are local time wherever a method has to decide
#   (astimezone, timestamp), whatever time it is now.
# Here: the API takes a time without an offset as one of the workspace's zone, whatever its age. Teams that move from these
#   clients should send an offset: docs/api-contacts.md says so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check segment-analytics-python==2.4.0 rudder-sdk-python==2.1.9
TZ=America/New_York "$folder/venv/bin/python" - <<'PYTHON'
from datetime import datetime, timedelta, timezone
from importlib import import_module


def hours_off(client, age):
    """How far the time that would be sent is from the moment that was meant."""
    meant = datetime.now().astimezone() - timedelta(seconds=age)
    sent = client.track(user_id="u1", event="Order", timestamp=meant.replace(tzinfo=None))[1]["timestamp"]
    off = datetime.fromisoformat(sent).astimezone(timezone.utc) - meant
    return round(off.total_seconds() / 3600)


zone = -datetime.now().astimezone().utcoffset().total_seconds() / 3600
wanted = {-60: 0, 0: 0, 2: 0, 8: -zone, 3600: -zone}
right = True
for name in ("segment.analytics.client", "rudderstack.analytics.client"):
    client = import_module(name).Client("key", send=False)
    seen = {age: hours_off(client, age) for age in wanted}
    print(f"{name}: seconds since the event → hours off: {seen}")
    right = right and seen == wanted
raise SystemExit(0 if right else 1)
PYTHON
