"""Who did what: one entry in the transaction of the change; and the entries as people look at them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from tenants.models import AuditEntry

# What acts for the member, such as a token of the API; empty for the member in a browser.
_by: ContextVar[str] = ContextVar("audit_by", default="")


@contextmanager
def acting_by(name: str) -> Iterator[None]:
    """Inside of it, entries say by what the member acted."""
    token = _by.set(name)
    try:
        yield
    finally:
        _by.reset(token)


def record(verb: str, *, user_id: int | None, target: str = "", **detail: Any) -> AuditEntry:
    """Add an entry, for example record("import.started", user_id=7, target="import 12", rows=4500)."""
    if by := _by.get():
        detail = {**detail, "by": by}
    entry: AuditEntry = AuditEntry.objects.create(user_id=user_id, verb=verb, object=target, detail=detail)
    return entry


# What entries are about, by the first word of their verb.
SUBJECTS = {
    "": "Everything", "contact": "Contacts", "bulk": "Bulk actions", "probable": "Probable duplicates",
    "blacklist": "Blacklist", "segment": "Segments", "audience": "Audiences",
    "ambiguity": "Ambiguities", "visitor": "Visitors",
    "import": "Imports", "mapping": "Saved mappings", "member": "Members", "site": "Sites",
    "source": "Data sources", "connector": "Connectors", "settings": "Settings", "category": "Categories",
    "form": "Forms", "hook": "E-mail providers", "attribute": "Fields", "token": "API tokens", "webhook": "Webhooks",
    "workspace": "Workspace", "retention": "Retention",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One value before and after, as an entry keeps it."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Shown:
    """An entry in words: what was done, and the values with their states before and after."""

    entry: AuditEntry
    what: str
    changes: list[Change]
    facts: list[tuple[str, str]]


def page(*, subject: str, user_id: int | None, about: str, before: int | None, count: int) -> list[AuditEntry]:
    """The next entries, the latest first, one more than a page has. `about`: what they are about begins so."""
    wanted = Q(verb__startswith=f"{subject}.") if subject else Q()
    if user_id is not None:
        wanted &= Q(user_id=user_id)
    if about:
        wanted &= Q(object__startswith=about)
    if before is not None:
        wanted &= Q(pk__lt=before)
    return list(AuditEntry.objects.filter(wanted).select_related("user").order_by("-pk")[: count + 1])


def about(target: str, *, count: int) -> list[Shown]:
    """What was done to one thing, the latest first."""
    entries = AuditEntry.objects.filter(object=target).select_related("user").order_by("-pk")[:count]
    return [format_entry(entry) for entry in entries]


def format_entry(entry: AuditEntry) -> Shown:
    """An entry as a page says it."""
    subject, _dot, verb = entry.verb.partition(".")
    detail: dict[str, Any] = dict(entry.detail)
    changes = [_change(name, pair) for name, pair in dict(detail.pop("values", None) or {}).items()] if isinstance(
        detail.get("values"), dict) else []  # fmt: skip
    before, after = detail.pop("before", None), detail.pop("after", None)
    if before is not None or after is not None:
        changes.append(Change(str(detail.pop("channel", "state")), _state(before), _state(after)))
    facts = [
        (name.replace("_", " "), _text(value)) for name, value in detail.items() if value not in (None, "", {}, [])
    ]
    return Shown(entry, f"{subject} {verb.replace('_', ' ')}".strip().capitalize(), changes, facts)


def _change(name: str, pair: Any) -> Change:
    """Of a state with other forms of its value (contacts.value_state), the value itself."""
    states = pair if isinstance(pair, list) and len(pair) == 2 else [None, pair]
    before, after = (state[0] if isinstance(state, list) and state else state for state in states)
    return Change(name.replace("_", " "), _text(before), _text(after))


def _state(value: Any) -> str:
    """Of the state of a channel, its status."""
    return str(value["status"]) if isinstance(value, Mapping) and "status" in value else _text(value)


def _text(value: Any) -> str:
    """A value of an entry for people."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items() if inner not in (None, ""))
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value[:20] if inner is not None) or "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "empty" if value is None else str(value)
