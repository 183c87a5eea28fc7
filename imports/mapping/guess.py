"""Which column of a file is which field: guesses from names and contents, and a check of what a person chose. Pure."""

import re
import unicodedata
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contacts.values import identifiers, types
from contacts.values.columns import SHOWN_IDENTIFIERS
from contacts.values.types import BadValue
from imports.cleaning import consent_columns, row_settings
from imports.mapping import event_columns
from imports.mapping.header_synonyms import CHANGED_COLUMN, EXPORT_COLUMNS, OWN_COLUMNS, SYNONYMS
from imports.problems.catalogue import Problem

CORE_TARGETS: tuple[str, ...] = ("email", "phone", "external_id", "first_name", "last_name", "full_name")
LABELS: dict[str, str] = {
    **types.CORE,
    "full_name": "Full name",
    **{key: a.label for key, a in types.SYSTEM.items()},
}

_CAMEL = re.compile(r"(?<=[a-zß-öø-ÿа-яёіїєґ])(?=[A-ZÀ-ÖØ-ÞА-ЯЁІЇЄҐ])|(?<=[A-ZÀ-ÖØ-Þ])(?=[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ])")
_PUNCTUATION = re.compile(r"[\W_]+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]").search


@dataclass(frozen=True)
class Guess:
    """Where a column seems to go (None: nowhere) and why: by its `name`, by its `content`, or `none`."""

    column: int
    target: str | None
    reason: str


def normal_name(header: str) -> str:
    """The form in which names of columns are compared: small letters without accents, words with one space between.

    "E-Mail_Adresse" → "e mail adresse", "PostalCode" → "postal code", "Prénom" → "prenom"; Cyrillic keeps its й and ї.
    """
    words = _PUNCTUATION.sub(" ", _CAMEL.sub(" ", unicodedata.normalize("NFC", header)))
    return " ".join(words.casefold().split()) if _CYRILLIC(words) else identifiers.name_key(words)


# --- by name ----------------------------------------------------------------------------------------------------------


def _known_names() -> dict[str, list[tuple[int, str]]]:
    """Normal name → (rank, target): our own names first; rank 1 is left for attributes of the workspace."""
    names: dict[str, list[tuple[int, str]]] = {}
    for target, groups in SYNONYMS.items():
        own = f"{target.replace('_', ' ')}|{LABELS[target]}"
        for rank, group in ((0, own), *enumerate(groups, 2)):
            for word in group.split("|"):
                names.setdefault(normal_name(word), []).append((rank, target))
    return names


_NAMES = _known_names()
_OWN = frozenset(normal_name(name) for name in (*OWN_COLUMNS, CHANGED_COLUMN))
# What our export of contacts says about them beside their values; "Contact ID" is our number there, not the customer's.
_OF_EXPORT = frozenset(normal_name(name) for name in EXPORT_COLUMNS)
_OF_ROWS = frozenset(normal_name(name) for pair in row_settings.TARGETS.items() for name in pair)
# Names that are the whole name, unless a column beside them has one half of it: "Vorname, Name", "Nombre, Apellidos".
_HALF_NAMES = frozenset(normal_name(word) for word in SYNONYMS["full_name"][1].split("|"))


def known_name(header: str) -> bool:
    """Whether files call a column so, in any language that we know."""
    name = normal_name(header)
    return name in _NAMES or name in _OWN or name in _OF_ROWS


def names(own: Mapping[str, str]) -> Callable[[str], bool]:
    """As `known_name`, for a workspace with these fields: key → label."""
    also = frozenset(normal_name(name) for pair in own.items() for name in pair)
    return lambda header: known_name(header) or normal_name(header) in also


def guess(
    header: Sequence[str],
    columns: Sequence[Sequence[str]],
    *,
    attributes: Mapping[str, str],
    task: str = "contacts",
) -> list[Guess]:
    """Guess the target of every column; a target is given once, to the column with the surest name.

    `columns` are sample values column by column, `attributes` are the workspace's own: key → label. `task` is what the file
    holds beside contacts (imports.cleaning.row_settings.TASKS): its columns are known only where it is so.
    """
    names = [normal_name(name) for name in header]
    samples = [[text for v in columns[i] if (text := v.strip())] if i < len(columns) else [] for i in range(len(names))]
    taken: dict[int, str] = {}
    candidates = [*_by_name(header, names, samples, attributes), *event_columns.by_name(names, samples, task=task)]
    for _rank, _empty, i, target in sorted(candidates):
        if i not in taken and (target not in taken.values() or target in row_settings.STATUSES):
            taken[i] = target
    _split_names(names, taken)
    reasons = dict.fromkeys(taken, "name")
    for i, target in _by_content(names, samples, taken):
        taken[i], reasons[i] = target, "content"
    return [Guess(i, taken.get(i), reasons.get(i, "none")) for i in range(len(names))]


def _by_name(
    header: Sequence[str], names: Sequence[str], samples: Sequence[Sequence[str]], labels: Mapping[str, str]
) -> Iterator[tuple[int, bool, int, str]]:
    """(rank, whether the column is empty, column, target) for every name that is known."""
    custom: dict[str, str] = {}
    for key, label in labels.items():
        custom.setdefault(normal_name(label), key)
    custom |= {normal_name(key): key for key in labels}
    own = is_our_export(names)
    for i, name in enumerate(names):
        if name in _OWN or (own and name in _OF_EXPORT):
            continue
        if name in custom:
            yield 1, not samples[i], i, custom[name]
        if (target := _status(header[i], samples[i])) is not None:
            yield 2, not samples[i], i, target
        if own and name == "segments":
            yield 0, not samples[i], i, "row.segments"
        for rank, target in _NAMES.get(name, ()):
            if not _refused(target, samples[i]):
                yield rank, not samples[i], i, target


def is_our_export(names: Sequence[str]) -> bool:
    """Whether the file is an export of contacts of ours: nothing else has these columns beside each other."""
    return {"e mail status", "phone status", "created by", "changed at"} <= set(names)


def _status(name: str, values: Sequence[str]) -> str | None:
    """The status that a column sets, if its name says that it is about consent and its values can be read so."""
    column = consent_columns.meaning(name)
    if column is None or not consent_columns.fits(name, values):
        return None
    return consent_columns.ADS if column.channel == consent_columns.ADS else f"{column.channel}_status"


def _refused(target: str, values: Sequence[str]) -> bool:
    """Whether none of the values is of the field's kind: a birthday without a year would put every row in error."""
    kind = types.SYSTEM[target].type if target in types.SYSTEM else "text"
    if kind == "text" or not values:
        return False
    parse = types.parser(kind)
    for value in values:
        try:
            parse(value)
        except BadValue as problem:
            if problem.code.startswith("not_a_"):
                continue
        return False
    return True


def _split_names(names: Sequence[str], taken: dict[int, str]) -> None:
    """A "Name" beside a column with one half of the name is the other half."""
    at = {target: i for i, target in taken.items()}
    i = at.get("full_name")
    if i is not None and names[i] in _HALF_NAMES and ("first_name" in at) != ("last_name" in at):
        taken[i] = "last_name" if "first_name" in at else "first_name"


# --- by content -------------------------------------------------------------------------------------------------------


def _by_content(
    names: Sequence[str], samples: Sequence[Sequence[str]], taken: Mapping[int, str]
) -> Iterator[tuple[int, str]]:
    """The first columns that hold e-mails and phones, where no name says which do."""
    free = [i for i, name in enumerate(names) if i not in taken and name not in _OWN]
    for target, fits in (("email", _is_email), ("phone", _is_phone)):
        if target in taken.values():
            continue
        column = next((i for i in free if 2 * sum(map(fits, samples[i])) > len(samples[i])), None)
        if column is not None:
            free.remove(column)
            yield column, target


def _is_email(text: str) -> bool:
    return "@" in text and identifiers.normal_email(text) is not None


def _is_phone(text: str) -> bool:
    return text.lstrip("'").startswith("+") and identifiers.normal_phone(text.lstrip("'"), None) is not None


# --- what a person chose ----------------------------------------------------------------------------------------------


def check(
    targets: Sequence[str],
    *,
    known: Container[str],
    task: str = "contacts",
    event_name: str = "",
    identifiers_used: Collection[str] = SHOWN_IDENTIFIERS,
) -> list[Problem]:
    """What is wrong with a mapping, one target a column; `known` are the keys of attributes.

    `skip` and properties of events may repeat. `task`, `event_name` and `identifiers_used` are those of the
    import's options.
    """
    problems, seen = [], set()
    also = {*row_settings.SETTINGS, *row_settings.TASKS[task].targets}
    for i, target in enumerate(targets):
        if target in ("skip", "event.property"):
            if target not in ("skip", *also):
                problems.append(Problem(i, "unknown_target", target))
            continue
        if target not in CORE_TARGETS and target not in known and target not in also:
            problems.append(Problem(i, "unknown_target", target))
        elif target in seen and target not in row_settings.STATUSES:
            problems.append(Problem(i, "two_columns_one_target", label(target)))
        seen.add(target)
    if seen.isdisjoint((*identifiers_used, "contact_id")):
        *others, last = [label(name) for name in SHOWN_IDENTIFIERS if name in identifiers_used]
        names = f"{', '.join(others)} or {last}" if others else last
        problems.append(Problem(None, "no_identifier_column", names))
    if (needed := _NEEDED.get(task)) and needed not in seen and not (task == "events" and event_name):
        problems.append(
            Problem(
                None, "no_event_column", row_settings.EVENT[needed], {"task": row_settings.TASKS[task].label.lower()}
            )
        )
    return problems


# The column that a kind of event cannot be without.
_NEEDED = {"events": "event.name", "orders": "event.id", "messages": "event.status"}


def label(target: str) -> str:
    """The name of a target that is no attribute of the workspace."""
    return LABELS.get(target) or row_settings.TARGETS.get(target) or target
