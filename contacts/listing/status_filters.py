"""Filters of the lists of contacts by status: what each means in the database, and how many contacts it has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import BooleanField, Case, Count, ExpressionWrapper, F, Q, When

from contacts import figures_cache
from contacts.models import Contact, EmailStatus, PhoneStatus
from tenants.isolation.context import current_tenant
from tenants.models import Tenant


class StatusCount(NamedTuple):
    """Contacts that are alike for every filter. `email` and `phone` are statuses, None without the channel."""

    deleted: bool
    email: str | None
    phone: str | None
    contacts: int


@dataclass(frozen=True)
class StatusFilter:
    """One line of the rail. `few`: so rare that an index finds them; the others are met while walking through all."""

    key: str
    label: str
    group: str
    tone: str
    condition: Q
    holds: Callable[[StatusCount], bool]
    few: bool = False
    with_deleted: bool = False
    over: bool = False  # beyond what the plan holds: `where` knows from which contact on


def _email(status: str, label: str, tone: str) -> StatusFilter:
    condition = Q(email__isnull=False, email_status=status)
    return StatusFilter(
        f"email.{status}", label, "E-mail", tone, condition, lambda c: c.email == status, few=status != "active"
    )


def _phone(status: str, label: str, tone: str) -> StatusFilter:
    condition = Q(phone__isnull=False, phone_status=status)
    return StatusFilter(
        f"phone.{status}", label, "Phone", tone, condition, lambda c: c.phone == status, few=status != "active"
    )


FILTERS = {
    status_filter.key: status_filter
    for status_filter in (
        StatusFilter("", "All", "Contacts", "", Q(), lambda _c: True),
        # Everybody with an address, deleted contacts too, as people of the field know this filter.
        StatusFilter(
            "email", "All with e-mail", "E-mail", "", Q(email__isnull=False), lambda c: c.email is not None,
            with_deleted=True,
        ),
        _email(EmailStatus.ACTIVE, "Active", "ok"),
        _email(EmailStatus.UNSUBSCRIBED, "Unsubscribed", "neutral"),
        _email(EmailStatus.NOT_CONFIRMED, "Not confirmed", "warn"),
        _email(EmailStatus.SPAM, "Spam reports", "bad"),
        _email(EmailStatus.BLACKLISTED, "Blacklisted", "bad"),
        StatusFilter("email.over", "Over the limit", "E-mail", "warn", Q(email__isnull=False), lambda _c: False, over=True),
        StatusFilter("phone", "All with phone", "Phone", "", Q(phone__isnull=False), lambda c: c.phone is not None),
        _phone(PhoneStatus.ACTIVE, "Active", "ok"),
        _phone(PhoneStatus.BLACKLISTED, "Blacklisted", "bad"),
    )
}  # fmt: skip


def limit() -> int | None:
    """How many contacts with an e-mail the plan of the workspace holds; None: any number."""
    most: int | None = Tenant.objects.values_list("contact_limit", flat=True).get(pk=current_tenant())
    return most


def where(wanted: StatusFilter) -> Q:
    """What a filter means in the database."""
    if not wanted.over:
        return wanted.condition
    most = limit()
    if most is None:
        return Q(pk__in=[])
    return wanted.condition & Q(
        pk__gt=figures_cache.figures(f"over.{most}", lambda: _last_within(most), while_writing=60)
    )


def _last_within(most: int) -> int:
    """The ID of the last contact that the plan holds, in the order in which they were made."""
    ids = Contact.objects.living().exclude(email=None).order_by("pk").values_list("pk", flat=True)
    return int(next(iter(ids[most - 1 : most]), 2**62))


def cells() -> list[StatusCount]:
    """All contacts of the workspace in a handful of cells."""
    return [StatusCount(*cell) for cell in figures_cache.figures("statuses", _count, while_writing=10)]


def _count() -> list[tuple[bool, str | None, str | None, int]]:
    return tally(Contact.objects.all())


def kinds(contacts: Any) -> Any:
    """(deleted, status of the e-mail, status of the phone) of each of the contacts, None without the channel; a query."""
    return (
        contacts.annotate(
            gone=ExpressionWrapper(Q(deleted_at__isnull=False), output_field=BooleanField()),
            by_email=Case(When(email__isnull=False, then=F("email_status"))),
            by_phone=Case(When(phone__isnull=False, then=F("phone_status"))),
        )
        .order_by()
        .values_list("gone", "by_email", "by_phone")
    )


def tally(contacts: Any) -> list[tuple[bool, str | None, str | None, int]]:
    """The cells of the contacts of a query."""
    return list(kinds(contacts).annotate(contacts=Count("pk")))


def count(cells: list[StatusCount], wanted: StatusFilter, *, deleted: bool) -> int:
    """How many contacts a filter has, among the living or the deleted."""
    if wanted.over:
        most, has = limit(), count(cells, FILTERS["email"], deleted=deleted)
        gone = sum(cell.contacts for cell in cells if cell.deleted and cell.email is not None)
        return 0 if most is None or deleted else max(0, has - gone - most)
    seen = (c for c in cells if wanted.holds(c) and (c.deleted == deleted or (wanted.with_deleted and not deleted)))
    return sum(cell.contacts for cell in seen)


def total() -> int:
    """How many living contacts the workspace has."""
    return count(cells(), FILTERS[""], deleted=False)
