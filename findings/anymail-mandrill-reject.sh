#!/bin/sh
# django-anymail 15.2, Mandrill webhooks.
# Expected: a `reject` event, in which Mandrill says why it holds the address (unsub, spam, hard-bounce …), has that reason
#   as its reject_reason, as events of other providers do.
# Seen: reject_reason is None for all of them. Somebody who unsubscribed and somebody whose mailbox is gone look alike.
# Source of the expectation: Mandrill, "Rejection reasons"; anymail, "Normalized event: reject_reason".
# Here: tracking/email/deliverability.py reads msg.reject.reason.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check django-anymail==15.2 Django==5.2.19
"$folder/venv/bin/python" - <<'PYTHON'
import django
from django.conf import settings

settings.configure(ANYMAIL={})
django.setup()
from anymail.webhooks.mandrill import MandrillCombinedWebhookView

view = MandrillCombinedWebhookView.__new__(MandrillCombinedWebhookView)
seen = {}
for reason in ("unsub", "spam", "hard-bounce"):
    message = {"email": "ann@example.com", "tags": [], "metadata": {}, "reject": {"reason": reason}}
    event = view.esp_to_anymail_event({"event": "reject", "_id": "m", "ts": 1700000000, "msg": message})
    seen[reason] = (event.event_type, event.reject_reason)
print(f"django-anymail 15.2: {seen}")
raise SystemExit(0 if set(seen.values()) == {("rejected", None)} else 1)
PYTHON
