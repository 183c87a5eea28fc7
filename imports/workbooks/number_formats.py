"""Number formats of spreadsheets: the text that a sheet shows for a number. Pure, of the standard library alone.

A format (ECMA-376 part 1, 18.8.31) has up to four parts for positive numbers, negative ones, zero and text. Where what is
shown depends on the computer that shows it (short dates, money of the region) or loses digits (exponents), nothing is said:
the caller then takes the number itself.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from fractions import Fraction

# A number → the text that is shown for it; None where the number itself is all that can be said.
Show = Callable[[Decimal], str | None]

BUILT_IN: dict[int, str] = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 12: "# ?/?", 13: "# ??/??", 14: "date",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "date", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
    **dict.fromkeys((*range(27, 37), *range(50, 59)), "date"),
    **dict.fromkeys((5, 6, 41, 42), "#,##0;-#,##0"), **dict.fromkeys((7, 8, 43, 44), "#,##0.00;-#,##0.00"),
}  # fmt: skip
# How dates are shown that every computer shows in its own way: not at all.
REGIONAL = "date"
_PLAIN = {"", "general", "@"}
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_(?P<width>.)|\*(?P<fill>.)|\[(?P<bracket>[^\]]*)\]|(?P<ampm>AM/PM|A/P|上午/下午)'
    r"|(?P<general>General)|(?P<exponent>E[+-])|(?P<date>y+|m+|d+|h+|s+|e+)|(?P<digit>[0#?])|(?P<sign>[.,%/@])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)\Z").match
_ENGLISH, _LANGUAGE, _PLACES = 0x09, 0x3FF, 0xFFFF
_LAST_DAY = 2_958_465
_DAY_MS = 86_400_000
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONG = 3


@dataclass(frozen=True)
class Format:
    """What a format does: `show` for people, and whether its numbers are dates or times."""

    show: Show
    moment: bool


def compiled(code: str, *, since_1904: bool = False) -> Format | None:
    """The format of a code; None for one that shows numbers as they are."""
    if code.strip().lower() in _PLAIN:
        return None
    if code == REGIONAL:
        return Format(lambda _number: None, moment=True)
    sections = [_tokens(section) for section in _sections(code)]
    moments = [_is_moment(tokens) for tokens in sections]
    parts = [
        _moment(tokens, since_1904=since_1904) if moment else _number(tokens)
        for tokens, moment in zip(sections, moments, strict=True)
    ]
    conditions = [_condition(tokens) for tokens in sections]

    def show(number: Decimal) -> str | None:
        at = _section_for(number, conditions)
        if at is None or (number < 0 and moments[at]):
            return None
        # With a part of its own a negative number is shown by that part's signs alone.
        own_sign = at > 0 or conditions[at] is not None
        text = parts[at](abs(number) if own_sign or number >= 0 else -number)
        return f"-{text}" if text and number < 0 and not own_sign and not moments[at] else text

    return Format(show, moment=any(moments))


def _sections(code: str) -> list[str]:
    """The parts of a code between semicolons; the fourth is for texts."""
    sections, start = [], 0
    for token in _TOKEN.finditer(code):
        if token["other"] == ";":
            sections.append(code[start : token.start()])
            start = token.end()
    return [*sections, code[start:]][:3]


Tokens = list[tuple[str, str]]


def _tokens(section: str) -> Tokens:
    return [(str(token.lastgroup), str(token[str(token.lastgroup)])) for token in _TOKEN.finditer(section)]


def _condition(tokens: Tokens) -> tuple[str, Decimal] | None:
    for kind, text in tokens:
        if kind == "bracket" and (match := _CONDITION(text.strip())):
            return match[1], Decimal(match[2])
    return None


def _section_for(number: Decimal, conditions: list[tuple[str, Decimal] | None]) -> int | None:
    if any(conditions):
        for at, condition in enumerate(conditions):
            if condition is None or _holds(number, *condition):
                return at
        return None
    if len(conditions) > 1 and number < 0:
        return 1
    return 2 if len(conditions) > 2 and number == 0 else 0


def _holds(number: Decimal, sign: str, limit: Decimal) -> bool:
    return {
        "<": number < limit, ">": number > limit, "=": number == limit,
        "<=": number <= limit, ">=": number >= limit, "<>": number != limit,
    }[sign]  # fmt: skip


# --- numbers ----------------------------------------------------------------------------------------------------------


def _literal(kind: str, text: str) -> str | None:
    """What a token shows that is no digit; None for one that is."""
    if kind in ("quoted", "escaped", "other"):
        return text
    if kind == "width":
        return " "
    if kind == "bracket":
        # [$€-407] is money, [Red] and [>5] are not shown.
        return text[1:].partition("-")[0] if text.startswith("$") else ""
    return "" if kind == "fill" else None


def _number(tokens: Tokens) -> Show:
    if any(kind == "exponent" for kind, _text in tokens):
        return lambda _number: None
    if any(pair == ("sign", "/") for pair in tokens) and any(kind == "digit" for kind, _text in tokens):
        return _fraction(tokens)
    layout = _Digits(tokens)
    return layout.show


class _Digits:
    """A part with places for digits: 0 shows a zero, # nothing, ? a blank where there is no digit."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = [(kind, text) for kind, text in tokens if kind not in ("date", "ampm")]
        kinds = [kind for kind, _text in self.tokens]
        places = [i for i, kind in enumerate(kinds) if kind == "digit"]
        points = [i for i, pair in enumerate(self.tokens) if pair == ("sign", ".")]
        self.point = points[0] if points else len(self.tokens)
        self.whole = [i for i in places if i < self.point]
        self.part = [i for i in places if i > self.point]
        commas = [i for i, pair in enumerate(self.tokens) if pair == ("sign", ",")]
        last = self.whole[-1] if self.whole else -1
        self.grouped = any(self.whole and self.whole[0] < i < last for i in commas)
        # A comma behind the last place leaves out three digits.
        self.thousands = sum(bool(places) and (i > places[-1] or last < i < self.point) for i in commas)
        self.percent = sum(pair == ("sign", "%") for pair in self.tokens)

    def show(self, number: Decimal) -> str | None:
        with localcontext(prec=60):
            scaled = number * 100**self.percent / 1000**self.thousands
            try:
                whole, _point, part = (
                    f"{scaled.quantize(Decimal(1).scaleb(-len(self.part)), ROUND_HALF_UP):f}".partition(".")
                )
            except InvalidOperation:
                return None
        cells = self._whole(whole.lstrip("0")) | self._part(part)
        out = []
        for i, (kind, text) in enumerate(self.tokens):
            if kind == "general":
                out.append(plain(number))
            elif kind == "digit":
                out.append(cells[i])
            elif kind == "sign":
                out.append({".": ".", "%": "%"}.get(text, "") if i == self.point or text == "%" else "")
            else:
                out.append(_literal(kind, text) or "")
        return "".join(out)

    def _whole(self, digits: str) -> dict[int, str]:
        """Place → what it shows; the first place takes all digits that have none of their own."""
        texts, count = {}, len(self.whole)
        for at, place in enumerate(self.whole):
            nth = count - at  # from the right, from 1
            mine = digits[: len(digits) - nth + 1] if at == 0 else digits[len(digits) - nth :][:1]
            mine = mine if len(digits) >= nth else {"0": "0", "?": " "}.get(self.tokens[place][1], "")
            texts[place] = self._commas(mine, nth) if self.grouped and mine.strip() else mine
        return texts

    @staticmethod
    def _commas(digits: str, nth: int) -> str:
        """Digits with a comma before each whole group of three behind them; the last one is the `nth` from the right."""
        return "".join(
            digit + ("," if (place := len(digits) - i - 1 + nth) > 1 and place % 3 == 1 else "")
            for i, digit in enumerate(digits)
        )

    def _part(self, digits: str) -> dict[int, str]:
        texts = dict(zip(self.part, digits, strict=False))
        for place in reversed(self.part):
            if self.tokens[place][1] == "0" or texts.get(place, "0") != "0":
                break
            texts[place] = " " if self.tokens[place][1] == "?" else ""
        return texts


def _fraction(tokens: Tokens) -> Show:
    """A number with a fraction, as 1 1/2; only with places for the denominator, or with a fixed one."""
    text = "".join(text for kind, text in tokens if kind in ("digit", "sign", "other"))
    match = re.fullmatch(r"\s*(#*0*\?*)\s*([#0?]+)\s*/\s*([#0?]+|\d+)\s*", text)
    fixed = int(match[3]) if match and match[3].strip("#0?") else 0
    if not match or (fixed == 0 and set(match[3]) & set("123456789")):
        return lambda _number: None
    most = 10 ** len(match[3]) - 1
    mixed = bool(match[1]) and " " in text.strip()

    def show(number: Decimal) -> str | None:
        value = Fraction(number)
        near = Fraction(round(value * fixed), fixed) if fixed else value.limit_denominator(most)
        whole, rest = divmod(near.numerator, near.denominator) if mixed else (0, near.numerator)
        if mixed and not rest:
            return str(whole)
        over = rest * (fixed // near.denominator) if fixed else rest
        part = f"{over}/{fixed or near.denominator}"
        return f"{whole} {part}" if whole else part

    return show


def plain(number: Decimal) -> str:
    """A number without a format: all its digits, a point, and no exponent in a number of usual size."""
    if number == number.to_integral_value() and abs(number) < 10**21:
        return f"{number:.0f}"
    return f"{number.normalize():f}" if Decimal("1e-9") < abs(number) < 10**21 else f"{float(number):.15g}"


# --- dates and times --------------------------------------------------------------------------------------------------


def _is_moment(tokens: Tokens) -> bool:
    return any(kind in ("date", "ampm") or (kind == "bracket" and _elapsed(text)) for kind, text in tokens)


def _elapsed(text: str) -> str:
    """h, m or s for a bracket that counts hours, minutes or seconds beyond a day."""
    return text[:1].lower() if re.fullmatch("h+|m+|s+", text, re.IGNORECASE) else ""


def _regional(tokens: Tokens) -> bool:
    """Whether what is shown depends on the computer, or on names in a language that we do not have."""
    names = any(kind == "date" and len(text) >= _LONG and text[0] in "mdMD" for kind, text in tokens)
    for kind, text in tokens:
        if kind == "bracket" and text.startswith("$") and "-" in text:
            try:
                place = int(text.rpartition("-")[2], 16)
            except ValueError:
                return True
            language = place & _LANGUAGE
            if place > _PLACES or place in (0xF800, 0xF400) or (names and language not in (0, _ENGLISH)):
                return True
    return any(kind == "date" and text[0] in "eE" for kind, text in tokens)


def _moment(tokens: Tokens, *, since_1904: bool) -> Show:
    if _regional(tokens):
        return lambda _number: None
    parts = _minutes_told(tokens)
    half = any(kind == "ampm" for kind, _text in tokens)
    # Digits behind the point of the seconds.
    smallest = Decimal(1).scaleb(-min(sum(kind == "digit" for kind, _text in tokens), 3))

    def show(number: Decimal) -> str | None:
        number = (number * _DAY_MS / 1000).quantize(smallest, ROUND_HALF_UP) * 1000 / _DAY_MS
        when = moment(number, since_1904=since_1904)
        if when is None:
            return None
        out = []
        for at, (kind, text) in enumerate(parts):
            if kind == "date":
                out.append(_field(text, when, half=half))
            elif kind == "ampm":
                out.append(("AM" if when.hour < 12 else "PM")[: 1 if text.upper() == "A/P" else 2])
            elif kind == "bracket" and (unit := _elapsed(text)):
                out.append(f"{_counted(number, unit):0{len(text)}d}")
            elif (kind, text) == ("sign", ".") and _is_zero(parts, at + 1):
                out.append(".")
            elif kind == "digit":
                out.append(_thousandth(parts, at, when))
            else:
                out.append(text if kind == "sign" else _literal(kind, text) or "")
        return "".join(out)

    return show


def _is_zero(parts: Tokens, at: int) -> bool:
    return at < len(parts) and parts[at] == ("digit", "0")


def _thousandth(parts: Tokens, at: int, when: datetime.datetime) -> str:
    """A digit behind the point of the seconds."""
    start = at
    while start > 0 and parts[start - 1][0] == "digit":
        start -= 1
    return f"{when.microsecond:06d}"[at - start : at - start + 1]


def _minutes_told(tokens: Tokens) -> Tokens:
    """The tokens with "min" for an m behind hours or before seconds; the others are months."""
    told = list(tokens)
    fields = [
        (i, "h" if kind == "bracket" and _elapsed(text) == "h" else text[0].lower())
        for i, (kind, text) in enumerate(tokens)
        if kind == "date" or (kind == "bracket" and _elapsed(text))
    ]
    for n, (i, letter) in enumerate(fields):
        before, after = fields[n - 1][1] if n else "", fields[n + 1][1] if n + 1 < len(fields) else ""
        if letter == "m" and tokens[i][0] == "date" and (before == "h" or after == "s"):
            told[i] = ("date", "min" if len(tokens[i][1]) == 1 else "minmin")
    return told


def _field(text: str, when: datetime.datetime, *, half: bool) -> str:
    """A field of a date by its letters: yyyy, mmm, dd, h …"""
    letters = text.lower()
    if letters.startswith("min"):
        return f"{when.minute:0{2 if letters == 'minmin' else 1}d}"
    width, letter = len(letters), letters[0]
    if letter == "y":
        return f"{when.year:04d}" if width >= _LONG else f"{when.year % 100:02d}"
    if letter in "md" and width >= _LONG:
        name = _MONTHS[when.month - 1] if letter == "m" else _DAYS[when.weekday()]
        return name[:1] if width == 5 else name[:3] if width == _LONG else name
    hour = (when.hour + 11) % 12 + 1 if half else when.hour
    number = {"m": when.month, "d": when.day, "h": hour, "s": when.second}[letter]
    return f"{number:0{min(width, 2)}d}"


def _counted(number: Decimal, unit: str) -> int:
    seconds = _milliseconds(number) // 1000
    return seconds // {"h": 3600, "m": 60, "s": 1}[unit]


def _milliseconds(number: Decimal) -> int:
    return int((number * _DAY_MS).to_integral_value(ROUND_HALF_UP))


def moment(number: Decimal, *, since_1904: bool = False) -> datetime.datetime | None:
    """The date and time of a day's number, to a thousandth of a second; None for a number that is none.

    The calendar from 1900 has a day 60 that never was (29 February 1900): it is taken for the one before.
    """
    if not 0 <= number <= _LAST_DAY:
        return None
    base = datetime.datetime(1904, 1, 1) if since_1904 else datetime.datetime(1899, 12, 30 if number >= 60 else 31)
    return base + datetime.timedelta(milliseconds=_milliseconds(number))


def iso(number: Decimal, *, since_1904: bool = False) -> str | None:
    """A date, a date with a time, or (below one) a time, as ISO 8601 writes it."""
    when = moment(number, since_1904=since_1904)
    if when is None:
        return None
    if number < 1:
        return when.time().isoformat() if number else "00:00:00"
    return when.date().isoformat() if when.time() == datetime.time() else when.isoformat(sep=" ")
