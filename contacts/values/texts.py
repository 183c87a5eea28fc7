"""The one form in which texts are stored and compared. Pure."""

import re
import unicodedata

# What people and programs put around a value without seeing it: signs without a width, and blanks of every kind.
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u180e"
AROUND = (
    INVISIBLE
    + " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
)
_BLANKS = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r" ?\n ?")


def trimmed(value: str) -> str:
    """A cell without what nobody sees at its ends."""
    value = value.strip()
    return value if value.isascii() else value.strip(AROUND)


def normal_text(value: str) -> str:
    """A text as it is stored and compared: composed (NFC), nothing unseen at its ends, and each run of blanks, of whatever
    kind, one space. Line breaks stay, as line feeds; signs without a width inside of a word do, too: some scripts need them.
    """
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()
    value = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n")
    return _BREAKS.sub("\n", _BLANKS.sub(" ", value)).strip(AROUND)


def is_storable(value: str) -> bool:
    """Whether the database can hold a text: no zero byte, no half of a surrogate pair."""
    return "\x00" not in value and (value.isascii() or value.encode("utf-8", "replace").decode() == value)


def comparable(value: str) -> str:
    """The form in which a rule compares a text with a stored one: as it is stored, without case (ß is ss)."""
    return " ".join(normal_text(value).split()).casefold()
