"""Normal forms of what identifies a person. Pure; the same text always gives the same form.

E-mails follow email-validator and phones follow phonenumbers, answer by answer; what is here besides is speed: the
whole row of a file has to be read in some fifteen microseconds, and each of those libraries alone takes forty.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any, Literal

import phonenumbers
from email_validator import EmailNotValidError, validate_email

try:
    import rphonenumbers as _fast
except ImportError:  # pragma: no cover  a platform without a wheel: slower, the same answers
    _fast = None

MAX_EMAIL, MAX_LOCAL, MAX_EXTERNAL_ID = 254, 64, 128
# What people and programs put around a value without seeing it.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_AROUND = _INVISIBLE + " \t\r\n\x0b\x0c\xa0\u2007\u202f\u3000"
# A local part that needs no second look: dot-atoms of the letters that nearly all addresses are made of.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_'+\-]+(?:\.[A-Za-z0-9_'+\-]+)*\Z").match
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_domains: dict[str, str] = {}
_DOMAINS_KEPT = 200_000


# --- e-mail -----------------------------------------------------------------------------------------------------------


def normal_email(text: str) -> str | None:
    """The form in which e-mails are compared, or None when it is not an address.

    email-validator's normal form with the ASCII letters of the local part in lower case (others stay: their lower case
    may be another person's address). Dots and +tags are kept.
    """
    value = text.strip(_AROUND)
    local, at, domain = value.rpartition("@")
    if at and len(local) <= MAX_LOCAL and len(value) <= MAX_EMAIL and _PLAIN_LOCAL(local):
        normal = _domains.get(domain)
        if normal is None:
            normal = _remember(domain)
        if normal and len(local) + 1 + len(normal) <= MAX_EMAIL:
            return f"{local.lower()}@{normal}"
    return _thorough(value) if at else None


def _remember(domain: str) -> str:
    checked = _thorough("x@" + domain)
    normal = checked[2:] if checked else ""
    if len(_domains) >= _DOMAINS_KEPT:
        _domains.clear()
    _domains[domain] = normal
    return normal


# A row that is refused is looked at twice: once in the fast way, once to say everything that is wrong with it.
@lru_cache(maxsize=64)
def _thorough(value: str) -> str | None:
    if "@" not in value:
        return None
    if not value.isascii() and _disguised(value):
        return None
    try:
        found = validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{found.local_part.translate(_ASCII_LOWER)}@{found.domain}"


def _disguised(value: str) -> bool:
    """Whether signs beyond ASCII would become ASCII: a KELVIN SIGN for a k, a domain in full-width or circled letters.

    Nobody's keyboard writes these into an address, and what they become may be another person's.
    """
    local, _at, domain = value.rpartition("@")
    return _becomes_ascii(local, "NFC") or _becomes_ascii(domain, "NFKC")


def _becomes_ascii(text: str, form: Literal["NFC", "NFKC"]) -> bool:
    return any(not c.isascii() and unicodedata.normalize(form, c).isascii() for c in text)


def email_problem(text: str) -> str:
    """Code of the reason why `text` is not an e-mail address; only asked when `normal_email` has said None."""
    value = text.strip(_AROUND)
    if value.count("@") > 1 and re.search(r"[,;\s]\S*@", value):
        return "several_emails"
    if "<" in value or value.lower().startswith("mailto:"):
        return "email_with_name"
    local, at, domain = value.rpartition("@")
    if at and len(value) > MAX_EMAIL:
        return "email_too_long"
    if at and local and domain and "." not in domain and "@" not in local:
        return "email_domain_incomplete"
    return "not_an_email"


# --- phone ------------------------------------------------------------------------------------------------------------

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
_SCIENTIFIC = re.compile(r"\d([.,]\d+)?[eE]\+?\d{1,2}\Z").search


def normal_phone(text: str, region: str | None) -> str | None:
    """A phone in E.164, or None when it is not a valid number. `region` is for numbers written without +."""
    value = text.strip(_AROUND)
    if ("e" in value or "E" in value) and _SCIENTIFIC(value):
        return None
    if _fast is None:
        return _thorough_phone(value, region)
    try:
        number = _fast.parse(value, region)
    except _fast.NumberParseException:
        return None
    slow = SLOW_CODES.get(number.country_code)
    if slow and str(number.national_number).startswith(slow):
        return _thorough_phone(value, region)
    if not _fast.is_valid_number(number):
        return None
    if number.italian_leading_zero:
        return str(_fast.format_number(number, 0))
    return f"+{number.country_code}{number.national_number}"  # what format_number would say, in half the time


def _thorough_phone(value: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def phone_problem(text: str, region: str | None) -> str:
    """Code of the reason why `text` is not a phone; only asked when `normal_phone` has said None."""
    value = text.strip(_AROUND)
    if _SCIENTIFIC(value):
        return "phone_damaged_by_spreadsheet"
    digits = sum(c.isdigit() for c in value)
    if digits < 3:
        return "not_a_phone"
    if not region and not value.startswith(("+", "＋")):
        return "phone_needs_country"
    reader: Any = _fast or phonenumbers
    try:
        reason = reader.is_possible_number_with_reason(reader.parse(value, region))
    except reader.NumberParseException:
        return "not_a_phone"
    if reason == phonenumbers.ValidationResult.TOO_SHORT:
        return "phone_too_short"
    return "phone_too_long" if reason == phonenumbers.ValidationResult.TOO_LONG else "phone_not_assigned"


# --- external ID and names --------------------------------------------------------------------------------------------

_PLACEHOLDERS = frozenset(
    {"null", "none", "nil", "undefined", "n/a", "na", "nan", "-", "--", "?", "unknown", "[object object]", "true",
     "false", "guest", "anonymous", "-1", "#n/a", "#ref!", "#value!", "(null)", "<null>"}
)  # fmt: skip
_ZEROS = re.compile(r"[0\-]+\Z").match


def normal_external_id(text: str) -> str | None:
    """An external ID as it is compared: composed (NFC), trimmed, case kept. None for placeholders and control signs."""
    value = text.strip(_AROUND)
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if not 0 < len(value) <= MAX_EXTERNAL_ID or not value.isprintable():
        return None
    return None if value.lower() in _PLACEHOLDERS or _ZEROS(value) else value


def external_id_problem(text: str) -> str:
    """Code of the reason why `text` is not an external ID."""
    value = text.strip(_AROUND)
    if len(value) > MAX_EXTERNAL_ID:
        return "external_id_too_long"
    return "placeholder_id" if value.isprintable() else "control_character"


# Letters that are letters of their own rather than an accent on another one.
_FOLDED = str.maketrans({"ø": "o", "ł": "l", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


@lru_cache(maxsize=100_000)
def name_key(text: str) -> str:
    """The form in which names are searched: small letters without accents, single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKD", text.lower().translate(_FOLDED))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
