"""The secret of a site's server: derived from the platform's key and a salt, so that the database holds no secret.

It is shown once, when it is made. A new one takes its place; the former one is good for a day more, so that a server can be
changed without a gap. With another SECRET_KEY all secrets are others.
"""

import secrets
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

from tracking.models import Site

FORMER_FOR = timedelta(days=1)
PREFIX = "cdps_"


def renew(site: Site, *, now: datetime) -> str:
    """Give a site a new secret and return it. Saves the site."""
    site.former_salt, site.secret_salt, site.secret_at = site.secret_salt, secrets.token_hex(16), now
    site.save(update_fields=["former_salt", "secret_salt", "secret_at"])
    return _derive(site, site.secret_salt)


def remove(site: Site) -> None:
    """From now on nothing is signed. Saves the site."""
    site.former_salt = site.secret_salt = ""
    site.secret_at = None
    site.save(update_fields=["former_salt", "secret_salt", "secret_at"])


def secrets_of(site: Site, *, now: datetime) -> tuple[bytes, ...]:
    """The secrets that are good now: at most two."""
    former = site.secret_at is not None and now - site.secret_at < FORMER_FOR
    salts = (site.secret_salt, site.former_salt if former else "")
    return tuple(_derive(site, salt).encode() for salt in salts if salt)


def _derive(site: Site, salt: str) -> str:
    return PREFIX + salted_hmac("tracking.site_secret", f"{site.key}:{salt}", algorithm="sha256").hexdigest()
