#!/bin/sh
# django-anymail 15.2, SparkPost webhooks.
# Expected: an event whose recipient stands in `rcpt_to`, the field that SparkPost documents for every message event, is an
#   event about that recipient.
# Seen: only `raw_rcpt_to` is read. Without it the recipient is None and nothing is raised, so a complaint or an unsubscribe
#   would be about nobody.
# Source of the expectation: SparkPost, "Webhook event structure": rcpt_to, "lowercase version of recipient address".
# Here: tracking/email/deliverability.py reads `rcpt_to` where the other is not there.
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
from anymail.webhooks.sparkpost import SparkPostTrackingWebhookView

view = SparkPostTrackingWebhookView.__new__(SparkPostTrackingWebhookView)


def recipient(**fields):
    event = {"type": "spam_complaint", "timestamp": "1700000000", "event_id": "1", **fields}
    return view.esp_to_anymail_event("message_event", event, {"msys": {"message_event": event}}).recipient


alone, both = recipient(rcpt_to="ann@example.com"), recipient(rcpt_to="ann@example.com", raw_rcpt_to="Ann@example.com")
print(f"django-anymail 15.2: rcpt_to alone: {alone!r}; with raw_rcpt_to: {both!r}")
raise SystemExit(0 if alone is None and both == "Ann@example.com" else 1)
PYTHON
