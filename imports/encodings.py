"""Which encoding a file is in, guessed from a sample. The guess is shown and can be changed; nothing is replaced."""

import codecs
import re
from functools import lru_cache

BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What a person may choose, with the name it is shown by.
CHOICES: dict[str, str] = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp1258": "Windows-1258 (Vietnamese)",
    "iso8859-1": "ISO-8859-1 (Western Europe)",
    "iso8859-2": "ISO-8859-2 (Central Europe)",
    "iso8859-5": "ISO-8859-5 (Cyrillic)",
    "iso8859-7": "ISO-8859-7 (Greek)",
    "iso8859-9": "ISO-8859-9 (Turkish)",
    "iso8859-13": "ISO-8859-13 (Baltic)",
    "iso8859-15": "ISO-8859-15 (Western Europe)",
    "koi8-u": "KOI8 (Cyrillic)",
    "mac-roman": "Mac Roman",
}
# Letters that texts in an encoding are made of: usual ones, then rarer ones. In the order of preference at a draw: the
# Western and the Central European pages share the German letters.
_LETTERS: dict[str, tuple[str, str]] = {
    "cp1252": ("éèàçñáíóúäöüßåøæÉÄÖÜÅØ", "âêîôûëïãõìòùÀÇÑÁÍÓÚÂÊÎÔÛËÏÃÕœŒÿ’–“”„…€«»°ºª"),
    "cp1250": ("ąćęłńóśźżčďěňřšťůýžáíéúőűăĄĆĘŁŃŚŹŻČŘŠŽ", "äöüßâîţşđÁÍÉÚĎĚŇŤŮ’–“”„…€"),
    "cp1251": ("абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґё", "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЫЬЭЮЯІЇЄҐЁ№’–“”„«»"),
    "cp1257": ("āčēģīķļņšūžąęėįųõäöü", "ĀČĒĢĪĶĻŅŠŪŽĄĘĖĮŲÕÄÖÜ’–“”„€"),
    "cp1253": ("αβγδεζηθικλμνξοπρστυφχψωάέήίόύώς", "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΆΈΉΊΌΎΏϊϋ’–"),
    "cp1254": ("ğışçöüİĞŞ", "ÇÖÜâîû’–“”"),
    "iso8859-2": ("ąćęłńóśźżčďěňřšťůýžáíéúőűăĄĆĘŁŃŚŹŻČŘŠŽ", "äöüßâîţşđ"),
    "koi8-u": ("абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґё", "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЫЬЭЮЯІЇЄҐЁ"),
    "iso8859-5": ("абвгдежзийклмнопрстуфхцчшщъыьэюяіїєё", "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЫЬЭЮЯІЇЄЁ"),
}


def guess(sample: bytes) -> str:
    """The encoding of a sample: by its mark, by being valid UTF-8, by the pattern of zero bytes, or by its letters."""
    for mark, name in BOMS:
        if sample.startswith(mark):
            return name
    if is_utf8(sample):
        return "utf-8"
    return _by_zeros(sample) or _by_letters(sample)


def is_utf8(sample: bytes) -> bool:
    """Whether the sample is UTF-8; a character that the end of the sample cuts is allowed."""
    if b"\x00" in sample[:4096] and _by_zeros(sample):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _by_zeros(sample: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Western text is zero."""
    head = sample[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 3 < len(head) / 2:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


_OTHER_SCRIPTS = frozenset({"cp1251", "cp1253", "koi8-u", "iso8859-5"})
_MIXED = re.compile(rb"[A-Za-z][\x80-\xff]|[\x80-\xff][A-Za-z]")


def _by_letters(sample: bytes) -> str:
    high = bytes(b for b in sample if b >= 0x80)[:20_000]
    # Letters beside ASCII letters in one word are accented Latin ones; Cyrillic and Greek words stand alone.
    mixed = len(_MIXED.findall(sample[:200_000])) / max(sum(b >= 0x80 for b in sample[:200_000]), 1)
    return max(_LETTERS, key=lambda name: _score(high, name) - (mixed if name in _OTHER_SCRIPTS else 0))


def _score(high: bytes, name: str) -> float:
    """How well bytes above ASCII read as text of an encoding: the mean over its characters."""
    weights = _weights(name)
    return sum(weights[b] for b in high) / max(len(high), 1)


@lru_cache(maxsize=32)
def _weights(name: str) -> dict[int, float]:
    usual, rarer = _LETTERS[name]
    out = {}
    for byte in range(0x80, 0x100):
        char = bytes([byte]).decode(name, "replace")
        if char in usual:
            out[byte] = 1.0
        elif char in rarer:
            out[byte] = 0.55
        else:
            out[byte] = -0.2 if char.isalpha() else -1.0
    return out
