"""Normal forms of what identifies a person. Pure; the same text always gives the same form.

E-mails follow email-validator and phones follow phonenumbers, answer by answer; what is here besides is speed: the
whole row of a file has to be read in some fifteen microseconds, and each of those libraries alone takes forty.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from email_validator import EmailNotValidError, validate_email

from contacts.values.phones import SLOW_CODES, normal_phone, phone_problem, takes_messages
from contacts.values.texts import AROUND

__all__ = [
    "SLOW_CODES", "bare_email", "email_problem", "external_id_problem", "name_key", "normal_email", "normal_external_id",
    "normal_phone", "phone_problem", "takes_messages",
]  # fmt: skip

MAX_EMAIL, MAX_LOCAL, MAX_EXTERNAL_ID = 254, 64, 128
# A local part that needs no second look: dot-atoms of the letters that nearly all addresses are made of.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_'+\-]+(?:\.[A-Za-z0-9_'+\-]+)*\Z").match
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_domains: dict[str, str] = {}
_DOMAINS_KEPT = 200_000
# What a domain with letters beyond ASCII leaves to the local part: the limit is one of bytes, of each of its forms.
_left: dict[str, int] = {}
_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_NAMED = re.compile(r"([^<>]*)<\s*([^<>\s]+)\s*>[;,.\s]*\Z").match


# --- e-mail -----------------------------------------------------------------------------------------------------------


def normal_email(text: str) -> str | None:
    """The form in which e-mails are compared, or None when it is not an address.

    email-validator's normal form with the ASCII letters of the local part in lower case (others stay: their lower case
    may be another person's address). Dots and +tags are kept.
    """
    value = text.strip()
    if not value.isascii():
        value = value.strip(AROUND)
    local, at, domain = value.rpartition("@")
    if at and len(local) <= MAX_LOCAL and len(value) <= MAX_EMAIL and _PLAIN_LOCAL(local):
        normal = _domains.get(domain)
        if normal is None:
            normal = _remember(domain)
        if normal and len(local) + 1 + len(normal) <= MAX_EMAIL and (normal.isascii() or len(local) <= _left[domain]):
            return f"{local.lower()}@{normal}"
    return _thorough(value) if at else None


def _remember(domain: str) -> str:
    checked = _thorough("x@" + domain)
    normal = checked[2:] if checked else ""
    if len(_domains) >= _DOMAINS_KEPT:
        _domains.clear()
        _left.clear()
    if not normal.isascii():
        wire = validate_email(f"x@{domain}", check_deliverability=False).ascii_domain
        _left[domain] = MAX_EMAIL - 1 - max(len(form.encode()) for form in (domain, normal, wire))
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
        checked = validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{checked.local_part.translate(_ASCII_LOWER)}@{checked.domain}"


def bare_email(text: str) -> str:
    """The address in what other programs have written around it: quotes, <…>, mailto:, a name before it, a sign behind it.

    Of several addresses none is chosen: the text stays as it is.
    """
    value = text.strip(AROUND)
    if len(value) > 4 * MAX_EMAIL:
        return value
    match = _NAMED(value)
    if match and ("@" not in match[1] or match[1].strip(_QUOTES + AROUND + ",").lower() == match[2].lower()):
        value = match[2]
    value = value.strip(_QUOTES + AROUND + "<>").rstrip(";,. ").strip(_QUOTES + AROUND + "<>")
    if value[:7].lower() == "mailto:":
        value = value[7:].partition("?")[0].strip(AROUND)
    return value


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
    value = text.strip(AROUND)
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


# --- external ID and names --------------------------------------------------------------------------------------------

_PLACEHOLDERS = frozenset(
    {"null", "none", "nil", "undefined", "n/a", "na", "nan", "-", "--", "?", "unknown", "[object object]", "true",
     "false", "guest", "anonymous", "-1", "#n/a", "#ref!", "#value!", "(null)", "<null>"}
)  # fmt: skip
_LONGEST_PLACEHOLDER = max(map(len, _PLACEHOLDERS))
_ZEROS = re.compile(r"[0\-]+\Z").match


def normal_external_id(text: str) -> str | None:
    """An external ID as it is compared: composed (NFC), trimmed, case kept. None for placeholders and control signs."""
    value = text.strip()
    if not value.isascii():
        value = unicodedata.normalize("NFC", value.strip(AROUND))
    if not 0 < len(value) <= MAX_EXTERNAL_ID or not value.isprintable():
        return None
    if value[0] in "-0" and _ZEROS(value):
        return None
    return None if len(value) <= _LONGEST_PLACEHOLDER and value.lower() in _PLACEHOLDERS else value


def external_id_problem(text: str) -> str:
    """Code of the reason why `text` is not an external ID."""
    value = text.strip(AROUND)
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
