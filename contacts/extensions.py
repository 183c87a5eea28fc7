"""Extensions of contacts by other apps: one registry, filled by settings.EXTENSIONS and checked at every start.

Contacts are low in the line of apps and cannot import those above. Where a merge, an erasure, a profile, a list or an
export has to ask them, it asks here. Each point has a protocol; `check` reports names that lead nowhere or to something
without the functions of its protocol, so that a typing error is found at the start and not at a click.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q
from django.utils.module_loading import import_string

# Of a person: (kind, normal form) of everything that he or she was known by.
Identifiers = Sequence[tuple[str, str]]
# What has been moved, in JSON: only the module that wrote it reads it.
TransferRecord = dict[str, Any]


class ContactDataProvider(Protocol):
    """A module that answers for the tables of one app. All functions work in the caller's transaction."""

    # Every table of the app with data about contacts.
    TABLES: tuple[str, ...]

    def held(self, contact_ids: Sequence[int]) -> list[tuple[int, str]]:
        """(how many, of what) these contacts have, in words for people: (7, "segments")."""

    def move(self, contact_ids: Sequence[int], *, to: int) -> TransferRecord:
        """Give all that the contacts have to another one; returns what it takes to give it back."""

    def restore(self, moved: TransferRecord, *, of: int) -> None:
        """Return what `move` has given to contact `of`, where it is still there."""

    def known(self, contact_ids: Sequence[int]) -> list[tuple[str, str]]:
        """Former identifiers in their normal forms, and names, by their kinds, that only this app stores."""

    def erase(self, contact_ids: Sequence[int], identifiers: Identifiers) -> None:
        """Remove everything about the contacts for good. May raise contacts.errors.NotAllowed, with nothing written."""


class TimelineSource(Protocol):
    """A module with one kind of entries of a contact's timeline (contacts.profile.timeline has their shape)."""

    LABEL: str

    def latest(self, contact_id: int, *, behind: Any, count: int) -> list[Any]:
        """The next entries behind a place, the latest first."""

    def count(self, contact_id: int) -> int:
        """How many there are."""


class RuleReader(Protocol):
    """A module that reads the rules by which lists of contacts are filtered."""

    def compiled(self, rule: str) -> tuple[Q, list[str]]:
        """The contacts that a rule means, and the rule in words, part by part; nobody and no words if it cannot be read."""


class RuleList(Protocol):
    """A module with lists of contacts that a rule can name, such as imports."""

    LABEL: str

    def choices(self) -> list[tuple[int, str]]:
        """(ID, name) of those that can be chosen, the latest first."""

    def names(self, list_ids: Sequence[int]) -> Mapping[int, str]:
        """The names of lists, those that can no longer be chosen included."""

    def contacts(self, list_id: int, *, of: Sequence[int] | None) -> Any:
        """A query of the IDs of its contacts (`of`: those among these); None when there is no such list."""


class ValueChanges(Protocol):
    """A function that knows of changes of values."""

    def __call__(self, key: str, *, since: datetime, of: Sequence[int] | None) -> Any:
        """A query of the IDs of the contacts whose value of that key was changed since then (`of`: among these)."""


class ProfileOverview(Protocol):
    """A module that tells a profile what its contact did."""

    def latest(self, contact_id: int) -> Mapping[str, Any]:
        """What the first tab shows."""

    def stream(self, contact_id: int, *, kind: str, after: str) -> Mapping[str, Any]:
        """A page of the tab that shows everything."""


# Where the registry is asked → what each thing there must have; None: it is called itself.
POINTS: dict[str, tuple[str, ...] | None] = {
    "contact_data": ("TABLES", "held", "move", "restore", "known", "erase"),
    "timeline": ("LABEL", "latest", "count"),
    "rule_lists": ("LABEL", "choices", "names", "contacts"),
    "value_changes": None,
    "rules": ("compiled",),
    "overview": ("latest", "stream"),
    "problem_sentence": None,
    "export_columns": None,
    "source_usage": None,
    "list_usage": None,
    "segment_usage": None,
    "audience_usage": None,
    "setting_changes": None,
    "bulk_actions": ("gather", "step", "undo", "finish"),
}


def contact_data() -> dict[str, ContactDataProvider]:
    """What each app stores about contacts, by the name of the app, the lowest app first."""
    return _all("contact_data")


def timeline_sources() -> dict[str, TimelineSource]:
    """Entries of a timeline beside events, by the kind that shows them alone."""
    return _all("timeline")


def rule_reader() -> RuleReader:
    """What reads the rules of lists."""
    return cast(RuleReader, _all("rules")["rules"])


def rule_lists() -> dict[str, RuleList]:
    """Lists of contacts that a rule can name, by their kind."""
    return _all("rule_lists")


def value_changes() -> dict[str, ValueChanges]:
    """Who knows of changes of values."""
    return _all("value_changes")


def overview() -> ProfileOverview:
    """What a profile shows of what its contact did."""
    return cast(ProfileOverview, _all("overview")["overview"])


def problem_sentence() -> Callable[..., str]:
    """Says a problem of a value, by its code and facts, as a sentence."""
    return cast("Callable[..., str]", _all("problem_sentence")["problem_sentence"])


def export_columns() -> dict[str, Callable[[Sequence[int]], Mapping[int, str]]]:
    """Columns of the export of contacts: name → function from IDs of contacts to ID → cell."""
    return _all("export_columns")


def source_usage() -> dict[str, Callable[[int], Sequence[tuple[str, str, str]]]]:
    """What uses a source: functions from its ID to (kind, name, address of the page)."""
    return _all("source_usage")


def list_usage() -> dict[str, Callable[[str, int], Sequence[tuple[str, str, str]]]]:
    """What uses a list of contacts: functions from its kind and its ID to (kind, name, address of the page)."""
    return _all("list_usage")


def segment_usage() -> dict[str, Callable[[Sequence[int]], Sequence[tuple[int, str, str, str, bool]]]]:
    """What uses segments: functions from their IDs to (segment, kind, name, address of the page, whether the segment cannot
    be deleted for it)."""
    return _all("segment_usage")


def audience_usage() -> dict[str, Callable[[Sequence[int]], Sequence[tuple[int, str, str, str]]]]:
    """What uses audiences, so that they cannot be deleted: functions from their IDs to (audience, kind, name, address of the
    page)."""
    return _all("audience_usage")


def bulk_actions() -> dict[str, Any]:
    """Classes of bulk actions, by their key (contacts.bulk.actions)."""
    return _all("bulk_actions")


@cache
def _all(point: str) -> dict[str, Any]:
    return {key: _load(path) for key, path in _named(point).items()}


def _named(point: str) -> dict[str, str]:
    named: Any = settings.EXTENSIONS[point]
    return {point: named} if isinstance(named, str) else dict(named)


def _load(path: str) -> Any:
    """The module of that name, or what a module has under the last part of it. Raises ImportError."""
    try:
        return import_module(path)
    except ModuleNotFoundError as problem:
        if problem.name is None or not path.startswith(problem.name):
            raise
        return import_string(path)


def check(**_apps: Any) -> list[CheckMessage]:
    """A system check: every name of settings.EXTENSIONS leads to what its point asks for."""
    messages: list[CheckMessage] = []
    for point, names in POINTS.items():
        if point not in settings.EXTENSIONS:
            messages.append(Error(f"settings.EXTENSIONS has no {point!r}.", id="contacts.E001"))
            continue
        for key, path in _named(point).items():
            try:
                thing = _load(path)
            except ImportError as problem:
                messages.append(Error(f"EXTENSIONS[{point!r}][{key!r}]: {problem}", id="contacts.E002"))
                continue
            missing = [name for name in names or () if not hasattr(thing, name)]
            if missing or (names is None and not callable(thing)):
                what = f"has no {', '.join(missing)}" if missing else "cannot be called"
                messages.append(Error(f"EXTENSIONS[{point!r}][{key!r}]: {path} {what}.", id="contacts.E003"))
    return messages


def refuse_broken() -> None:
    """For processes that serve and run no system checks. Raises ImproperlyConfigured with all that is wrong."""
    if messages := check():
        raise ImproperlyConfigured("\n".join(str(problem.msg) for problem in messages))
