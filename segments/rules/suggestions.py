"""What can be entered into a line of a rule: values that contacts have, names and properties of events, most frequent first.

Everything is bounded: of a large workspace a sample of contacts is asked, and only the latest events. Identifiers, days and
times are not suggested: hardly two contacts share one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F
from django.db.models.expressions import RawSQL
from django.db.models.fields import TextField
from django.db.models.functions import Cast

from contacts import figures_cache
from contacts.models import Contact
from contacts.values.identifiers import name_key
from core import formatting
from segments.rules import contact_sample
from segments.rules.rule_fields import RuleField
from segments.rules.rule_form import SEPARATOR, RuleFormLine
from tenants.isolation import statements
from tenants.isolation.statements import TookTooLong, time_limit

MOST, SHOWN = 1_000, 8
EVENTS = 20_000
KEPT_SECONDS = 300
MILLISECONDS = 500
_KINDS = frozenset({"text", "name", "option", "number", "count"})

NAMES = """
SELECT s.name, count(*) FROM (
  SELECT e.name FROM event e WHERE e.tenant_id = %(tenant)s AND e.kind = %(kind)s AND e.name IS NOT NULL
  ORDER BY e.at DESC LIMIT %(events)s) s
GROUP BY s.name ORDER BY count(*) DESC, s.name LIMIT %(most)s"""
PROPERTIES = """
SELECT p.key, count(*) FROM (
  SELECT e.properties FROM event e WHERE e.tenant_id = %(tenant)s AND e.kind = %(kind)s
    AND (%(name)s = '' OR lower(e.name) = lower(%(name)s))
  ORDER BY e.at DESC LIMIT %(events)s) s CROSS JOIN LATERAL jsonb_object_keys(s.properties) p(key)
WHERE p.key NOT LIKE '$%%' GROUP BY p.key ORDER BY count(*) DESC, p.key LIMIT %(most)s"""
PROPERTY_VALUES = """
SELECT s.value, count(*) FROM (
  SELECT coalesce(e.properties ->> %(property)s, CASE %(property)s WHEN 'url' THEN e.url WHEN 'title' THEN e.title END)
  FROM event e WHERE e.tenant_id = %(tenant)s AND e.kind = %(kind)s
    AND (%(name)s = '' OR lower(e.name) = lower(%(name)s))
  ORDER BY e.at DESC LIMIT %(events)s) s(value)
WHERE s.value <> '' AND length(s.value) <= 200
GROUP BY s.value ORDER BY count(*) DESC, s.value LIMIT %(most)s"""


@dataclass(frozen=True)
class Suggestion:
    """`value`: what the field then contains; `label`: how it is shown; `count`: how many there are, in words."""

    value: str
    label: str
    count: str = ""


def suggest(line: RuleFormLine, of: str, typed: str = "", property: str = "") -> list[Suggestion] | None:
    """What begins like, or contains, what is `typed` in a field of a line; None for a field without suggestions. `of`:
    value, name, property, or against: the value to compare `property` with."""
    if of == "value":
        return _values(line, typed) if line.subject else None
    if line.activity is None or of not in _EVENTS:
        return None
    given = {"name": {}, "property": {"name": ""}, "against": {"name": "", "property": property}}[of]
    if "name" in given:
        given["name"] = line.typed.get("name", "") if line.activity.named else ""
    name = figures_cache.digest(f"events.{of}.{line.activity.kind}", *given.values())
    found = figures_cache.recent(name, lambda: _events(of, line.activity.kind, given), seconds=KEPT_SECONDS)
    if of == "property":
        known = {value for value, _count in found}
        found = [*found, *((value, "") for value in line.activity.properties if value not in known)]
    return [Suggestion(value, value, count) for value, count in _matching(found, typed, str)]


def values_of(subject: RuleField) -> list[str]:
    """The values that contacts have of a field, and its options, the most frequent first."""
    found = figures_cache.recent(f"values.{subject.key}", lambda: _counted(subject), seconds=KEPT_SECONDS)
    return [value for value, _count in found]


def event_names(activity: str) -> list[str]:
    """The names of the latest events, or source actions, the most frequent first."""
    name = figures_cache.digest(f"events.name.{activity}")
    found = figures_cache.recent(name, lambda: _events("name", activity, {}), seconds=KEPT_SECONDS)
    return [value for value, _count in found]


# --- of contacts --------------------------------------------------------------------------------------------------------


def _values(line: RuleFormLine, typed: str) -> list[Suggestion] | None:
    subject = line.subject
    assert subject is not None
    if subject.kind not in _KINDS and not subject.options:
        return None
    before = ""
    if line.operator.takes == "many":
        before, _separator, typed = typed.rpartition(SEPARATOR)
    chosen = [part.strip() for part in before.split(SEPARATOR) if part.strip()]
    found = figures_cache.recent(f"values.{subject.key}", lambda: _counted(subject), seconds=KEPT_SECONDS)

    def shown(value: str) -> str:
        return subject.options.get(value, value)

    return [
        Suggestion(f" {SEPARATOR} ".join([*chosen, value]), shown(value), count)
        for value, count in _matching([f for f in found if f[0] not in chosen], typed, shown)
    ]


def _counted(subject: RuleField) -> list[tuple[str, str]]:
    """The values of a field, the most frequent first, each with how many contacts have it; options that nobody has last."""
    sample, contacts = contact_sample.sample(), Contact.objects.living()
    if sample:
        contacts = contacts.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [sample.ids]))
    value = F("first_name" if subject.key == "first_name" else "last_name") if subject.kind == "name" else subject.text
    found: Any = []
    if subject.kind in _KINDS:
        rows = contacts.annotate(said=Cast(value, TextField())).exclude(said=None).exclude(said="")
        found = rows.values_list("said").annotate(n=Count("pk")).order_by("-n", "said")[:MOST]
    step = sample.step if sample else 1
    counted = [(said, _about(n * step) if sample else formatting.number(n)) for said, n in found if len(said) <= 200]
    known = {said for said, _count in counted}
    return counted + [(option, "") for option in subject.options if option not in known]


def _about(number: int) -> str:
    """A number that is estimated, in words."""
    return f"about {formatting.number(contact_sample.rounded(number))}"


# --- of events ----------------------------------------------------------------------------------------------------------

_EVENTS = {"name": NAMES, "property": PROPERTIES, "against": PROPERTY_VALUES}


def _events(of: str, kind: str, given: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names, properties or values of the latest events of a kind, the most frequent first."""
    try:
        with time_limit(MILLISECONDS):
            rows = statements.fetch(_EVENTS[of], kind=kind, events=EVENTS, most=MOST, **given)
    except TookTooLong:
        return []  # of events that are this rare nothing is suggested
    many = sum(n for _value, n in rows) >= EVENTS
    return [(value, f"{formatting.number(n)}{' recently' if many else ''}") for value, n in rows]


# --- what is typed ------------------------------------------------------------------------------------------------------


def _matching(found: Sequence[tuple[str, str]], typed: str, shown: Callable[[str], str]) -> list[tuple[str, str]]:
    """Those that begin like what is typed, then those that contain it; letters without case and accents."""
    wanted = name_key(typed)
    keyed = [(name_key(shown(value)), value, count) for value, count in found]
    begin = [(value, count) for key, value, count in keyed if key.startswith(wanted)]
    inside = [(value, count) for key, value, count in keyed if wanted in key and not key.startswith(wanted)]
    return [*begin, *inside][:SHOWN]
