"""Phones in their normal form: E.164, and behind it the extension, if the line has one: +12127365000;ext=101. Pure.

The extension is part of who is called, so it is part of the identity; nobody can write to it. What other programs and
people leave around a number is read over: a label before it, a word or a name behind it, the .0 of a number that was a
float. Letters are never dialled: 030 123456 (Anna) is no longer a number than 030 123456.

Two countries have one line in two forms. Mexico's mobile numbers had a 1 behind +52 until 2020; they are stored without it.
Argentina's have a 9 behind +54 when they are called from abroad, and need it for messages; its lines are stored with it.
"""

import re
from typing import Any

import phonenumbers

try:
    import rphonenumbers as _fast
except ImportError:  # pragma: no cover  a platform without a wheel: slower, the same answers
    _fast = None

from contacts.values.texts import AROUND

# Without it, numbers of many countries push each other's patterns out of the small cache of `re`: five times the time.
phonenumbers.enable_pattern_cache()
# Where the fast library knows an older numbering plan: calling code → beginnings of the numbers that are asked of
# phonenumbers instead. The plans of 9.0.41 and 9.0.43 were compared; where the general shape of a country's numbers has
# changed, the beginnings stand also behind the calling code, as it may have been written without a +.
SLOW_CODES: dict[int, tuple[str, ...]] = {
    7: ("9300",),
    34: ("590", "34590"),
    40: ("6", "406"),
    45: ("37",),
    49: ("15410",),
    57: ("9101",),
    61: ("496",),
    86: ("378", "41", "634", "8078", "852", "853"),
    229: ("8", "2298"),
    233: ("3",),
    238: ("57",),
    251: ("7000",),
    254: ("13", "14"),
    263: ("",),
    267: ("",),
    290: ("9", "2909"),
    358: ("4946",),
    506: ("20",),
    592: ("516", "768", "781"),
    593: ("93",),
    595: ("9881",),
    675: ("206",),
    856: ("3", "8563"),
    965: ("5999",),
    995: ("50888",),
}

# Those of countries whose lines have another form today: a 1 before Mexico's mobile numbers (044 or 045 at home), lines of
# Argentina without their 9.
RENUMBERED: dict[int, tuple[str, ...]] = {52: ("1", "44", "45"), 54: ("1", "2", "3", "6", "8")}
_LOOKED_AT = SLOW_CODES | RENUMBERED
MAX_EXTENSION, MAX_LENGTH = 11, 250
EXTENSION = ";ext="
_PLAIN = re.compile(r"[+0-9(][0-9 ()./\u00a0-]*+\Z").match
_FLOAT = re.compile(r"(\+?[0-9]{7,15})\.0+\Z").match
_SCIENTIFIC = re.compile(r"\+?([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})\Z").match
_LETTER = re.compile(r"[^\W\d_]").search
_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb<>"
# tel:, Mobile:, "Tel. ", p: - a label, or a name, before the number.
_LABEL = re.compile(r"[^\W\d_][^\d+()＋]*(?:\([^\d()]*\)[^\d+()＋]*)?").match
_EXTENSION = re.compile(
    r"\s*(?:;ext=|[,;]?\s*\(?(?:ext(?:ension|n)?|int(?:erno)?|durchwahl|dw|poste|anexo|ramal|toestel|wew|доб|внутр|вн|дод|iekš|x|ｘ)"
    r"\.?\s*[:.]?|\s*#)\s*([0-9]{1,20})\)?(?=\s*#?\Z|\s*[\s(\[,;/–-]+[^\W\d_])",
    re.IGNORECASE,
).search
# (home), [work], and a word or a name behind the number.
_BRACKETS = re.compile(r"\s*[(\[][^()\[\]\d]*[^\W\d_][^()\[\]\d]*[)\]]")
_TAIL = re.compile(r"(?:\s+|\s*[,;/|–])\s*[-–]?\s*[^\W\d_][^\d+＋]*\Z")
_MORE = re.compile(r"(?:[;,|\n+＋]|\s/\s?|/\s|\s[^\W\d_]+\.?\s)").split


def normal_phone(text: str, region: str | None) -> str | None:
    """A phone in its normal form, or None when it is not a valid number. `region` is for numbers written without +."""
    value = text.strip()
    if not _PLAIN(value) or (value[-1] == "0" and "." in value and _FLOAT(value)):
        return _careful(value, region)
    if _fast is None:
        return _thorough(value, region)
    try:
        number = _fast.parse(value, region)
    except _fast.NumberParseException:
        return None
    code, national = number.country_code, number.national_number
    if code in _LOOKED_AT and str(national).startswith(_LOOKED_AT[code]):
        return _thorough(value, region)
    if not _fast.is_valid_number(number):
        return None
    if number.italian_leading_zero:
        return str(_fast.format_number(number, 0))
    return f"+{code}{national}"  # what format_number would say, in half the time


def takes_messages(phone: str) -> bool:
    """Whether a phone in its normal form can be written to: an extension cannot."""
    return EXTENSION not in phone


def spoken(phone: str) -> str:
    """A phone in its normal form as people read it: +12127365000 ext. 101."""
    return phone.replace(EXTENSION, " ext. ")


def as_written(text: str) -> str:
    """A phone as it is shown beside its normal form: without quotes around it, or the .0 of a number that was a float."""
    text = text.strip(_QUOTES + AROUND)
    match = _FLOAT(text)
    return match[1] if match else text


def _careful(text: str, region: str | None) -> str | None:
    """A number with something in it that is not one of its digits."""
    value = text.strip(AROUND)
    if len(value) > MAX_LENGTH:
        return None
    digits, extension = _parts(value)
    if _LETTER(digits) or len(extension) > MAX_EXTENSION:
        return None
    number = _thorough(digits, region)
    return f"{number}{EXTENSION}{extension}" if number and extension else number


def _parts(value: str) -> tuple[str, str]:
    """(the number alone, its extension): without a label before it, words behind it, quotes around it."""
    if match := _FLOAT(value):
        return match[1], ""
    if match := _SCIENTIFIC(value):
        # Only where no digit was lost: 4.42079460018E+11.
        return (match[1] + match[2], "") if len(match[2] or "") == int(match[3]) else (value, "")
    value = value.strip(_QUOTES + AROUND)
    if match := _LABEL(value):
        value = value[match.end() :]
    extension = ""
    if match := _EXTENSION(value):
        extension, value = match[1], value[: match.start()] + value[match.end() :]
    value = _TAIL.sub("", _BRACKETS.sub("", value))
    return value.strip(_QUOTES + AROUND + ",;"), extension


def _thorough(value: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if number.country_code in _TODAY:
        number = _TODAY[number.country_code](number)
    if not phonenumbers.is_valid_number(number):
        return None
    normal = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    if not number.extension:
        return normal
    return f"{normal}{EXTENSION}{number.extension}" if len(number.extension) <= MAX_EXTENSION else None


def _mexico(number: Any) -> Any:
    """Without the 1 of mobile numbers, and without what was dialled at home before a long-distance call."""
    match = re.fullmatch(r"(?:1|44|45)([0-9]{10})", str(number.national_number))
    return _renumbered(number, match[1]) if match else number


def _argentina(number: Any) -> Any:
    """With the 9, where the line can have one."""
    full = _renumbered(number, f"9{number.national_number}")
    return full if phonenumbers.is_valid_number(full) else number


def _renumbered(number: Any, national: str) -> Any:
    return phonenumbers.PhoneNumber(number.country_code, int(national), extension=number.extension)


_TODAY = {52: _mexico, 54: _argentina}


def phone_problem(text: str, region: str | None) -> str:
    """Code of the reason why `text` is not a phone; only asked when `normal_phone` has said None."""
    value = text.strip(AROUND)
    if len(value) > MAX_LENGTH:
        return "not_a_phone"
    if _SCIENTIFIC(value) and _parts(value)[0] == value:
        return "phone_damaged_by_spreadsheet"
    digits, extension = _parts(value)
    if len(extension) > MAX_EXTENSION:
        return "phone_too_long"
    if sum(sum(c.isdigit() for c in part) >= 7 for part in _MORE(value)) > 1:
        return "several_phones"
    if sum(c.isdigit() for c in digits) < 3:
        return "not_a_phone"
    if _LETTER(digits):
        return "phone_with_letters"
    if not region and not digits.startswith(("+", "＋")):
        return "phone_needs_country"
    return _impossible(digits, region)


def _impossible(digits: str, region: str | None) -> str:
    reader: Any = _fast or phonenumbers
    try:
        reason = reader.is_possible_number_with_reason(reader.parse(digits, region))
    except reader.NumberParseException:
        return "not_a_phone"
    if reason == phonenumbers.ValidationResult.TOO_SHORT:
        return "phone_too_short"
    return "phone_too_long" if reason == phonenumbers.ValidationResult.TOO_LONG else "phone_not_assigned"
