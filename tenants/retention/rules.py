"""The rules of a workspace: which hold, which will, and how they are changed and how a change is taken back.

A shorter rule that would remove something waits for GRACE: until then the former rule holds, and the change can be undone. A
longer one holds at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from tenants import audit
from tenants.isolation.context import current_tenant
from tenants.models import RetentionRule, Tenant
from tenants.retention.kinds import PREVIEWED, Found, Kind, kinds

GRACE = timedelta(hours=24)


class NotConfirmed(Exception):
    """The change would remove something, and nobody has said that they know it."""


class Changed(Exception):
    """Somebody else has changed the rule since the page was shown."""


@dataclass(frozen=True)
class Current:
    """A rule as it holds: `days` (None: no end), and the one that waits, where `next_at` is a time."""

    kind: Kind
    row: RetentionRule | None
    days: int | None

    @property
    def waits(self) -> bool:
        return self.row is not None and self.row.next_at is not None

    @property
    def seen(self) -> str:
        """Tells the rule from what it is after a change; as a hidden field of forms."""
        return f"{self.row.version if self.row else 0}"


def current() -> list[Current]:
    """All rules of the workspace of the context, in the order of the kinds."""
    tenant = Tenant.objects.get(pk=current_tenant())
    rows = {row.kind: row for row in RetentionRule.objects.select_related("next_by")}
    return [_current(kind, rows.get(key), tenant) for key, kind in kinds().items()]


def of(kind: Kind) -> Current:
    """One rule of the workspace of the context."""
    row = RetentionRule.objects.select_related("next_by").filter(kind=kind.key).first()
    return _current(kind, row, Tenant.objects.get(pk=current_tenant()))


def _current(kind: Kind, row: RetentionRule | None, tenant: Tenant) -> Current:
    return Current(kind, row, row.days if row else kind.initial(tenant))


def days_of(key: str) -> int | None:
    """The rule that holds now, in days, for who needs nothing else; None: no end."""
    return of(kinds()[key]).days


def problem_of(kind: Kind, days: int | None) -> str:
    """Why this cannot be a rule; "" where it can."""
    if days is None:
        return "" if kind.can_be_endless else f"Enter {kind.least:,} to {kind.most:,} days."
    if kind.least <= days <= kind.most:
        return ""
    return f"“{days:,}” is not possible. Enter {kind.least:,} to {kind.most:,} days."


def is_shorter(days: int | None, than: int | None) -> bool:
    """Whether a rule stores for a shorter time than another."""
    return days is not None and (than is None or days < than)


def preview(kind: Kind, days: int | None, *, now: datetime) -> Found:
    """What the rule would remove if it held now."""
    if days is None:
        return Found(0)
    return kind.find(before=now - timedelta(days=days), most=PREVIEWED)


def change(
    kind: Kind, days: int | None, *, user_id: int, seen: str, confirmed: bool, now: datetime | None = None
) -> RetentionRule:
    """Set a rule; returns it. Raises ValueError with a sentence, Changed, and NotConfirmed where it removes something."""
    moment = now or timezone.now()
    if problem := problem_of(kind, days):
        raise ValueError(problem)
    row = lock(kind)
    if (row.days, None) == (days, row.next_at) or (row.next_at is not None and row.next_days == days):
        return row  # a second click, or the same change by somebody else
    if seen != str(row.version):
        raise Changed
    before, found = row.days, Found(0)
    if is_shorter(days, row.days):
        found = preview(kind, days, now=moment)
    if found and not confirmed:
        raise NotConfirmed
    if found:
        row.next_days, row.next_at, row.next_by_id = days, moment + GRACE, user_id
    else:
        hold(kind, row, days)
    row.version += 1
    row.save()
    audit.record(
        "retention.changed", user_id=user_id, target=kind.label, before=in_words(kind, before),
        after=in_words(kind, days), starts=row.next_at.isoformat(timespec="minutes") if row.next_at else None,
        would_remove=found.count,
    )  # fmt: skip
    return row


def undo(kind: Kind, *, user_id: int) -> bool:
    """Forget the rule that waits; False when none does (any more)."""
    row = lock(kind)
    if row.next_at is None or row.next_at <= timezone.now():
        return False
    given_up, row.next_days, row.next_at, row.next_by_id = row.next_days, None, None, None
    row.version += 1
    row.save()
    audit.record(
        "retention.undone", user_id=user_id, target=kind.label, before=in_words(kind, given_up),
        after=in_words(kind, row.days),
    )  # fmt: skip
    return True


def lock(kind: Kind) -> RetentionRule:
    """The row of a rule, locked; made from what holds where there is none yet."""
    tenant = Tenant.objects.get(pk=current_tenant())
    RetentionRule.objects.bulk_create([RetentionRule(kind=kind.key, days=kind.initial(tenant))], ignore_conflicts=True)
    row: RetentionRule = RetentionRule.objects.select_for_update().get(kind=kind.key)
    return row


def hold(kind: Kind, row: RetentionRule, days: int | None) -> None:
    """Let a rule hold from now on; the caller saves the row."""
    row.days, row.next_days, row.next_at, row.next_by_id = days, None, None, None
    kind.follow(Tenant.objects.get(pk=current_tenant()), days)


def in_words(kind: Kind, days: int | None) -> str:
    """A rule in words."""
    if days is None:
        return kind.endless
    return f"{days:,} day{'s' if days != 1 else ''}"
