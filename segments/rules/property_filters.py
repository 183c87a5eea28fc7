"""Conditions on the properties of an event: one table, from which the form, the check, the words and the SQL are made.

An event without the property is not equal to anything, contains nothing and is neither more nor less: only the opposites
(is not, does not contain, is empty) are true of it. `items` is what an order contains: a condition is true if it is true of
the name, product, title, SKU or ID of one of its items; its opposite, if it is true of none.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from contacts.values.parsers import plain_decimal
from contacts.values.texts import comparable, normal_text
from contacts.values.types import BadValue
from segments.rules.tree import PropertyFilter
from tenants.isolation.statements import fill

ITEMS = "items"


@dataclass(frozen=True)
class Filter:
    """One operator on a property. `sql` compares {text} or {number}; `of`: it is the opposite of that one."""

    key: str
    label: str
    takes: Literal["text", "number", "nothing"]
    sql: str = ""
    of: str = ""

    @property
    def missing(self) -> str:
        """What it says of an event without the property."""
        return "Also true without the property." if self.of else "Not true without the property."


_ALL = (
    Filter("is", "is", "text", "({text} = %(value)s OR {number} = %(number)s)"),
    Filter("is_not", "is not", "text", of="is"),
    Filter("contains", "contains", "text", "strpos({text}, %(value)s) > 0"),
    Filter("contains_not", "does not contain", "text", of="contains"),
    Filter("begins", "starts with", "text", "starts_with({text}, %(value)s)"),
    Filter("more", "is more than", "number", "{number} > %(number)s"),
    Filter("less", "is less than", "number", "{number} < %(number)s"),
    Filter("at_least", "is at least", "number", "{number} >= %(number)s"),
    Filter("at_most", "is at most", "number", "{number} <= %(number)s"),
    Filter("filled", "has a value", "nothing", "{text} <> ''"),
    Filter("empty", "is empty", "nothing", of="filled"),
)
FILTERS: dict[str, Filter] = {one.key: one for one in _ALL}

# A text without case, composed, and with single spaces between its words: contacts.values.texts.comparable in the database.
# Composing costs ten times as much as the rest, and plain ASCII needs none.
COMPARABLE = (
    "casefold((CASE WHEN octet_length({x}) = char_length({x}) THEN {x} ELSE normalize({x}, NFC) END)"
    " COLLATE pg_unicode_fast)"
)
_BLANKS = r"(CASE WHEN {x} ~ '[^ -~]|  |^ | $' THEN btrim(regexp_replace({x}, '\s+', ' ', 'g')) ELSE {x} END)"
_TEXT = "e.properties ->> %(property)s"
# Of what the pixel saw, the address and the title are columns.
_COLUMNS = {"url": "e.url", "title": "e.title"}
_NUMBER = """(CASE jsonb_typeof(e.properties -> %(property)s)
  WHEN 'number' THEN (e.properties ->> %(property)s)::numeric
  WHEN 'string' THEN CASE WHEN e.properties ->> %(property)s ~ '^-?[0-9]{1,30}(\\.[0-9]{1,20})?$'
    THEN (e.properties ->> %(property)s)::numeric END END)"""
_IN_ITEMS = """EXISTS (
  SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(e.properties -> 'items') = 'array'
    THEN e.properties -> 'items' ELSE '[]' END) i(item)
  CROSS JOIN LATERAL unnest(CASE WHEN jsonb_typeof(i.item) = 'object'
    THEN ARRAY[i.item ->> 'name', i.item ->> 'product', i.item ->> 'title', i.item ->> 'sku', i.item ->> 'id']
    ELSE ARRAY[i.item #>> '{}'] END) n(name)
  WHERE {condition})"""


def sql(one: PropertyFilter, name: str) -> tuple[str, dict[str, Any]]:
    """The condition on event e, which is either true or false, and its values; their names begin with `name`."""
    operator = FILTERS[one.op]
    if operator.of:
        condition, values = sql(replace(one, op=operator.of), name)
        return f"NOT {condition}", values
    number = _number(one.value) if operator.takes != "nothing" else None
    values = {"property": one.name, "value": comparable(one.value), "number": number}
    if one.name == ITEMS:
        condition = fill(_IN_ITEMS, condition=_filled(operator.sql, "n.name", "NULL"))
    else:
        text = f"coalesce({_COLUMNS[one.name]}, {_TEXT})" if one.name in _COLUMNS else _TEXT
        condition = f"coalesce({_filled(operator.sql, text, _NUMBER)}, false)"
    used = {key: value for key, value in values.items() if f"%({key})s" in condition}
    for key in used:
        condition = condition.replace(f"%({key})s", f"%({name}_{key})s")
    return condition, {f"{name}_{key}": value for key, value in used.items()}


def read(one: PropertyFilter) -> PropertyFilter:
    """The filter with its value as it is stored. Raises BadValue."""
    name, operator = one.name.strip(), FILTERS[one.op]
    if operator.takes == "nothing":
        return PropertyFilter(name, one.op)
    value = normal_text(one.value)
    if operator.takes == "number":
        if name == ITEMS:
            raise BadValue("not_a_number")
        value = plain_decimal(value)
    return PropertyFilter(name, one.op, value)


def comparable_sql(text: str) -> str:
    """The expression of a text of an event as it is compared."""
    return COMPARABLE.replace("{x}", _BLANKS.replace("{x}", f"({text})"))


def _filled(template: str, text: str, number: str) -> str:
    # An address has neither blanks nor letters beyond ASCII.
    own = f"casefold({text} COLLATE pg_unicode_fast)" if text.startswith("coalesce(e.url") else comparable_sql(text)
    return template.replace("{text}", own).replace("{number}", number)


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(plain_decimal(normal_text(text)))
    except BadValue:
        return None
