"""Who is compared with whom: contacts that share one of these keys. Pure.

A key is a number of 63 bits. Each name has keys of its own, so that people meet whose names have been exchanged; what stands
behind the name of a key keeps keys of different kinds apart.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

import jellyfish

from contacts.linkage.normalize import Person

# A key that more contacts share says little about any of them; the statements leave it out. In a large workspace, where more
# people share everything, it is fewer, so that the pairs do not grow faster than the contacts.
CAP, LEAST_CAP, CAPPED_FROM = 60, 20, 200_000


def cap(contacts: int) -> int:
    """How many of so many contacts may share a key that is looked at by a search."""
    return max(LEAST_CAP, min(CAP, CAP * CAPPED_FROM // max(contacts, 1)))


def keys(who: Person) -> set[int]:
    """The keys of a person, a dozen or two."""
    return {_number(key) for key in _texts(who)}


def _number(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) >> 1


@lru_cache(maxsize=200_000)
def sound(name: str) -> str:
    """How a name sounds, for names that are spelt by ear."""
    return jellyfish.metaphone(name) or name


def _texts(who: Person) -> Iterator[str]:
    yield from _identifiers(who)
    names = [name for name in (who.given, who.family) if name]
    if len(names) == 2:
        yield "both " + " ".join(sorted(sound(name) for name in names))
    if who.birth:
        yield from _born(who.birth, names)
    yield from _placed(who, names)
    yield from _companies(who)
    if who.organisation:
        yield from _organised(who, who.organisation)


def _identifiers(who: Person) -> Iterator[str]:
    for kind, value in (("phone", who.phone), ("id", who.external_id)):
        if value:
            yield f"{kind} {value}"
            if len(value) > 5:
                yield f"{kind}< {value[:-3]}"
                yield f"{kind}> {value[3:]}"
    if who.email:
        yield f"email {who.email}"
        local, _at, domain = who.email.partition("@")
        yield f"domain {domain}"
        if len(local) >= 4:
            yield f"local {local}"
            yield f"local5 {local[:5]}"


def _born(birth: str, names: list[str]) -> Iterator[str]:
    year, month, day = birth[:4], birth[4:6], birth[6:]
    yield f"born {birth}"
    yield f"born~ {year} {' '.join(sorted((month, day)))}"
    for name in names:
        yield f"sound+year {sound(name)} {year}"
        yield f"3+year {name[:3]} {year}"
        yield f"2+day {name[:2]} {month}{day}"


def _placed(who: Person, names: list[str]) -> Iterator[str]:
    for name in names:
        if who.postcode:
            yield f"3+post {name[:3]} {who.postcode}"
        if who.town:
            yield f"sound+town {sound(name)} {who.town[:5]}"
    longest = max((who.street or "").split(), key=len, default="")
    if longest and who.number:
        yield f"house {who.number} {longest}"
    if who.number and who.postcode:
        yield f"number+post {who.number} {who.postcode}"
    if longest and who.postcode:
        yield f"street+post {longest} {who.postcode}"


def _companies(who: Person) -> Iterator[str]:
    words = (who.company or "").split()
    for pair in pairwise(words):
        yield f"company {' '.join(sorted(pair))}"
    for one in words:
        if who.number:
            yield f"company+number {one} {who.number}"
        if who.postcode:
            yield f"company+post {one} {who.postcode}"


def _organised(who: Person, name: str) -> Iterator[str]:
    """An organisation by its name: whole, in neighbouring words, and by the sound of a word with the place."""
    words = name.split()
    yield f"organisation {' '.join(sorted(words))}"
    yield f"organisation= {name.replace(' ', '')[:8]}"
    yield f"organisation~ {' '.join(sorted(sound(w) for w in words))}"
    for pair in pairwise(words):
        yield f"organisation2 {' '.join(sorted(pair))}"
    for one in words:
        if len(one) >= 3:
            yield f"organisation1 {one}"
        for place in filter(None, (who.postcode, who.number, (who.town or "")[:5])):
            yield f"organisation+ {sound(one)} {place}"
