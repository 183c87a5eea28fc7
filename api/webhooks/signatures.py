"""The secret of a webhook, and the signature of a request, by the Standard Webhooks specification.

The secret is derived from the platform's key and a salt, so that the database holds none. After a rotation requests are
signed with both for a day. With another SECRET_KEY all secrets are others.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

from api.webhooks.models import Webhook
from tenants.isolation.context import current_tenant

PREFIX = "whsec_"
FORMER_FOR = timedelta(days=1)


def new_salt() -> str:
    """What a new secret is derived from."""
    return secrets.token_hex(16)


def secret_of(webhook: Webhook) -> str:
    """The secret as its receiver keeps it: whsec_ and 32 bytes in base 64."""
    return PREFIX + base64.b64encode(_key(webhook.salt)).decode()


def headers(webhook: Webhook, message_id: str, body: bytes, *, now: datetime) -> dict[str, str]:
    """What a request is signed with: webhook-id, webhook-timestamp in seconds, and webhook-signature, with one signature for
    each valid secret."""
    seconds = str(int(now.timestamp()))
    former = webhook.rotated_at is not None and now - webhook.rotated_at < FORMER_FOR
    salts = [webhook.salt, *([webhook.former_salt] if former and webhook.former_salt else [])]
    signed = f"{message_id}.{seconds}.".encode() + body
    signatures = [base64.b64encode(hmac.new(_key(salt), signed, hashlib.sha256).digest()).decode() for salt in salts]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(salt: str) -> bytes:
    return salted_hmac("api.webhook_secret", f"{current_tenant()}:{salt}", algorithm="sha256").digest()
