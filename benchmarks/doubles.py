"""Made-up contacts of whom some are one person twice, and some are only a family. Pure: the same seed, the same people.

A third of the people live in families: one name, one address, often one phone. Much is missing, as in the lists of shops. A
copy of a person has what happens between two entries: typing errors, exchanged names, another provider, a new number, a
move, another way to write the street.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

_BEGIN = (
    "ba", "be", "bri", "ca", "cle", "da", "de", "do", "el", "fa", "fre", "ga", "gre", "ha", "hi", "il", "jo", "ka", "kla",
    "la", "le", "lu", "ma", "me", "mi", "na", "ni", "o", "pa", "pe", "ra", "ri", "ro", "sa", "so", "ta", "te", "to", "va",
    "wi",
)  # fmt: skip
_MIDDLE = ("l", "n", "r", "s", "t", "m", "d", "nn", "ll", "rt", "st", "lb", "nd", "rk", "ss", "v", "g")
_END = ("a", "e", "o", "i", "us", "an", "en", "in", "er", "el", "ia", "ina", "ette", "ik", "as", "io")
_TAILS = (
    "son", "sen", "mann", "berg", "ski", "ova", "er", "ini", "ez", "ard", "ton", "feld", "wood", "ley", "dal", "stein",
)  # fmt: skip
_TOWNS = ("ham", "ford", "burg", "dorf", "ville", "stad", "wick", "mouth", "field", "by")
_STREETS = ("Street", "Road", "Avenue", "Lane", "Square", "Drive", "Court")
_SHORT = {"Street": "St", "Road": "Rd", "Avenue": "Ave", "Lane": "Ln", "Square": "Sq", "Drive": "Dr", "Court": "Ct"}
_PROVIDERS = ("mail.example.com", "post.example.org", "example.net", "inbox.example.com", "web.example.org")


@dataclass(frozen=True)
class Entry:
    """A contact as it was entered, and which person it is. Empty texts are not known."""

    person: int
    first_name: str = ""
    last_name: str = ""
    birthday: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""

    def values(self) -> dict[str, str]:
        """By the keys of contacts and attributes."""
        return {key: value for key, value in self.__dict__.items() if key != "person" and value}


def entries(count: int, seed: int, *, copies: float = 0.15, families: float = 0.30) -> list[Entry]:
    """`count` contacts in random order. `copies`: share that is a further entry of somebody; `families`: share of people
    that live with others of their name."""
    chance = Random(f"{seed} {count} {copies} {families}")
    world = _World(chance)
    people = list(_people(round(count * (1 - copies)), world, families))
    listed = [world.sparse(who) for who in people]
    for _ in range(count - len(people)):
        listed.append(world.sparse(world.copy(people[int(chance.betavariate(1, 2) * len(people))])))
    chance.shuffle(listed)
    return listed


def _people(count: int, world: "_World", families: float) -> Iterator[Entry]:
    number = 0
    while number < count:
        head = world.person(number)
        yield head
        number += 1
        # Families have three members on average: so that the share of people is right, heads are fewer.
        if world.chance.random() < families / (3 - 2 * families):
            for _ in range(world.chance.choice((1, 2, 2, 3))):
                if number < count:
                    yield world.relative(number, head)
                    number += 1


class _World:
    """Names, towns and streets, the common ones first."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.given = self._words(600, _END, 1)
        self.family = self._words(5_000, _TAILS, 2)
        self.towns = [(town, f"{chance.randrange(10_000, 99_999)}") for town in self._words(300, _TOWNS, 1)]
        self.streets = self._words(1_500, _TAILS, 1)

    def _words(self, count: int, ends: Sequence[str], most: int) -> list[str]:
        words: dict[str, None] = {}
        while len(words) < count:
            middle = "".join(
                self.chance.choice(_MIDDLE) + self.chance.choice("aeiou") for _ in range(self.chance.randint(0, most))
            )
            word = self.chance.choice(_BEGIN) + middle + self.chance.choice(_MIDDLE) + self.chance.choice(ends)
            words[word.capitalize()] = None
        return list(words)

    def _common(self, words: list[str]) -> str:
        """Some names are much more frequent than others."""
        return words[min(int(len(words) * self.chance.random() ** 2.2), len(words) - 1)]

    def person(self, number: int) -> Entry:
        first, last = self._common(self.given), self._common(self.family)
        town, code = self.towns[min(int(len(self.towns) * self.chance.random() ** 2), len(self.towns) - 1)]
        return Entry(
            number, first, last, self._birthday(), self._email(first, last), self._phone(), self._street(), code, town
        )

    def relative(self, number: int, head: Entry) -> Entry:
        first = self._common(self.given)
        phone = head.phone if self.chance.random() < 0.4 else self._phone()
        email = self._email(first, head.last_name)
        return replace(head, person=number, first_name=first, birthday=self._birthday(), email=email, phone=phone)

    def copy(self, who: Entry) -> Entry:
        """The same person, entered once more."""
        new = {}
        for name, share in (
            ("first_name", 0.2),
            ("last_name", 0.2),
            ("birthday", 0.04),
            ("phone", 0.05),
            ("street", 0.15),
        ):
            if self.chance.random() < share:
                new[name] = self.typo(getattr(who, name), digits=name in ("birthday", "phone"))
        who = replace(who, **dict[str, Any](new))
        if self.chance.random() < 0.05:
            who = replace(who, first_name=who.last_name, last_name=who.first_name)
        k = self.chance.random()
        if k < 0.25:
            who = replace(who, email=f"{who.email.partition('@')[0]}@{self.chance.choice(_PROVIDERS)}")
        elif k < 0.45:
            who = replace(who, email=self._email(who.first_name, who.last_name))
        elif k < 0.55:
            who = replace(who, email=self.typo(who.email))
        if self.chance.random() < 0.2:
            who = replace(who, phone=self._phone())
        k = self.chance.random()
        if k < 0.3:
            number, _space, rest = who.street.partition(" ")
            word = rest.rpartition(" ")[2]
            who = replace(who, street=f"{rest.replace(word, _SHORT.get(word, word))} {number}")
        elif k < 0.4:
            town, code = self.chance.choice(self.towns)
            who = replace(who, street=self._street(), postal_code=code, city=town)
        return who

    def sparse(self, who: Entry) -> Entry:
        """What somebody has bothered to enter."""
        missing = {name: "" for name, share in (("birthday", 0.5), ("email", 0.1), ("phone", 0.35), ("first_name", 0.03))
                   if self.chance.random() < share}  # fmt: skip
        if self.chance.random() < 0.35:
            missing |= {"street": "", "postal_code": ""}
            if self.chance.random() < 0.5:
                missing["city"] = ""
        return replace(who, **dict[str, Any](missing))

    def typo(self, text: str, *, digits: bool = False) -> str:
        """One slip of a finger: a sign changed, left out, doubled, or exchanged with its neighbour."""
        if len(text) < 3:
            return text
        at = self.chance.randrange(1, len(text) - 1)
        if digits:
            places = [i for i in range(len(text)) if text[i].isdigit() and i > 2]
            at = self.chance.choice(places)
            return text[:at] + str((int(text[at]) + self.chance.randint(1, 9)) % 10) + text[at + 1 :]
        kind = self.chance.randrange(4)
        if kind == 0:
            return text[:at] + self.chance.choice("aeinorst") + text[at + 1 :]
        if kind == 1:
            return text[:at] + text[at + 1 :]
        return (
            text[:at] + text[at] + text[at:] if kind == 2 else text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
        )

    def _birthday(self) -> str:
        return f"{self.chance.randint(1940, 2005)}-{self.chance.randint(1, 12):02d}-{self.chance.randint(1, 28):02d}"

    def _phone(self) -> str:
        return f"+4915{self.chance.randrange(10**9):09d}"

    def _street(self) -> str:
        return f"{self.chance.randint(1, 150)} {self._common(self.streets)} {self.chance.choice(_STREETS)}"

    def _email(self, first: str, last: str) -> str:
        style = self.chance.randrange(5)
        local = (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{last}{self.chance.randint(1, 99)}",
            f"{first}{self.chance.randint(50, 99)}",
            f"{first}_{last}{self.chance.randint(1, 999)}",
        )[style]
        return f"{local.lower()}@{self.chance.choice(_PROVIDERS)}"
