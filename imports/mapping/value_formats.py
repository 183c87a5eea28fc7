"""How dates, numbers and lists of a column are written: the choices, and which of them its values allow. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from contacts.values import types
from contacts.values.types import SYSTEM, BadValue

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
# The hundred years in which two-digit years lie: first year → its words.
CENTURIES = {"1900": "1900 to 1999", "1930": "1930 to 2029", "2000": "2000 to 2099"}
_SHORT = {
    **{form.replace("Y", "y"): words.replace("2024", "24") for form, words in DATES.items()},
    "%y-%m-%d": "24-05-31, year first",
    "%y.%m.%d": "24.05.31, year first",
}
SHORT_DATES: dict[str, str] = {
    f"{form}@{first}": f"{words}; years {years}" for form, words in _SHORT.items() for first, years in CENTURIES.items()
}
# A time may be demanded behind a date. ISO 8601 can never be read wrongly and stays possible.
TIMES = (" %H:%M", " %H:%M:%S", " %I:%M %p")
NUMBERS: dict[str, str] = {
    "decimal_comma": "1.234,56 or 1 234,56: decimal comma",
    "decimal_point": "1,234.56: comma between thousands",
}
LISTS: dict[str, str] = {
    "list_comma": "one, two: comma between options",
    "list_semicolon": "one; two: semicolon between options",
}
CHOICES: dict[str, dict[str, str]] = {
    "date": {STRICT: "2024-05-31, or any unambiguous date", **DATES},
    "number": {STRICT: "1234.56: decimal point, no thousands separator", **NUMBERS},
    "list": {STRICT: "one | two: bar between options", **LISTS},
}
# Choices that are offered only where the values need them.
RARE: dict[str, dict[str, str]] = {"date": SHORT_DATES}
_KINDS = {
    "date": "date", "birthday": "date", "datetime": "date", "integer": "number", "decimal": "number", "choices": "list",
}  # fmt: skip
_TARGETS = {"event.time": "datetime", "row.happened": "datetime", "event.amount": "decimal"}
_DATE_LIKE = re.compile(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}(?:(?:[ T]|, )[0-9].*)?\Z").match
_FULL_DATE = re.compile(r"(?:[0-9]{4}.*|[0-9]{1,2}.[0-9]{1,2}.[0-9]{4}(?![0-9]).*)\Z", re.DOTALL).match
_DAY_LIKE = re.compile(r"[0-9]{1,2}([./-])[0-9]{1,2}\.?\Z").match
_ISO_LIKE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").match
_YEAR_FIRST = re.compile(r"(?:3[2-9]|[4-9][0-9])[./-]").match
_LIST_LIKE = re.compile("[,;]").search
_NUMBER_LIKE = re.compile(r"[+-]?[0-9][0-9.,'’ \u00a0\u202f]*\Z").match


@dataclass(frozen=True)
class Found:
    """What the values of a column allow: the choice that they leave, or the choices between which a person must decide.

    `example` shows the difference; `other` is a value that no choice reads together with it: the column is mixed.
    """

    choice: str = STRICT
    ask: tuple[str, ...] = ()
    example: str = ""
    other: str = ""


def type_of(target: str, own: Mapping[str, str]) -> str:
    """The type of a target, `new:TYPE:KEY` too; `own` are the types of the workspace's attributes."""
    if target.startswith("new:"):
        return target.split(":")[1]
    return _TARGETS.get(target) or (SYSTEM[target].type if target in SYSTEM else own.get(target, "text"))


def kind_of(type_key: str) -> str:
    """`date`, `number` or `list` for types that can be written in several ways, else empty."""
    return _KINDS.get(type_key, "")


def kept_columns(columns: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """Mapped columns that take from a workbook what it keeps, not what it shows: those of dates and numbers."""
    types = (column.get("type") or type_of(column["target"], {}) for column in columns)
    return tuple(i for i, type_key in enumerate(types) if kind_of(type_key))


def kinds(samples: Sequence[str]) -> list[str]:
    """The kinds that some of the values look like."""
    likes = {"date": _DATE_LIKE, "number": _NUMBER_LIKE, "list": _LIST_LIKE}
    return [kind for kind, like in likes.items() if any(like(value) for value in samples)]


def expanded(choice: str) -> list[str]:
    """A choice as the mapping keeps it; empty for what is clear in itself."""
    return [] if choice == STRICT else [choice]


def possible(kind: str, choice: str) -> bool:
    """Whether a column of the kind can have this choice; a date also with the form of a time behind it."""
    known = CHOICES.get(kind, {}) | RARE.get(kind, {})
    return choice in known or (kind == "date" and any(choice == date + time for date in DATES for time in TIMES))


def offered(kind: str, proposal: Found, chosen: str) -> dict[str, str]:
    """Choices for a select, with their words: the usual ones, and of the others those that are asked about or chosen."""
    rare = {key: words for key, words in RARE.get(kind, {}).items() if key in (*proposal.ask, proposal.choice, chosen)}
    known = {**rare, **CHOICES[kind]}
    return known if chosen in known or not possible(kind, chosen) else {chosen: chosen, **known}


def example(column: Mapping[str, Any]) -> str:
    """A value as a column of a mapping wants it written: "31.05.2024", "1.234,56"."""
    kind = kind_of(str(column.get("type") or type_of(column["target"], {})))
    if not kind:
        return ""
    forms = column.get("formats") or [STRICT]
    known = CHOICES[kind] | RARE.get(kind, {})
    words = known.get(forms[0], "")
    if kind == "number":
        return "1234.56" if forms[0] == STRICT else words.partition(" or ")[0].partition(": ")[0]
    return words.partition("; ")[0].rpartition(", ")[0] if kind == "date" and words else words.partition(": ")[0]


# --- what the values say ----------------------------------------------------------------------------------------------


def find(type_key: str, samples: Sequence[str], options: Mapping[str, str] | None = None) -> Found:
    """Which way of writing the trimmed, non-empty values have, where only one is possible; else between which to ask.

    `options` are those of a choice.
    """
    if kind_of(type_key) == "list":
        return _find_list(samples, options or {})
    if kind_of(type_key) == "date":
        return _find_date(type_key, samples)
    if kind_of(type_key) == "number":
        return _find_number(type_key, samples)
    return Found()


def _find_date(type_key: str, samples: Sequence[str]) -> Found:
    yearless = type_key == "birthday"
    like = [v for v in samples if (_DATE_LIKE(v) or (yearless and _DAY_LIKE(v))) and not _ISO_LIKE(v) and v.isascii()]
    short = any(_DATE_LIKE(v) and not _FULL_DATE(v) for v in like)
    forms: list[str] = [*SHORT_DATES] if short else [form for form in DATES if form != "%Y/%m/%d"]
    if short and not any(map(_YEAR_FIRST, like)):
        forms = [form for form in forms if not form.startswith("%y")]
    read = _readings(forms, type_key if yearless else "datetime", like)
    values = [i for i in range(len(like)) if any(parsed[i] is not None for parsed in read.values())]
    fitting = [form for form, parsed in read.items() if values and all(parsed[i] is not None for i in values)]
    usable = [like[i] for i in values]
    if fitting:
        return Found(fitting[0]) if len(fitting) == 1 else Found(STRICT, tuple(fitting), _telling(usable))
    return _mixed(read, like, values)


def _find_number(type_key: str, samples: Sequence[str]) -> Found:
    like = [value for value in samples if _NUMBER_LIKE(value)]
    read = _readings((STRICT, *NUMBERS), type_key, like)
    values = [i for i in range(len(like)) if any(parsed[i] is not None for parsed in read.values())]
    fitting = [form for form, parsed in read.items() if all(parsed[i] is not None for i in values)]
    if values and not fitting:
        return _mixed(read, like, values)
    if len({tuple(read[form][i] for i in values) for form in fitting}) < 2:
        return Found(fitting[0] if values else STRICT)
    different = [i for i in values if len({read[form][i] for form in fitting}) > 1]
    return Found(STRICT, tuple(form for form in fitting if form != STRICT), like[different[0]])


def _find_list(samples: Sequence[str], options: Mapping[str, str]) -> Found:
    """By the options, where there are some; else the page asks about a sign that may separate options or be part of them."""
    like = [value for value in dict.fromkeys(samples) if _LIST_LIKE(value)]
    signs = [form for form, sign in types.LISTS.items() if any(sign in value for value in like)]
    if not signs or any("|" in value for value in samples):
        return Found()
    if not options:
        return Found(STRICT, (*signs, STRICT), like[0])
    read = {
        form: [_read(types.parser("choices", options=options, formats=tuple(expanded(form))), v) for v in like]
        for form in (STRICT, *signs)
    }
    values = [i for i in range(len(like)) if any(parsed[i] is not None for parsed in read.values())]
    fitting = [form for form, parsed in read.items() if values and all(parsed[i] is not None for i in values)]
    if not values or (fitting and len({tuple(read[form][i] for i in values) for form in fitting}) == 1):
        return Found(fitting[0] if fitting else STRICT)
    return Found(STRICT, tuple(fitting), like[values[0]]) if fitting else _mixed(read, like, values)


def _mixed(read: Mapping[str, Sequence[Any]], like: Sequence[str], values: Sequence[int]) -> Found:
    """A column that no one choice reads: those that read a part of it, the fullest first, or what is clear in itself."""
    if not values:
        return Found()
    known = {form: sum(parsed[i] is not None for i in values) for form, parsed in read.items() if form != STRICT}
    ask = sorted((form for form, count in known.items() if count), key=lambda form: -known[form])
    first = read[ask[0]]
    one = next(like[i] for i in values if first[i] is not None)
    return Found(STRICT, (*ask, STRICT), one, next(like[i] for i in values if first[i] is None))


def _readings(forms: Sequence[str], type_key: str, samples: Sequence[str]) -> dict[str, list[Any]]:
    """Choice → what each value is by it, None where it cannot be read so."""
    return {
        form: [_read(parse, value) for value in samples]
        for form in forms
        for parse in (types.parser(type_key, formats=tuple(expanded(form))),)
    }


def _telling(samples: Sequence[str]) -> str:
    """The value that shows the difference best: one whose day is not its month."""
    for value in samples:
        parts = re.split(r"[./ -]", value)
        if len(parts) > 1 and parts[0].lstrip("0") != parts[1].lstrip("0"):
            return value
    return samples[0]


def _read(parse: types.Parser, value: str) -> bytes | None:
    try:
        return orjson.dumps(parse(value))
    except BadValue:
        return None


def guess_type(samples: Sequence[str]) -> str:
    """The type that the values suggest, also where they are written in a way that has to be chosen."""
    filled = [value.strip() for value in samples if value.strip()]
    type_key = types.guess_type(filled)
    if type_key != "text" or not filled:
        return type_key
    if all(_DATE_LIKE(v) and _FULL_DATE(v) for v in filled) and _known(find("date", filled)):
        return "datetime" if all(":" in value for value in filled) else "date"
    # Groups with spaces alone may as well be a phone or a code.
    plain = not any(re.match(r"0[0-9]", value) for value in filled) and any(
        re.search("[.,]", value) for value in filled
    )
    return "decimal" if plain and all(map(_NUMBER_LIKE, filled)) and _known(find("decimal", filled)) else type_key


def _known(proposal: Found) -> bool:
    return bool(proposal.ask) or proposal.choice != STRICT


# --- the question -----------------------------------------------------------------------------------------------------


def question(kind: str, proposal: Found) -> str:
    """What a person is asked about values that can be read in several ways: "3 April or 4 March?"."""
    if proposal.other:
        return f"{proposal.example} and {proposal.other} have different formats: which one is right?"
    if kind == "list":
        return f"{proposal.example}: one option, or several?"
    if kind == "number":
        return f"{proposal.example}: thousands or decimals?"
    orders = {form.partition("@")[0] for form in proposal.ask}
    days = [day for day in dict.fromkeys(_spoken(proposal.example, form) for form in proposal.ask) if day]
    text = f"{' or '.join(days)}?" if len(orders) > 1 else ""
    if any("@" in form for form in proposal.ask):
        return f"{proposal.example}: {text + ' And in' if text else 'in'} which century?"
    return text


def _spoken(example: str, form: str) -> str:
    """The day that a form makes of a value: "3 April"."""
    try:
        day = types.parser("birthday", formats=(form,))(example)
    except BadValue:
        return ""
    return f"{int(day[-2:])} {_MONTHS[int(day[-5:-3]) - 1]}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def why(proposal: Found) -> str:
    """Beside the question, why it is asked."""
    if proposal.other:
        return "The column has mixed formats."
    return "Every value can be read either way." if proposal.ask else ""
