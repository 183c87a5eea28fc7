"""Whole names in halves: a first name and a last name, by commas, particles, titles, script and column. Pure.

Own code, because the libraries at hand (nameparser, probablepeople) know the customs of English names, cost some hundred
microseconds a name, and know nothing of columns whose surnames come first. docs/attributes.md has the rules.
"""

import re
from collections.abc import Sequence

from contacts.values.identifiers import name_key

Halves = tuple[str | None, str | None]

# Columns of whole names in which the surname comes first, as `key` has them.
_SURNAME_FIRST = """фио|ф и о|піб|п і б|фамилия и имя|фамилия имя|фамилия имя отчество|прізвище та ім'я|прізвище ім'я
|прізвище ім'я по батькові|прізвище і ім'я|nachname vorname|name vorname|familienname vorname|nachname und vorname
|zuname vorname|last first|last name first name|last name first|lastname firstname|surname first name|surname name
|surname and name|surname first|family name given name|apellidos y nombre|apellidos y nombres|apellidos nombre
|apellidos nombres|apellido y nombre|apellido y nombres|apellido nombre|cognome e nome|cognome nome|nom prenom
|nom et prenom|nazwisko i imie|nazwisko imie|achternaam voornaam|apelido e nome|sobrenome e nome|sobrenome nome
|uzvards vards|uzvards un vards|姓名|氏名|お名前|名前|全名|성명|이름|성함|nev|teljes nev"""
# Titles before a name; those of the second list only with a dot.
_TITLES_TEXT = """mr mrs ms miss mx sir dame dr dra prof professor rev reverend herr herrn frau mme mlle madame mademoiselle
monsieur sra srta señor señora señorita doña dott dottssa dottore sig sigra signor signora dhr mevr mw drs
dipl-ing dipl-kfm univ-prof hc habil pani г-н г-жа д-р проф пані kungs kundze"""
_DOTTED_TEXT = "ing mag hr fr sr st eng lic arq"
_DEGREES_TEXT = """phd md mba msc bsc ma ba llm llb dds dvm esq cpa rn cfa dr prof dipl-ing bed mphil pmp"""
# A surname begins with the first of these, wherever they are; the others may also be between two surnames.
_BEGINS_TEXT = "von vom zu zum zur van ter ten thoe auf af bin ibn"
_PARTICLES_TEXT = """de der den del della delle dello dei degli di da do dos das du des la las los le lo 't d' al el ben ap
mac st san santa"""
_TITLES, _DOTTED_TITLES = frozenset(_TITLES_TEXT.split()), frozenset(_DOTTED_TEXT.split())
_GENERATIONS, _DEGREES = frozenset({"jr", "sr", "ii", "iii", "iv", "junior"}), frozenset(_DEGREES_TEXT.split())
_SURE_DEGREES = frozenset({"PhD", "Ph.D.", "M.D.", "MBA", "MSc", "M.Sc.", "BSc", "B.Sc.", "LL.M.", "Esq."})
_BEGINS = frozenset(_BEGINS_TEXT.split())
_PARTICLES = _BEGINS | frozenset(_PARTICLES_TEXT.split())
_EASTERN = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\u30fb\s]+\Z").match
_KANA_BEHIND_KANJI = re.compile(r"([\u3400-\u4dbf\u4e00-\u9fff\u3005]+)([\u3040-\u30ff]+)\Z").match
_PAIRS_TEXT = """欧阳 歐陽 司马 司馬 上官 诸葛 諸葛 东方 東方 皇甫 尉迟 公孙 公孫
慕容 令狐 司徒 长孙 夏侯 남궁 황보 제갈 선우 독고 사공 서문"""
_TWO_SIGNS = frozenset(_PAIRS_TEXT.split())


def surname_first(header: str) -> bool:
    """Whether a column of whole names has the surname first, by its name."""
    return _key(header) in _HEADERS


def two_surnames(header: str) -> bool:
    """Whether a column says that people have two surnames: "Apellidos y nombre"."""
    return _key(header).startswith("apellidos")


def split(text: str, *, header: str = "") -> Halves:
    """(first name, last name) of a whole name; `header` is the name of its column. Titles and degrees are left out."""
    if not text.isascii() and _EASTERN(text):
        return _eastern(text)
    parts = [part for part in (p.strip() for p in text.split(",")) if part]
    generations = [p for p in parts[1:] if _bare(p) in _GENERATIONS]
    parts = [p for i, p in enumerate(parts) if not i or not (p in generations or all(map(_is_degree, p.split())))]
    if "," in text and len(parts) > 1:
        first, last = " ".join(_untitled(" ".join(parts[1:]).split())), " ".join(_untitled(parts[0].split()))
    elif text.rstrip().endswith(",") and len(parts) == 1 and not generations and " " not in parts[0]:
        first, last = "", parts[0]
    else:
        first, last = _in_a_row(parts[0].split() if parts else [], header)
    return first or None, " ".join((last, *generations)).strip() or None


def _in_a_row(words: list[str], header: str) -> tuple[str, str]:
    named = _untitled(words)
    while len(named) > 2 and named[-1] in _SURE_DEGREES:
        named = named[:-1]
    if len(named) < 2:
        word = " ".join(named)
        return ("", word) if len(named) < len(words) or surname_first(header) else (word, "")
    if surname_first(header):
        at = _surname_ends(named, two=two_surnames(header))
        return " ".join(named[at:]), " ".join(named[:at])
    if at := _capitals_end(named):
        return " ".join(named[at:]), " ".join(named[:at])
    at = next((i for i, word in enumerate(named) if i and word.lower() in _BEGINS and i + 1 < len(named)), 1)
    return " ".join(named[:at]), " ".join(named[at:])


def _surname_ends(words: Sequence[str], *, two: bool) -> int:
    """How many words at the beginning are the surname: particles and what follows them, once or twice."""
    at = 0
    while at < len(words) - 2 and _is_particle(words[at]):
        at += 1
    at += 1
    if two and len(words) - at > 1:
        at += _surname_ends(words[at:], two=False)
    return min(at, len(words) - 1)


def _capitals_end(words: Sequence[str]) -> int:
    """Where surnames in capitals end before a first name: DUPONT Jean. 0 where they do not."""
    at = 0
    while at < len(words) and words[at].isupper() and "." not in words[at]:
        at += 1
    return at if at < len(words) and any(len(word) > 2 for word in words[:at]) else 0


def _is_particle(word: str) -> bool:
    return word.lower() in _PARTICLES and (word.islower() or word.lower() in _BEGINS)


def _untitled(words: Sequence[str]) -> list[str]:
    """The words without titles before them; a title alone is a name."""
    at = 0
    while at < len(words) - 1 and _is_title(words[at]):
        at += 1
    return list(words[at:])


def _is_title(word: str) -> bool:
    bare = _bare(word)
    return bare in _TITLES or (bare in _DOTTED_TITLES and "." in word)


def _is_degree(word: str) -> bool:
    return _bare(word) in _DEGREES or _is_title(word)


def _bare(word: str) -> str:
    return word.replace(".", "").casefold()


def _eastern(text: str) -> Halves:
    """Chinese, Japanese and Korean names: the surname first, also where nothing separates it from the rest."""
    words = text.replace("・", " ").split()
    if len(words) > 1:
        return " ".join(words[1:]), words[0]
    if match := _KANA_BEHIND_KANJI(text):
        return match[2], match[1]
    if len(text) < 2:
        return text, None
    # Four Chinese or Japanese signs are nearly always two and two; Koreans have one sign, or a known pair.
    at = 2 if text[:2] in _TWO_SIGNS or (len(text) == 4 and not "\uac00" <= text[0] <= "\ud7a3") else 1
    return text[at:] or None, text[:at]


def _key(header: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", name_key(header)).split())


_HEADERS = frozenset(_key(name) for name in _SURNAME_FIRST.split("|"))
