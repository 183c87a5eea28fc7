"""Rows as COPY lines: of a clean row, or straight from cells without a problem. Pure.

Each column is compiled to one function from a cell to what is staged, and remembers its answers, as most columns repeat
their values. What does not fit at once is left to `cleaning.Cleaner.row`, which uses the same functions.
"""

from collections.abc import Callable, Collection, Sequence
from operator import call, itemgetter
from typing import Any

import orjson

from contacts.values import identifiers, types
from contacts.values.columns import SHOWN_IDENTIFIERS
from contacts.values.formula_guard import strip_guard
from contacts.values.texts import trimmed
from contacts.values.types import BadValue
from core import exact_json
from imports.cleaning import cells as cell_readers
from imports.cleaning.cells import MAX_PHONE, CleanRow, Column
from imports.cleaning.row_settings import RowSettings

NULL = "\\N"
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NO_NAME = (NULL, NULL)
# Values of a column that are cached: those that repeat are among the first. More would only be slower, for a
# column whose values are all different.
REMEMBERED = 2_000

Answer = Callable[[str], Any]
Line = Callable[[list[str]], str | None]


class _Answers(dict[str, Any]):
    """Cell as it is in the file → what it becomes: a function with a cache. What it raises is not cached."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer

    def __missing__(self, cell: str) -> Any:
        answer = self.answer(cell)
        if len(self) < REMEMBERED:
            self[cell] = answer
        return answer


def remembered(answer: Answer) -> Answer:
    """The same function with a memory for the values that come again."""
    return _Answers(answer).__getitem__


def compiled(
    columns: Sequence[tuple[Column, Answer]],
    *,
    at: dict[str, int],
    width: int,
    full_name: str = "",
    region: Callable[[str], str | None] | str | None,
    clearable: Sequence[tuple[int, str]],
    extras: RowSettings,
    identifiers_used: Collection[str] = SHOWN_IDENTIFIERS,
) -> Line:
    """A function from cells to what follows the line number in the COPY text; it says None to a row with a problem.

    `columns` are those of attributes with their readers, `at` is target → index, `full_name` the header of whole names,
    `region` that of phones, or how a cell with a country tells it.
    """
    by_email, by_phone = "email" in identifiers_used, "phone" in identifiers_used
    email_at, phone_at, external_at = at.get("email"), at.get("phone"), at.get("external_id")
    first_at, last_at, full_at = at.get("first_name"), at.get("last_name"), at.get("full_name")
    regions, country_at = (_Answers(region), at["country"]) if callable(region) else ({"": region}, None)
    normal_email, normal_phone = identifiers.normal_email, identifiers.normal_phone
    normal_external_id = identifiers.normal_external_id
    names, halves, no_name = _Answers(_name), _Answers(_halves_of(full_name)), _NO_NAME
    fragments, pick = [_fragment(*c) for c in columns], _picker([column.index for column, _read in columns])
    join = ",".join
    more = extras.read if extras else None

    # Long because it is the inside of the loop: a call costs as much as the work of a cell.
    def line(cells: list[str]) -> str | None:
        if len(cells) != width:
            return None
        email = written = phone = phone_written = external_id = NULL
        if email_at is not None and (text := cells[email_at].strip()):
            if text[0] == "'":
                text = text.lstrip("'")
            normal = normal_email(text)
            if normal is None:
                return None
            email = normal
            if normal != text and normal != (text := trimmed(text)):
                written = _escaped(text)
        if phone_at is not None and (text := cells[phone_at].strip()):
            if text[0] == "'":
                text = strip_guard(text)
            normal = normal_phone(text, regions["" if country_at is None else cells[country_at]])
            if normal is None:
                return None
            phone = normal
            if normal != text:
                # Unchanged, when it begins and ends with digits; a zero at the end may be that of a float.
                plain = "(" <= text[0] <= "9" and "1" <= text[-1] <= "9" and len(text) <= MAX_PHONE
                if plain or normal != (text := cell_readers.as_written(text)):
                    phone_written = _escaped(text)
        if external_at is not None and (text := cells[external_at].strip()):
            normal = normal_external_id(strip_guard(text) if text[0] == "'" else text)
            if normal is None:
                return None
            external_id = _escaped(normal)
        elif (email is NULL or not by_email) and (phone is NULL or not by_phone):
            return None
        try:
            first = no_name if first_at is None else names[cells[first_at]]
            last = no_name if last_at is None else names[cells[last_at]]
            if full_at is not None and first is no_name and last is no_name:
                first, last = halves[cells[full_at]]
            json = join(filter(None, map(call, fragments, pick(cells))))
            said = "\\N\t\\N" if more is None else _said(*more(cells, None))
        except ValueError:
            return None
        cleared = _array([key for i, key in clearable if not trimmed(cells[i])]) if clearable else NULL
        return (
            f"\t{email}\t{written}\t{phone}\t{phone_written}\t{external_id}"
            f"\t{first[0]}\t{last[0]}\t{first[1]}\t{last[1]}\t{{{json}}}\t{cleared}\t{said}\n"
        )

    return line


def line_from_clean_row(row: CleanRow) -> str:
    """What follows the line number in the COPY text of a clean row, in the order of contacts.staging.ROW_COLUMNS."""
    v = row.values
    core = (_escaped(v[key]) for key in ("email", "email_written", "phone", "phone_written", "external_id"))
    first, last = _name_pair(v["first_name"]), _name_pair(v["last_name"])
    json = _escaped(orjson.dumps(row.attributes).decode())
    rest = (json, _array(row.cleared), _said(row.settings, row.event))
    return "\t" + "\t".join((*core, first[0], last[0], first[1], last[1], *rest)) + "\n"


def _picker(places: Sequence[int]) -> Callable[[list[str]], Sequence[str]]:
    """A function from a row to its cells at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda cells: [cells[i] for i in places]


# --- parts of a line --------------------------------------------------------------------------------------------------


def _fragment(column: Column, read: Answer) -> Callable[[str], str]:
    """A function from a cell to its part of the JSON of attributes; "" for a blank. It raises ValueError."""
    key = orjson.dumps(column.target).decode() + ":"

    def fragment(cell: str) -> str:
        text = trimmed(cell)
        if not text and column.required:
            raise BadValue("required_empty")
        value = read(text) if text else None
        if type(value) is str and value.isprintable() and '"' not in value and "\\" not in value:
            return f'{key}"{value}"'  # what JSON would write, in a third of the time
        return key + _escaped(orjson.dumps(value).decode()) if value is not None else ""

    if column.repeats:
        return remembered(fragment)
    match, check, quote = types.AS_STORED[column.type]
    latest = column.latest

    # Values that are nearly all different are not worth remembering; most need no more than a look.
    def plain(cell: str) -> str:
        if not match(cell):
            return fragment(cell)
        check(cell)
        if latest:
            cell_readers.in_range(cell, latest)
        return f"{key}{quote}{cell}{quote}"

    return plain


def _name_pair(name: str | None) -> tuple[str, str]:
    """A name as it is staged, and the form in which it is searched."""
    return (_escaped(name), _escaped(identifiers.name_key(name))) if name else _NO_NAME


def _name(cell: str) -> tuple[str, str]:
    return _name_pair(cell_readers.name(trimmed(cell)))


def _halves_of(header: str) -> Answer:
    """A function from a whole name in a column of this name to both of its halves as they are staged."""

    def halves(cell: str) -> tuple[tuple[str, str], tuple[str, str]]:
        first, last = cell_readers.split_full_name(trimmed(cell), header)
        return _name_pair(first), _name_pair(last)

    return halves


def _said(settings: dict[str, Any], event: dict[str, Any]) -> str:
    """The last two columns: what a row says about itself, and what its contact did."""
    return f"{_json(settings)}\t{_json(event)}"


def _json(value: dict[str, Any]) -> str:
    return _escaped(orjson.dumps(value, default=exact_json.piece).decode()) if value else NULL


def _escaped(text: str | None) -> str:
    if not text:
        return NULL
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPED)


def _array(keys: Sequence[str]) -> str:
    return "{" + ",".join(keys) + "}" if keys else NULL
