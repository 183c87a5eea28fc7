"""Kinds of destinations: one folder each, with modules of the same names.

    destinations/<kind>/normalize.py   identifiers(person) -> list[Identifier]     the normal forms of the kind
    destinations/<kind>/kind.py        KIND: what is special about it
    destinations/<kind>/client.py      connect(account, secret, target): a context of a Client; only workers load it
    destinations/<kind>/form.py        ACCOUNT, TARGET: fields of a connection and of a list there, and what is checked

A further kind is one more folder; nothing else has a list of them.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, Protocol

import destinations
from destinations.normal_forms import Identifier, Person


class Limits(NamedTuple):
    """What a destination takes: members a request, requests a minute and a day (0: no limit)."""

    members: int
    minute: int = 0
    day: int = 0


@dataclass(frozen=True)
class Kind:
    """What is special about a kind.

    `keys` are the kinds of identifiers that find a person there, by which people are taken out again. `advertises`: ads
    consent is needed. `replaces`: the destination takes whole lists only. `confirms`: results of requests come later.
    """

    label: str
    limits: Limits
    keys: frozenset[str]
    advertises: bool
    replaces: bool = False
    confirms: bool = False
    unsure: str = ""  # what was never tried against the real thing, as a sentence


class Parcel(NamedTuple):
    """One request. `uid` is the same when it is repeated. Of people who come, `people` has all identifiers of each; of those
    who go, what finds them."""

    uid: str
    removes: bool
    people: Sequence[Sequence[Identifier]]


@dataclass(frozen=True)
class Outcome:
    """What came of a request: how many people it was about, and how many were rejected by reason. With `request_id` the
    result comes later."""

    received: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    request_id: str = ""


class Client(Protocol):
    """An open connection to one list of one account. Every method may raise Busy, Expired, Refused."""

    def send(self, parcel: Parcel) -> Outcome:
        """Add people, or remove them. Repeating it with the same `uid` changes nothing."""

    def result(self, request_id: str) -> Outcome | None:
        """The result of a request that was taken; None while it is not known."""

    def check(self) -> str:
        """Whether the list can be written to, without changing anything: a sentence for people."""


class Replacing(Protocol):
    """A connection of a kind that takes whole lists."""

    def replace(self, path: str, *, rows: int) -> Outcome:
        """Put a CSV file in the place of the one before, all at once."""

    def check(self) -> str:
        """Whether the place can be written to, without changing anything: a sentence for people."""


class Problem(Exception):
    """Why a destination did not do what it was asked for. The sentence is for people."""


class Busy(Problem):
    """It may work later: too many requests, an outage, a lost connection. `seconds`: how long it asks to wait (0: not
    said)."""

    def __init__(self, sentence: str, *, seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class Expired(Problem):
    """The connection is no longer valid: somebody has to connect again. Nothing was done."""


class Refused(Problem):
    """The destination does not want this, now or later, until somebody changes something. Nothing was done."""


class Field(NamedTuple):
    """A field of a form: `secret` ones are encrypted and never shown again; one with `when`, (key, value) of a field with
    choices, is asked for only where that was chosen."""

    key: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    choices: Sequence[tuple[str, str]] = ()
    lines: bool = False  # of several lines, such as a private key
    when: tuple[str, str] | None = None


Connect = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], AbstractContextManager[Any]]
MODULES = ("normalize", "kind", "client", "form")


@cache
def names() -> tuple[str, ...]:
    """The kinds that exist: folders with all modules."""
    folders = [found.name for found in pkgutil.iter_modules(destinations.__path__) if found.ispkg]
    inside = {
        name: {found.name for found in pkgutil.iter_modules([f"{path}/{name}" for path in destinations.__path__])}
        for name in folders
    }
    return tuple(sorted(name for name in folders if inside[name] >= set(MODULES)))


def _module(kind: str, name: str) -> Any:
    if kind not in names():
        raise KeyError(kind)
    return import_module(f"destinations.{kind}.{name}")


def of(kind: str) -> Kind:
    """What is special about a kind. Raises KeyError."""
    found: Kind = _module(kind, "kind").KIND
    return found


def normalizer(kind: str) -> Callable[[Person], list[Identifier]]:
    """The function that writes identifiers as a kind wants them."""
    found: Callable[[Person], list[Identifier]] = _module(kind, "normalize").identifiers
    return found


def connector(kind: str) -> Connect:
    """The function that opens a connection: (settings of the account, its secret, settings of the list) → Client."""
    found: Connect = _module(kind, "client").connect
    return found


def form(kind: str) -> Any:
    """The form module of a kind: ACCOUNT and TARGET, sequences of Field, and `clean(account, secret, target)`, which raises
    ValueError with a sentence."""
    return _module(kind, "form")


def asked(kind: str, chosen: Mapping[str, Any]) -> list[Field]:
    """The fields of a connection that are asked for, with what was chosen in others; before that, their first choice."""
    fields: Sequence[Field] = form(kind).ACCOUNT
    first = {field.key: field.choices[0][0] for field in fields if field.choices}
    return [
        field
        for field in fields
        if field.when is None or (chosen.get(field.when[0]) or first[field.when[0]]) == field.when[1]
    ]


def choices() -> list[tuple[str, str]]:
    """(kind, label) of all kinds, by label."""
    return sorted(((name, of(name).label) for name in names()), key=lambda pair: pair[1])
