"""In which encoding a text of one or two bytes a letter is written: every possible reading is weighed by its letters. Pure.

A reading is what the bytes say in an encoding. Encodings that agree on all of it are one reading. What counts against a
reading: letters of two scripts in a word, signs inside of words, capitals behind small letters, letters that no language
uses beside each other; and an encoding that few programs write. The country of the workspace counts for its languages.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from imports.files.alphabets import HAN, LANGUAGES, USUAL

# Different words that are weighed; more add time, not certainty.
_WORDS = 1_500
_TELLING = 64 << 10
# Readings closer than this to the best one are shown to a person.
CLEAR = 4.5
_SHOWN = 3
_WORD = re.compile(r"[^\x00-@\[-`{-\x7f]+")
_MIXED, _SIGN, _CASE, _CONTROL = 12.0, 14.0, 5.0, 20.0
_FREE_SIGN, _RARE_SIGN, _MARKS = 3.5, 7.0, "€£§°–—„“”’‘«»…№ºª¿¡·®©™´"
_FOREIGN, _STRANGE = math.log(1.5e-3), math.log(5e-5)
_KANA, _HALF_KANA, _NAME_SIGN, _COMMON_SIGN, _SELDOM_SIGN = -2.6, -6.0, -3.4, -7.0, -11.0
# Three letters beyond ASCII in a row: no Latin word is full of them.
_CROWDED, _CROWD = re.compile("(?=[^\x00-\x7f]{3})").findall, 4.0
_COUNTRY = 5.0
_WESTERN = LANGUAGES["english"].encodings
# What it costs to say that a list is of several languages.
_SEVERAL = 1.0


@dataclass(frozen=True)
class Reading:
    """What an encoding makes of a text, and how likely that is, as a logarithm."""

    encoding: str
    score: float


def weigh(sample: bytes, *, country: str = "") -> list[Reading]:
    """The readings of a sample, the likeliest first; of encodings that agree the most usual one. None: nothing reads it."""
    best: dict[int, Reading] = {}
    texts: dict[str, int] = {}
    telling = b"\n".join(line for line in re.split(rb"[\r\n]+", sample) if not line.isascii())[:_TELLING]
    for encoding in USUAL:
        if _decoded(sample, encoding) is None:
            continue
        text = telling.decode(encoding, "ignore")
        words = Counter(word for word in _WORD.findall(text) if not word.isascii())
        few = dict(words.most_common(_WORDS))
        known = texts.setdefault("\n".join(sorted(words)), len(texts))
        score = _score(few, encoding, country)
        same = best.get(known, Reading(encoding, score))
        usual = max(same.encoding, encoding, key=USUAL.__getitem__)
        best[known] = Reading(usual, max(same.score, score))
    return sorted(best.values(), key=lambda reading: -reading.score)


def doubtful(readings: Sequence[Reading]) -> tuple[str, ...]:
    """The encodings between which a person has to decide; none when the first reading is clear."""
    close = [r.encoding for r in readings if r.score > readings[0].score - CLEAR]
    return tuple(close[:_SHOWN]) if len(close) > 1 else ()


def differing(sample: bytes, encodings: Sequence[str], *, limit: int = 5) -> list[tuple[str, ...]]:
    """Cells that the encodings read differently, each as all of them read it."""
    readings: dict[tuple[str, ...], None] = {}
    for piece in re.split(rb'[\r\n,;\t"]+', sample):
        if not piece.isascii():
            texts = tuple(piece.decode(encoding, "replace").strip()[:60] for encoding in encodings)
            if len(set(texts)) > 1:
                readings[texts] = None
        if len(readings) >= limit:
            break
    return list(readings)


def _decoded(sample: bytes, encoding: str) -> str | None:
    """The text, without a character that the end cuts; None when it cannot be in the encoding."""
    for end in (len(sample), len(sample) - 1, len(sample) - 2, len(sample) - 3):
        try:
            return sample[:end].decode(encoding)
        except UnicodeDecodeError as problem:
            if problem.start < len(sample) - 4:
                return None
    return None


def _score(words: Mapping[str, int], encoding: str, country: str) -> float:
    total = USUAL[encoding]
    total += _COUNTRY if country and encoding in _of_country(country) else 0.0
    weighted = {word: 1 + math.log(times) for word, times in words.items()}
    total -= sum(weight * _faults(word) for word, weight in weighted.items())
    return total + _spoken(weighted, encoding)


@lru_cache(maxsize=256)
def _of_country(country: str) -> frozenset[str]:
    """Encodings of a country's languages; none of Western ones, which need no help: people there have foreign names, too."""
    languages = [language for language in LANGUAGES.values() if country in language.countries.split()]
    return frozenset(name for language in languages for name in language.encodings) - frozenset(_WESTERN)


# --- the shape of words -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _script(sign: str) -> str:
    """latin, greek, cyrillic, han …; empty for a sign that is no letter."""
    if sign < "\x80":
        return "latin"
    if not (sign.isalpha() or unicodedata.combining(sign)):
        return ""
    name = unicodedata.name(sign, "")
    first = name.split(" ", 1)[0].lower()
    if first in ("cjk", "hiragana", "katakana", "hangul", "halfwidth", "katakana-hiragana"):
        return "east"
    return "" if first in ("feminine", "masculine", "micro") else first if first != "combining" else "latin"


def _faults(word: str) -> float:
    """What counts against a word; 0 for one as people write it."""
    scripts = {script for sign in word if (script := _script(sign))}
    faults = _MIXED * (len(scripts) - 1) if len(scripts) > 1 else 0.0
    for sign in word:
        if sign > "\x7f" and not _script(sign):
            if unicodedata.category(sign) in ("Cc", "Co", "Cn"):
                faults += _CONTROL
            elif sign == "’" and len(word) > 1:
                faults += 1.0
            elif scripts:
                faults += _SIGN
            else:
                faults += _FREE_SIGN if sign in _MARKS else _RARE_SIGN
    if scripts == {"latin"}:
        faults += _CROWD * len(_CROWDED(word))
    return faults + _case_faults(word)


def _case_faults(word: str) -> float:
    """Capitals behind small letters, and small letters beyond ASCII among capitals."""
    cased = [sign for sign in word if sign.lower() != sign.upper()]
    if len(cased) < 2 or "ß" in cased:
        cased = [sign for sign in cased if sign != "ß"]
    faults = sum(_CASE for before, sign in pairwise(cased) if before.islower() and sign.isupper())
    capitals = sum(sign.isupper() for sign in cased)
    small = len(cased) - capitals
    # MüLLER, and иВАН where a code page has swapped capitals and small letters.
    return faults + (_CASE if small == 1 and capitals > 2 else 0.0)


# --- the letters of languages -----------------------------------------------------------------------------------------


Table = Mapping[str, float]


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, float]]:
    """Language → letter → logarithm of its share."""
    tables = {}
    for name, language in LANGUAGES.items():
        weights = {letter: 1 / (rank + 1.5) for rank, letter in enumerate(language.letters)}
        total = sum(weights.values())
        tables[name] = {letter: math.log(0.97 * weight / total) for letter, weight in weights.items()}
    return tables


@lru_cache(maxsize=1)
def _all_letters() -> frozenset[str]:
    return frozenset(letter for language in LANGUAGES.values() for letter in language.letters)


def _spoken(words: Mapping[str, float], encoding: str) -> float:
    """How usual the letters are: of the language that fits best, or word by word, for people of several countries.

    Letters of one word are of one language: ą beside á is of none.
    """
    names = [name for name, language in LANGUAGES.items() if encoding in language.encodings]
    alone, mixed = dict.fromkeys(names, 0.0), -_SEVERAL
    for word, weight in words.items():
        fits = {name: sum(_share(sign, _tables()[name], name) for sign in word if sign > "\x7f") for name in names}
        for name in names:
            alone[name] += weight * fits[name]
        best = max(fits.values())
        mixed += weight * (best + math.log(sum(math.exp(fit - best) for fit in fits.values()) / len(names)))
    return max(*alone.values(), mixed)


def _share(sign: str, table: Table, language: str) -> float:
    script = _script(sign)
    if not script:
        return 0.0  # told as a fault of its word
    if script == "east":
        return _east(sign, language)
    if sign in table:
        return table[sign]
    return _FOREIGN if sign in _all_letters() else _STRANGE


@lru_cache(maxsize=20_000)
def _east(sign: str, language: str) -> float:
    if language not in HAN:
        return _SELDOM_SIGN
    if sign in HAN[language]:
        return _NAME_SIGN
    if "\u3041" <= sign <= "\u30ff":
        return _KANA if language == "japanese" else _SELDOM_SIGN
    if "\uff61" <= sign <= "\uff9f":
        return _HALF_KANA
    return _COMMON_SIGN if _first_level(sign, language) else _SELDOM_SIGN


_LEVELS = {
    "chinese": ("gb2312", 0xB0, 0xD7), "taiwanese": ("big5", 0xA4, 0xC6), "japanese": ("shift_jis", 0x88, 0x97),
    "korean": ("euc_kr", 0xB0, 0xC8),
}  # fmt: skip


def _first_level(sign: str, language: str) -> bool:
    """Whether a sign is one of the usual ones, which the standards put first."""
    codec, first, last = _LEVELS[language]
    try:
        return first <= sign.encode(codec)[0] <= last
    except UnicodeEncodeError:
        return False
