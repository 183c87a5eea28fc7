"""Countries, languages and time zones by name, for lists to choose from. Names are CLDR's, in English."""

from collections.abc import Iterable
from functools import cache, lru_cache
from zoneinfo import available_timezones

from babel import Locale

Choice = tuple[str, str]
# Continents and oceans of the time zone database; all others are old names and offsets.
_AREAS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


@cache
def _names(kind: str) -> dict[str, str]:
    english = Locale.parse("en")
    names = english.territories if kind == "country" else english.languages
    return {str(code): str(name) for code, name in names.items()}


def country(code: str) -> str:
    """ "United Kingdom (GB)"; a code without a name is shown alone."""
    return _named(code, "country")


def language(code: str) -> str:
    """ "German (de)"; a code without a name is shown alone."""
    return _named(code, "language")


def zone(name: str) -> str:
    """ "Riga (Europe/Riga)": the place first, so that a list finds it by the letters that people type."""
    place = name.rpartition("/")[2].replace("_", " ")
    return f"{place} ({name})" if "/" in name else name


def _named(code: str, kind: str) -> str:
    name = _names(kind).get(code)
    return f"{name} ({code})" if name else code


def countries(codes: Iterable[str]) -> list[Choice]:
    """(code, name with its code) in the order of the names."""
    return list(_sorted("country", frozenset(codes)))


def languages(codes: Iterable[str]) -> list[Choice]:
    """(code, name with its code) in the order of the names."""
    return list(_sorted("language", frozenset(codes)))


@lru_cache(maxsize=16)
def _sorted(kind: str, codes: frozenset[str]) -> tuple[Choice, ...]:
    """Sorting seven hundred names takes milliseconds, and pages ask for the same ones again and again."""
    return tuple(sorted(((code, _named(code, kind)) for code in codes), key=_by_name))


@cache
def zones() -> list[tuple[str, list[Choice]]]:
    """All time zones in the groups of a select: (continent, [(name, place with its name)])."""
    groups: dict[str, list[Choice]] = {area: [] for area in _AREAS}
    others: list[Choice] = []
    for name in available_timezones() | {"UTC"}:
        groups.get(name.partition("/")[0], others).append((name, zone(name)))
    others.sort(key=lambda choice: (choice[0] != "UTC", _by_name(choice)))
    areas = [(area, sorted(choices, key=_by_name)) for area, choices in groups.items() if choices]
    return [("UTC and others", others), *areas]


def _by_name(choice: Choice) -> str:
    # Sorts Åland Islands beside Albania, not behind Zimbabwe.
    return choice[1].replace("Å", "A").replace("Ç", "C").casefold()
