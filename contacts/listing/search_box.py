"""The search box of contacts: what was typed → conditions that an index can answer behind the policy.

Only equality and ranges on stored normal forms: LIKE and lower() are not leak-proof, so behind row-level security
PostgreSQL would read every contact of the workspace for them. The one exception is said at `_inside`
(docs/decisions/0015-search.md).
"""

import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from contacts import figures_cache
from contacts.models import Alias, Contact
from contacts.values.identifiers import name_key, normal_email, normal_phone
from contacts.values.phones import EXTENSION
from core.parse import parse_id

# So many digits make a search by phone.
FEWEST_DIGITS = 4
# Digits that more numbers have are no rare ones.
FEW_NUMBERS = 2_000
# A longer text is no name that somebody puts together of its parts.
MOST_WORDS = 6
_LIKE_DOMAIN = re.compile(r"[^\s@/]+\.[^\s@/]*\Z").match
# The character after which nothing sorts: ends the range of a prefix.
_LAST = "\U0010ffff"


def starts_with(column: str, prefix: str) -> Q:
    """Rows whose column begins with the prefix, as a range."""
    return Q(**{f"{column}__gte": prefix, f"{column}__lt": prefix + _LAST})


def same(values: Mapping[str, Any]) -> Any:
    """Living contacts that have one of the identifiers among the values, in their normal forms; a query."""
    condition = Q(pk__in=[])
    for kind in ("external_id", "email", "phone"):
        if values.get(kind):
            condition |= Q(**{kind: values[kind]})
    return Contact.objects.living().filter(condition).order_by("pk")


def condition(text: str, *, region: str | None) -> Q:
    """Contacts that a search text may mean: by e-mail, its domain, phone, names, external ID or contact ID, those included
    that a contact had before a merge. Empty text: all."""
    typed = " ".join(text.replace("\x00", "").split())[:200]
    if not typed:
        return Q()
    return _own(typed, region) | _formerly(typed, region)


def values(typed: str, *, region: str | None) -> set[str]:
    """What was typed, in the normal form of each identifier that it may be."""
    return {typed, normal_email(typed) or typed.lower(), normal_phone(typed, region) or typed}


def _formerly(typed: str, region: str | None) -> Q:
    """Contacts that have become one with somebody who had this identifier; nobody as long as nothing was merged."""
    ids = list(Alias.objects.filter(value__in=values(typed, region=region)).values_list("contact_id", flat=True)[:50])
    return Q(pk__in=ids) if ids else Q()


def _own(typed: str, region: str | None) -> Q:
    if "@" in typed:
        local, _at, domain = typed.rpartition("@")
        if local in ("", "*", "%"):
            return _domain(domain)
        return starts_with("email", normal_email(typed) or typed.lower())
    condition = starts_with("external_id", typed) | _names(typed) | starts_with("email", typed.lower())
    if _LIKE_DOMAIN(typed):
        condition |= _domain(typed)
    return condition | _phone(typed, region) | _contact_id(typed)


def _domain(text: str) -> Q:
    """Whose e-mail is of a domain; of every domain that begins so, as long as nobody's is called like what was typed."""
    normal = normal_email(f"x@{text.strip()}")
    domain = normal.removeprefix("x@") if normal else text.strip().lower()
    if Contact.objects.filter(email_domain=domain).exists():
        return Q(email_domain=domain)
    return starts_with("email_domain", domain)


def _names(typed: str) -> Q:
    """By the beginning of the first name, the last name, or of both in either order, with a comma or without."""
    words = name_key(typed.replace(",", " ")).split()
    if not words:
        return Q(pk__in=[])
    name = " ".join(words)
    condition = starts_with("first_key", name) | starts_with("last_key", name)
    if len(words) > MOST_WORDS:
        return condition
    for i in range(1, len(words)):
        one, other = " ".join(words[:i]), " ".join(words[i:])
        condition |= starts_with("first_key", one) & starts_with("last_key", other)
        condition |= starts_with("last_key", one) & starts_with("first_key", other)
        # Where the whole name is in one field.
        condition |= starts_with("first_key", f"{other} {one}") | starts_with("last_key", f"{other} {one}")
    return condition


def _phone(typed: str, region: str | None) -> Q:
    """A number as it is written anywhere, the beginning of one with + or 00, or digits from anywhere inside of one."""
    digits = re.sub(r"[^0-9]", "", typed)
    whole = normal_phone(typed, region)
    # With every extension, where none was typed.
    condition = Q(phone=whole) | starts_with("phone", whole + EXTENSION) if whole else Q(pk__in=[])
    if len(digits) < FEWEST_DIGITS or re.search(r"[^0-9+() ./\-]", typed):
        return condition
    if typed.lstrip("( ").startswith(("+", "00")):
        return condition if whole else starts_with("phone", "+" + digits.removeprefix("00"))
    # A number as it is dialled at home begins with a 0 that its normal form has not.
    return condition | _inside(digits.removeprefix("0") if len(digits) > FEWEST_DIGITS else digits)


def _inside(digits: str) -> Q:
    """Whose number has the digits inside: found by one pass over the index of phones, never over the contacts, and once for
    each version of them. Digits that many have are met soon on the way through the list."""
    numbers = figures_cache.figures(f"digits.{digits[:40]}", lambda: _numbers(digits), while_writing=5)
    return Q(phone__in=numbers) if len(numbers) <= FEW_NUMBERS else Q(phone__contains=digits)


def _numbers(digits: str) -> list[str]:
    numbers = Contact.objects.filter(phone__isnull=False, phone__contains=digits).order_by()
    return list(numbers.values_list("phone", flat=True)[: FEW_NUMBERS + 1])


def _contact_id(typed: str) -> Q:
    number = parse_id(typed)
    return Q(pk=number) if number is not None else Q(pk__in=[])
