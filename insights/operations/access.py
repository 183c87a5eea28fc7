"""Who may read what the platform says of itself: a program on this machine, or one that has the token."""

import hmac
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

# A proxy adds one of these; what it passes on came from elsewhere, though the connection is from this machine.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


def may_read(request: HttpRequest) -> bool:
    """With METRICS_TOKEN: who sends it as a bearer token. Without: who asks from this machine, and through no proxy."""
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "")
        return hmac.compare_digest(sent.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if any(request.headers.get(name) for name in (*FORWARDED, settings.CLIENT_ADDRESS_HEADER)):
        return False
    try:
        return ip_address(str(request.META.get("REMOTE_ADDR", ""))).is_loopback
    except ValueError:
        return False
