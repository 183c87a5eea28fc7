"""Contacts that share an e-mail address or a phone number: in groups, in the order of the alphabet, page by page.

An import never joins two contacts by itself (docs/identity.md, rule 3), so duplicates arise; these pages find them.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, Sum

from contacts import figures_cache
from contacts.listing.search_box import starts_with
from contacts.models import Contact
from contacts.values.identifiers import normal_email, normal_phone

KINDS = {"email": "Same e-mail", "phone": "Same phone"}
GROUPS, MEMBERS = 50, 100
# Counting reads all contacts: while an import writes, what was counted in the last minute will do.
WHILE_WRITING = 60
# So many values are cached, by the number of a contact that has each: an address itself must not be in a cache.
FEW = 2_000


@dataclass(frozen=True)
class Group:
    """A value that several living contacts have."""

    value: str
    contacts: int


@dataclass(frozen=True)
class Totals:
    """Values that several contacts share, and those contacts."""

    values: int
    contacts: int


def _grouped(kind: str, condition: Q) -> Any:
    living = Contact.objects.living().filter(condition, **{f"{kind}__isnull": False})
    return living.order_by().values(kind).annotate(contacts=Count("pk")).filter(contacts__gt=1)


def totals(kind: str) -> Totals:
    """How many there are, cached for each version of the contacts."""
    values, contacts, _few = _counted(kind)
    return Totals(values, contacts)


def _counted(kind: str) -> tuple[int, int, list[int]]:
    """(values, contacts, one contact of each value where there are few)."""
    return figures_cache.figures(f"duplicates.{kind}", lambda: _count(kind), while_writing=WHILE_WRITING)


def _count(kind: str) -> tuple[int, int, list[int]]:
    totals = _grouped(kind, Q()).aggregate(groups=Count(kind), total=Sum("contacts"))
    few = 0 < totals["groups"] <= FEW
    ones = list(_grouped(kind, Q()).annotate(one=Min("pk")).values_list("one", flat=True)) if few else []
    return int(totals["groups"]), int(totals["total"] or 0), ones


def groups(kind: str, *, search: str = "", after: str = "") -> list[Group]:
    """The next groups behind a value, one more than a page has; of those that begin with what is searched."""
    condition = starts_with(kind, _typed(kind, search)) if search else Q()
    if after:
        condition &= Q((f"{kind}__gt", after))
    values, _contacts, ones = _counted(kind)
    if values <= FEW:
        # To look for a few among a million would mean to look at all of them.
        condition &= Q((f"{kind}__in", Contact.objects.filter(pk__in=ones).values_list(kind, flat=True)))
    rows = _grouped(kind, condition).order_by(kind).values_list(kind, "contacts")[: GROUPS + 1]
    return [Group(value, contacts) for value, contacts in rows]


def _typed(kind: str, text: str) -> str:
    """What was typed in the form that is stored: a whole address or number, or how one begins."""
    if kind == "email":
        return normal_email(text) or text.lower()
    digits = "".join(c for c in text if c.isdigit())
    return normal_phone(text, None) or "+" + digits.removeprefix("00")


def members(kind: str, value: str) -> list[Contact]:
    """The contacts of a group, the first that was made first; one more than are shown."""
    return list(Contact.objects.living().filter(**{kind: value}).order_by("pk")[: MEMBERS + 1])
