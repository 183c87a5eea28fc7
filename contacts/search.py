"""The search box of contacts: what was typed → conditions that an index can answer behind the policy.

Only equality and ranges on stored normal forms: LIKE and lower() are not leak-proof, so behind row-level security
PostgreSQL would read every contact of the workspace for them.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from cdp.given import whole
from contacts.identifiers import name_key, normal_email, normal_phone
from contacts.models import Alias, Contact
from contacts.phones import EXTENSION

# The character after which nothing sorts: ends the range of a prefix.
_LAST = "\U0010ffff"


def starts_with(column: str, prefix: str) -> Q:
    """Rows whose column begins with the prefix, as a range."""
    return Q(**{f"{column}__gte": prefix, f"{column}__lt": prefix + _LAST})


def same(values: Mapping[str, Any]) -> Any:
    """Living contacts that have one of the identifiers among the values, in their normal forms; a query."""
    found = Q(pk__in=[])
    for kind in ("external_id", "email", "phone"):
        if values.get(kind):
            found |= Q(**{kind: values[kind]})
    return Contact.objects.living().filter(found).order_by("pk")


def condition(text: str, *, region: str | None) -> Q:
    """Contacts that a search text may mean: by e-mail, phone, names, external ID or contact ID, those included that a
    contact had before a merge. Empty text: all."""
    typed = " ".join(text.replace("\x00", "").split())[:200]
    if not typed:
        return Q()
    return _own(typed, region) | _formerly(typed, region)


def _formerly(typed: str, region: str | None) -> Q:
    """Contacts that have become one with somebody who had this identifier; nobody as long as nothing was merged."""
    values = {typed, normal_email(typed) or typed.lower(), normal_phone(typed, region) or typed}
    ids = list(Alias.objects.filter(value__in=values).values_list("contact_id", flat=True)[:50])
    return Q(pk__in=ids) if ids else Q()


def _own(typed: str, region: str | None) -> Q:
    if "@" in typed:
        return starts_with("email", normal_email(typed) or typed.lower())
    found = starts_with("external_id", typed) | _names(typed) | starts_with("email", typed.lower())
    return found | _phone(typed, region) | _contact_id(typed)


def _names(typed: str) -> Q:
    words = name_key(typed).split(" ")
    found = starts_with("first_key", " ".join(words)) | starts_with("last_key", " ".join(words))
    for i in range(1, len(words)):
        one, other = " ".join(words[:i]), " ".join(words[i:])
        found |= Q(first_key=one) & starts_with("last_key", other)
        found |= Q(last_key=one) & starts_with("first_key", other)
    return found


def _phone(typed: str, region: str | None) -> Q:
    digits = re.sub(r"[^0-9]", "", typed)
    whole = normal_phone(typed, region)
    if whole:  # with every extension, where none was typed
        return Q(phone=whole) | starts_with("phone", whole + EXTENSION)
    if len(digits) < 4 or re.search(r"[^0-9+() ./\-]", typed):
        return Q(pk__in=[])
    return starts_with("phone", "+" + digits.removeprefix("00"))


def _contact_id(typed: str) -> Q:
    number = whole(typed)
    return Q(pk=number) if number is not None else Q(pk__in=[])
