"""The secret of a webhook, and the signature of a request, by the Standard Webhooks specification.

The secret is derived from the platform's key and a salt, so that the database holds none. After a rotation requests are
signed with both for a day. With another SECRET_KEY all secrets are others.
"""

import base64
import secrets
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

from api.webhooks.models import Webhook
from core import standard_webhooks
from core.standard_webhooks import PREFIX
from tenants.isolation.context import current_tenant

FORMER_FOR = timedelta(days=1)


def new_salt() -> str:
    """What a new secret is derived from."""
    return secrets.token_hex(16)


def secret_of(webhook: Webhook) -> str:
    """The secret as its receiver keeps it: whsec_ and 32 bytes in base 64."""
    return PREFIX + base64.b64encode(_key(webhook.salt)).decode()


def headers(webhook: Webhook, message_id: str, body: bytes, *, now: datetime) -> dict[str, str]:
    """What a request is signed with, with one signature for each valid secret."""
    former = webhook.rotated_at is not None and now - webhook.rotated_at < FORMER_FOR
    salts = [webhook.salt, *([webhook.former_salt] if former and webhook.former_salt else [])]
    return standard_webhooks.headers([_key(salt) for salt in salts], message_id, body, now=now)


def _key(salt: str) -> bytes:
    return salted_hmac("api.webhook_secret", f"{current_tenant()}:{salt}", algorithm="sha256").digest()
