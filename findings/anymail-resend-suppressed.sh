#!/bin/sh
# django-anymail 15.2, Resend webhooks.
# Expected: `email.suppressed`, which Resend sends when it does not send because the address is on its list, is a rejection.
# Seen: its type is "unknown", with no reason. Whoever acts on "bounced" and "rejected" goes on writing to the address.
# Source of the expectation: Resend, "Event types": email.suppressed, "the email was suppressed by Resend".
# Here: tracking/email/deliverability.py reads the event by itself.
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
from django.test import RequestFactory

from anymail.webhooks.resend import ResendTrackingWebhookView

view = ResendTrackingWebhookView.__new__(ResendTrackingWebhookView)
data = {"email_id": "m-1", "to": ["ann@example.com"], "headers": [], "suppressed": {"type": "OnAccountSuppressionList"}}
event = {"type": "email.suppressed", "created_at": "2026-11-20T10:00:00.000Z", "data": data}
found = view.esp_to_anymail_event(event, RequestFactory().post("/"))
print(f"django-anymail 15.2: {event['type']}: event_type {found.event_type!r}, reject_reason {found.reject_reason!r}")
raise SystemExit(0 if (found.event_type, found.reject_reason) == ("unknown", None) else 1)
PYTHON
