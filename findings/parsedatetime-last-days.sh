#!/bin/sh
# parsedatetime 2.6, English.
# Expected: "in the last 30 days" and "the previous 7 days" lie behind the moment from which they are read, as "30 days ago"
#   does; "half an hour ago" is 30 minutes ago.
# Seen: the words last, past and previous before a number are passed over, and what is left is read as a span ahead: 30 days
#   from now, with the same success code as a date that was understood. "half an hour ago" is a whole hour ago.
# Source of the expectation: the words themselves; parsedatetime reads "last week" as a week back.
# Here: segments/rules/sentence.py has a grammar of its own for periods. A rule that looks ahead instead of back would be
#   saved without anybody noticing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check parsedatetime==2.6
"$folder/venv/bin/python" - <<'PYTHON'
from datetime import datetime

import parsedatetime

now = datetime(2026, 3, 31, 12, 0)
calendar = parsedatetime.Calendar()
wanted = {
    "30 days ago": "-30 days, 0:00:00", "in the last 30 days": "30 days, 0:00:00",
    "the previous 7 days": "7 days, 0:00:00", "during the past 2 weeks": "14 days, 0:00:00",
    "half an hour ago": "-1 day, 23:00:00",
}
seen = {}
for words in wanted:
    moment, understood = calendar.parseDT(words, sourceTime=now)
    seen[words] = str(moment - now)
    print(f"parsedatetime 2.6: {words!r} is {moment - now} from now (code {understood})")
raise SystemExit(0 if seen == wanted else 1)
PYTHON
