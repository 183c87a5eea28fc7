"""The blacklist of the platform: e-mail addresses that no workspace writes to (docs/blacklists.md).

Only those who run the platform put addresses on it: if the bounces of one workspace did, it could silence an address for
all others. A workspace learns "blocked" of an address that one of its contacts has, on that contact's profile; no list,
filter, count or export says so, and a workspace can ask a limited number of times in an hour, so nobody can find out in
bulk.
"""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.core.cache import cache

from contacts.consent.digest import suppression_digest
from contacts.models import PlatformBlock
from tenants.isolation.context import current_tenant

# Questions that a workspace has in an hour.
ASKED_PER_HOUR = 200
_KIND = "platform"


def blocks(email: str) -> bool:
    """Whether nobody writes to an address, in its normal form. For what sends; what is shown to people asks
    `is_blocked_for_display`."""
    return bool(PlatformBlock.objects.filter(pk=_digest(email)).exists())


def is_blocked_for_display(email: str) -> bool | None:
    """The same for a person of the current workspace; None when it has asked too often in this hour."""
    key = f"platform-asked:{current_tenant()}"
    cache.add(key, 0, 3600)
    return blocks(email) if cache.incr(key) <= ASKED_PER_HOUR else None


def add(emails: Iterable[str], *, reason: str, by: str) -> int:
    """Block addresses, in their normal forms, for all workspaces; returns how many are new."""
    digests = list(dict.fromkeys(_digest(email) for email in emails))
    known = set(PlatformBlock.objects.filter(pk__in=digests).values_list("pk", flat=True))
    rows = [PlatformBlock(digest=d, reason=reason[:200], added_by=by) for d in digests if d not in known]
    PlatformBlock.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def remove(emails: Sequence[str]) -> int:
    """Let addresses be written to again; returns how many were blocked."""
    return int(PlatformBlock.objects.filter(pk__in=[_digest(email) for email in emails]).delete()[0])


def find(email: str) -> PlatformBlock | None:
    """The entry of an address, for those who run the platform."""
    block: PlatformBlock | None = PlatformBlock.objects.filter(pk=_digest(email)).first()
    return block


def _digest(email: str) -> str:
    return suppression_digest(_KIND, email, key=settings.SECRET_KEY)
