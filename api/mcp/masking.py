"""What an assistant sees of people whose data it may not export: who they are stays recognizable, their values do not.

The scope `contacts.export` lifts it: a token that may take everybody's data out may also show them to a model.
"""

from typing import Any

SCOPE = "contacts.export"
HIDDEN = "•••"
NAMES = frozenset({"first_name", "last_name", "name", "full_name"})
# Standard fields that say where people live and what they are, and hardly who.
PLAIN = frozenset({"country", "region", "city", "language", "time_zone", "gender", "company", "job_title"})
# Members of the API's answers in which values of people stand.
FREE_TEXTS = frozenset({"value", "example", "before", "after", "cells", "fixed", "sentence", "url"})


def contact(row: dict[str, Any]) -> dict[str, Any]:
    """A contact as the API shows it, with its values masked."""
    shown = dict(row)
    for key in NAMES & shown.keys():
        shown[key] = initials(shown[key])
    shown["email"], shown["phone"] = address(row.get("email")), number(row.get("phone"))
    shown["fields"] = {
        key: value if key in PLAIN or not isinstance(value, str | list) else HIDDEN
        for key, value in (row.get("fields") or {}).items()
    }
    for alias in shown.get("aliases") or []:
        alias["value"] = HIDDEN
    return shown


def texts(found: Any) -> Any:
    """JSON with every member masked in which a value of a file or a contact can stand."""
    if isinstance(found, dict):
        return {
            key: HIDDEN if key in FREE_TEXTS and value not in (None, "", []) else texts(value)
            for key, value in found.items()
        }
    return [texts(one) for one in found] if isinstance(found, list) else found


def initials(name: Any) -> Any:
    """Anna Smith → A. S."""
    return " ".join(f"{word[0]}." for word in name.split()) if isinstance(name, str) and name else name


def address(email: Any) -> Any:
    """anna@example.com → a•••@example.com"""
    if not isinstance(email, str) or "@" not in email:
        return email
    local, _at, domain = email.rpartition("@")
    return f"{local[:1]}{HIDDEN}@{domain}"


def number(phone: Any) -> Any:
    """+442079460011 → +44•••11"""
    return f"{phone[:3]}{HIDDEN}{phone[-2:]}" if isinstance(phone, str) and len(phone) > 6 else phone
