"""JSON whose numbers keep their digits: 12.10 stays 12.10, and 12345678901234567890.12 loses nothing.

A number with a point is a Decimal in Python and is written digit by digit; none passes through a float. PostgreSQL keeps the
digits of jsonb itself.
"""

import json
from decimal import Decimal
from typing import Any

import orjson
from django.db import models

# What fits into 64 bits for sure; longer whole numbers are Decimals, too, as the fast writer knows no others.
_SHORT = 18
_POWER = 300


def loads(text: str | bytes) -> Any:
    """JSON as Python has it, numbers with a point as Decimal. Raises json.JSONDecodeError."""
    return _reader.decode(text if isinstance(text, str) else bytes(text).decode())


def dumps(value: Any) -> str:
    """The JSON of a value, Decimals as numbers with the digits they have. Raises TypeError."""
    return Encoder().encode(value)


def has_float(value: Any) -> bool:
    """Whether a fast reader has made a float of a number, here or deeper. Callers bound the depth."""
    if isinstance(value, dict):
        return any(map(has_float, value.values()))
    return any(map(has_float, value)) if isinstance(value, list) else isinstance(value, float)


def plain(value: Any) -> Any:
    """A value of a parser (contacts.values.types), where numbers may be pieces of JSON, as the database gives it back."""
    return loads(orjson.dumps(value)) if isinstance(value, orjson.Fragment) else value


class Decoder(json.JSONDecoder):
    """Reads numbers with their digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"parse_float": _fraction, "parse_int": _whole, **options})


class Encoder(json.JSONEncoder):
    """Writes numbers with their digits."""

    def encode(self, o: Any) -> str:
        try:
            return orjson.dumps(o, default=piece, option=orjson.OPT_NON_STR_KEYS).decode()
        except (
            TypeError
        ):  # a whole number of more than 64 bits, half of a surrogate pair: as the standard library has it
            return super().encode(o)


def _fraction(text: str) -> Decimal | float:
    number = Decimal(text)
    # A power of ten that nobody has meant would become gigabytes of zeros.
    return number if abs(number.adjusted()) <= _POWER else float(text)


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _SHORT else Decimal(text)


_reader = Decoder()  # one for all: to make one costs as much as to read a contact's attributes


def piece(value: Any) -> orjson.Fragment:
    """A Decimal as a piece of JSON, for `default` of orjson. Raises TypeError for all else."""
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(f"{value:f}")
    raise TypeError(f"no JSON: {type(value).__name__}")


class JSONField(models.JSONField):
    """A column of JSON whose numbers keep their digits. Migrations see Django's own field: the table is the same."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"encoder": Encoder, "decoder": Decoder, **options})

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if not isinstance(value, str):
            return super().from_db_value(value, expression, connection)
        try:
            return loads(value)
        except json.JSONDecodeError:  # a text that was taken out of the JSON, as Django has it
            return value

    def deconstruct(self) -> Any:
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.JSONField", args, {k: v for k, v in options.items() if k not in _OURS}


_OURS = ("encoder", "decoder")
