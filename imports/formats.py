"""How dates and numbers of a column are written: the choices, and which of them its values allow. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contacts import attributes, values
from contacts.attributes import SYSTEM, BadValue

# The choice of a person who wants only what is clear in itself: ISO 8601, numbers with a point.
STRICT = "strict"
DATES: dict[str, str] = {
    "%d.%m.%Y": "31.05.2024, day first",
    "%d/%m/%Y": "31/05/2024, day first",
    "%d-%m-%Y": "31-05-2024, day first",
    "%m/%d/%Y": "05/31/2024, month first",
    "%m-%d-%Y": "05-31-2024, month first",
    "%m.%d.%Y": "05.31.2024, month first",
    "%Y/%m/%d": "2024/05/31, year first",
}
# A date may be followed by a time; ISO 8601 can never be read wrongly and stays possible.
TIMES = (" %H:%M", " %H:%M:%S", " %I:%M %p")
_ISO = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
NUMBERS: dict[str, str] = {
    "decimal_comma": "1.234,56 or 1 234,56: a comma before decimals",
    "decimal_point": "1,234.56: a comma between thousands",
}
CHOICES: dict[str, dict[str, str]] = {
    "date": {STRICT: "2024-05-31, or clear in itself", **DATES},
    "number": {STRICT: "1234.56: a point, nothing between thousands", **NUMBERS},
}
_KINDS = {"date": "date", "datetime": "date", "integer": "number", "decimal": "number"}
_TARGETS = {"event.time": "datetime", "row.happened": "datetime", "event.amount": "decimal"}
_DATE_LIKE = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}(?:[ T][0-9].*)?\Z").match
_ISO_LIKE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").match
_NUMBER_LIKE = re.compile(r"[+-]?[0-9][0-9.,' \u00a0\u202f]*\Z").match


@dataclass(frozen=True)
class Found:
    """What the values of a column allow: the choice that they leave, or the choices between which a person must decide."""

    choice: str = STRICT
    ask: tuple[str, ...] = ()
    example: str = ""


def type_of(target: str, own: Mapping[str, str]) -> str:
    """The type of a target, `new:TYPE:KEY` too; `own` are the types of the workspace's attributes."""
    if target.startswith("new:"):
        return target.split(":")[1]
    return _TARGETS.get(target) or (SYSTEM[target].type if target in SYSTEM else own.get(target, "text"))


def kind_of(type_key: str) -> str:
    """`date` or `number` for types that can be written in several ways, else empty."""
    return _KINDS.get(type_key, "")


def kinds(samples: Sequence[str]) -> list[str]:
    """The kinds that some of the values look like."""
    likes = {"date": _DATE_LIKE, "number": _NUMBER_LIKE}
    return [kind for kind, like in likes.items() if any(like(value) for value in samples)]


def expanded(choice: str) -> list[str]:
    """A choice as the mapping keeps it; empty for what is clear in itself."""
    if choice in DATES:
        return [choice, *(choice + time for time in TIMES), *_ISO]
    return [] if choice == STRICT else [choice]


def possible(kind: str, choice: str) -> bool:
    """Whether a column of the kind can have this choice; a date also with the form of a time behind it."""
    if kind == "date" and choice not in CHOICES[kind]:
        return any(choice == date + time for date in DATES for time in TIMES)
    return choice in CHOICES.get(kind, {})


def find(type_key: str, samples: Sequence[str]) -> Found:
    """Which way of writing the trimmed, non-empty values have, where only one is possible; else between which to ask."""
    if kind_of(type_key) == "date":
        like = [value for value in samples if _DATE_LIKE(value) and not _ISO_LIKE(value)]
        return _among([c for c in DATES if c != "%Y/%m/%d"], "datetime", like)
    if kind_of(type_key) == "number":
        strict = attributes.parser(type_key)
        numbers = [value for value in samples if _NUMBER_LIKE(value)]
        return Found() if all(_reads(strict, v) for v in numbers) else _among(list(NUMBERS), type_key, numbers)
    return Found()


def _among(choices: Sequence[str], type_key: str, samples: Sequence[str]) -> Found:
    different = list(dict.fromkeys(samples))
    parsers = {c: attributes.parser(type_key, formats=tuple(expanded(c))) for c in choices}
    fitting = [c for c, parse in parsers.items() if different and all(_reads(parse, value) for value in different)]
    if len(fitting) < 2:
        return Found(fitting[0] if fitting else STRICT)
    return Found(STRICT, tuple(fitting), _telling(different))


def _telling(samples: Sequence[str]) -> str:
    """The value that shows the difference best: one whose day is not its month."""
    for value in samples:
        parts = re.split(r"[./ -]", value)
        if len(parts) > 1 and parts[0].lstrip("0") != parts[1].lstrip("0"):
            return value
    return samples[0]


def _reads(parse: attributes.Parser, value: str) -> bool:
    try:
        parse(value)
    except BadValue:
        return False
    return True


def guess_type(samples: Sequence[str]) -> str:
    """The type that the values suggest, also where they are written in a way that has to be chosen."""
    filled = [value.strip() for value in samples if value.strip()]
    found = attributes.guess_type(filled)
    if found != "text" or not filled:
        return found
    if all(map(_DATE_LIKE, filled)) and _known(find("date", filled)):
        return "datetime" if all(":" in value for value in filled) else "date"
    # Groups with spaces alone may as well be a phone or a code.
    plain = not any(re.match(r"0[0-9]", value) for value in filled) and any(
        re.search("[.,]", value) for value in filled
    )
    return "decimal" if plain and all(map(_NUMBER_LIKE, filled)) and _known(find("decimal", filled)) else found


def _known(found: Found) -> bool:
    return bool(found.ask) or found.choice != STRICT


def question(kind: str, example: str) -> str:
    """What a person is asked about a value that can be read in two ways: "3 April or 4 March?"."""
    if kind == "number":
        return f"{example}: thousands or decimals?"
    forms = tuple(form for choice in DATES if choice.startswith("%d") for form in expanded(choice))
    moment = values.formatted(example, forms)
    other = moment.replace(day=moment.month, month=moment.day)
    return f"{moment.day} {moment:%B} or {other.day} {other:%B}?"
