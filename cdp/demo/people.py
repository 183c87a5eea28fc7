"""Made-up people for the demo, the tests and the benchmark. Pure: person n of a seed is always the same.

Files with overlapping numbers share people, which is how the benchmark makes files that half match. No address can
reach anybody: all domains are reserved for examples. Phones lie in assigned ranges, as a check of ranges asks for them.
"""

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from random import Random

HEADER = (
    "email", "phone", "external_id", "first_name", "last_name", "city",
    "country", "birthday", "ltv", "newsletter", "tags", "consent_date",
)  # fmt: skip
# What the columns are that no workspace has from the start.
OWN_COLUMNS = {
    "ltv": "new:decimal:ltv",
    "newsletter": "new:boolean:newsletter",
    "tags": "new:choices:tags",
    "consent_date": "new:datetime:consent_date",
}
TAGS = ("vip", "newsletter", "b2b", "wholesale", "hiking", "black friday", "loyalty", "app", "winter", "returns")
DOMAINS = (
    *["example.com"] * 8, *["example.org"] * 5, *["example.net"] * 5, *["mail.example.com"] * 4,
    *["post.example.org"] * 3, "home.example.net", "office.example.com", "studio.example.org", "bücher.example.org",
)  # fmt: skip
DIGITS = 10**8


@dataclass(frozen=True)
class Country:
    """How people of a country are called, where they live, and what their mobile numbers look like."""

    code: str
    calling: str
    trunk: str
    prefixes: tuple[str, ...]
    digits: int  # of the national number
    cities: tuple[str, ...]
    first: tuple[tuple[str, str], ...]  # as written, and as an e-mail address has it
    last: tuple[tuple[str, str], ...]


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.lower().replace("ł", "l").replace("ø", "o").replace("ß", "ss"))
    return "".join(c for c in folded if c.isascii() and c.isalnum())


def _names(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (word.replace("_", " ").partition("=") for word in text.split())
    return tuple((name, plain or _plain(name)) for name, _equals, plain in pairs)


def _country(code: str, phone: str, digits: int, cities: str, first: str, last: str) -> Country:
    calling, trunk, prefixes = phone.split("/")
    places = tuple(city.replace("_", " ") for city in cities.split())
    return Country(
        code, calling, trunk, tuple(prefixes.split()), digits, places, _names(first), _names(last)
    )  # fmt: skip


COUNTRIES = (
    _country("GB", "44/0/7400 7415 7520", 10, "London Leeds Bristol Glasgow York",
             "Emma Oliver Isla Harry Freya Callum Zoë", "Smith O'Connor Taylor Hughes MacLeod Brontë Clarke Patel"),
    _country("US", "1//212 415 305 713 617", 10, "New_York Austin Portland Chicago",
             "Liam Ava Noah Mia Ethan Grace Tyler José", "Johnson Rivera Lee Núñez Walker Brooks van_der_Berg Price"),
    _country("DE", "49/0/1512 1520 1601 1702", 11, "Berlin München Köln Lübeck",
             "Jürgen Björn Lena Käthe Moritz Sabine Tobias Anneliese", "Müller Weiß Schröder Krüger Becker Lange Groß"),
    _country("FR", "33/0/61 62 65 76", 9, "Paris Orléans Besançon Nîmes",
             "François Chloé Anaïs Hélène Luc Océane Rémi Zoé", "Dubois Lefèvre Moreau Garçon Petit Rousseau D'Arc"),
    _country("ES", "34//61 62 65 66", 9, "Madrid Málaga A_Coruña Gijón",
             "Carmen Íñigo Lucía Álvaro Begoña Iker Marta Raúl", "García Fernández Núñez Ibáñez López Peña de_la_Cruz"),
    _country("IT", "39//320 333 347 338", 10, "Roma Milano Forlì Cefalù",
             "Giulia Matteo Niccolò Chiara Luca Elena Dario", "Rossi D'Angelo Conti Greco Fabbri Marchetti Nardò"),
    _country("PL", "48//51 60 66 69", 9, "Warszawa Łódź Kraków Gdańsk",
             "Agnieszka Łukasz Mateusz Zofia Paweł Ewa Michał", "Nowak Kowalczyk Wójcik Dąbrowski Szymański Żak Król"),
    _country("UA", "380/0/50 63 67 97", 9, "Київ Львів Одеса Харків",
             "Олена=olena Іван=ivan Софія=sofiia Тарас=taras Марія=mariia Андрій=andrii",
             "Шевченко=shevchenko Дяченко=diachenko Бондар=bondar Коваль=koval Мельник=melnyk Лисенко=lysenko"),
    _country("BR", "55//119 219 319 419", 11, "São_Paulo Curitiba Brasília Belém",
             "João Thiago Conceição Beatriz Caio Luísa Rafael Íris", "da_Silva Costa Araújo Gonçalves Lima Moraes Sá"),
    _country("IN", "91/0/98 97 81 70", 10, "Mumbai Delhi Chennai Kochi",
             "Priya Rahul Anjali Arjun Meera Vikram Kavya Rohan", "Sharma Nair Iyer Reddy Mehta Das Kapoor Bose"),
)  # fmt: skip


class Draw:
    """A well of small numbers that depends only on what it is made from."""

    __slots__ = ("well",)

    def __init__(self, *of: int) -> None:
        self.well = int.from_bytes(blake2b(repr(of).encode(), digest_size=64).digest(), "big")

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        self.well, remainder = divmod(self.well, limit)
        return remainder


@dataclass(frozen=True, slots=True)
class Person:
    """What stays the same in every file."""

    number: int
    country: Country
    first: str
    last: str
    email: str
    national: str  # number without the trunk prefix
    city: str

    @property
    def external_id(self) -> str:
        return f"C-{self.number:08d}"

    @property
    def phone(self) -> str:
        """The international form."""
        return f"+{self.country.calling}{self.national}"


def person(number: int, seed: int) -> Person:
    """Person `number` of a seed."""
    draw = Draw(seed, number)
    country = COUNTRIES[draw.below(len(COUNTRIES))]
    first, plain_first = country.first[draw.below(len(country.first))]
    last, plain_last = country.last[draw.below(len(country.last))]
    style, domain = draw.below(4), DOMAINS[draw.below(len(DOMAINS))]
    local = (f"{plain_first}.{plain_last}", f"{plain_first[0]}_{plain_last}", plain_last, f"{plain_first}+shop")[style]
    city = country.cities[draw.below(len(country.cities))]
    return Person(number, country, first, last, f"{local}{number}@{domain}", _national(country, draw), city)


def _national(country: Country, draw: Draw) -> str:
    prefix = country.prefixes[draw.below(len(country.prefixes))]
    rest = country.digits - len(prefix)
    if country.code == "US":  # an exchange begins with 2 to 9 and is no N11
        return f"{prefix}{2 + draw.below(8)}{20 + draw.below(80)}{draw.below(10_000):04d}"
    if country.code == "BR":
        return f"{prefix}{6 + draw.below(4)}{draw.below(10**7):07d}"
    return prefix + str(draw.below(10**rest)).zfill(rest)


def written_phone(who: Person, draw: Draw) -> str:
    """The number as one of many people would write it: a third of them without the country."""
    trunk, calling, n = who.country.trunk, who.country.calling, who.national
    return (
        f"+{calling}{n}",
        f"+{calling}{n}",
        f"+{calling}{n}",
        f"+{calling} {n[:3]} {n[3:6]} {n[6:]}",
        f"+{calling} {n[:3]} {n[3:6]} {n[6:]}",
        f"00{calling}{n}" if calling not in ("1", "55") else f"+{calling} ({n[:3]}) {n[3:6]}-{n[6:]}",
        trunk + n,
        trunk + n,
        f"{trunk}{n[:3]}-{n[3:6]}-{n[6:]}",
        f"({trunk}{n[:3]}) {n[3:6]} {n[6:]}",
    )[draw.below(10)]


def bad_email(email: str, draw: Draw) -> str:
    """The address as somebody has spoiled it."""
    name, _at, domain = email.partition("@")
    spoiled = (
        name + domain,
        f"{email}..",
        f"a b@{domain}",
        f"{name}@@{domain}",
        "foo@bar",
        f"{email}, {name}@{domain}",
    )
    return spoiled[draw.below(len(spoiled))]


def bad_phone(who: Person, draw: Draw) -> str:
    """The number as somebody, or a spreadsheet, has spoiled it."""
    digits = who.country.calling + who.national
    damaged = f"{digits[0]}.{digits[1:3]}E+{len(digits) - 1}"
    return (damaged, damaged, "12345", "n/a", f"+999{who.national}", f"+{digits}00000000", "000000000")[draw.below(7)]


def row(number: int, seed: int, salt: int, *, spoil: str = "", shout: bool = False) -> list[str]:
    """One row about a person. `salt` changes spellings and values, not the person; `spoil` is email or phone."""
    who, draw = person(number, seed), Draw(seed, number, salt)
    email, phone = who.email, written_phone(who, draw)
    look = draw.below(10)
    if shout or look < 2:
        email = email.upper() if look % 2 else f" {email.title()}"
    kept = draw.below(100)
    email = bad_email(email.strip(), draw) if spoil == "email" else "" if kept < 3 else email
    phone = bad_phone(who, draw) if spoil == "phone" else "" if 3 <= kept < 13 else phone
    city = f'{who.city}, district "{draw.below(9) + 1}"' if kept > 95 else who.city
    year, month, day = draw.below(8) + 2018, draw.below(12) + 1, draw.below(28) + 1
    return [
        email, phone, who.external_id, who.first, who.last, city, who.country.code,
        f"{1950 + draw.below(56)}-{draw.below(12) + 1:02d}-{day:02d}",
        f"{draw.below(400) * draw.below(400) / 100:.2f}",
        ("yes", "no", "true", "false", "1", "")[draw.below(6)],
        "|".join(TAGS[(draw.below(3) * 3 + i) % len(TAGS)] for i in range(draw.below(4))),
        f"{year}-{month:02d}-{day:02d}T{draw.below(24):02d}:00:00Z",
    ]  # fmt: skip


def rows(
    count: int,
    seed: int,
    *,
    first: int = 0,
    salt: int = 0,
    bad: float = 0.04,
    duplicates: float = 0.03,
    malformed: float = 0.01,
) -> Iterator[list[str]]:
    """`count` rows about people from number `first` on.

    Shares of rows: `bad` have a spoiled e-mail or phone, `duplicates` are a second row about somebody earlier,
    `malformed` have too few or too many cells.
    """
    chance, number = Random(f"{seed} {salt} {first}"), first  # noqa: S311  made-up data
    for _ in range(count):
        k = chance.random()
        if k < duplicates and number - first > 100:
            cells = row(chance.randrange(first, number), seed, salt + 17, shout=True)
        else:
            spoil = "" if not duplicates <= k < duplicates + bad else "email" if k < duplicates + bad / 2 else "phone"
            cells = row(number, seed, salt, spoil=spoil)
            number += 1
        yield _malformed(cells, chance) if 0 <= k - duplicates - bad < malformed else cells


def _malformed(cells: list[str], chance: Random) -> list[str]:
    return cells[: chance.randint(2, 9)] if chance.random() < 0.5 else [*cells, *"x" * chance.randint(1, 3)]


def western(count: int, seed: int, **shares: float) -> Iterator[list[str]]:
    """`count` rows that Windows-1252 can hold."""
    return islice((r for r in rows(count * 4, seed, **shares) if _is_western(r)), count)  # type: ignore[arg-type]


def _is_western(cells: Sequence[str]) -> bool:
    try:
        "".join(cells).encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def write(
    path: Path,
    cells: Iterable[Sequence[str]],
    *,
    header: Sequence[str] = HEADER,
    encoding: str = "utf-8",
    separator: str = ",",
) -> int:
    """Write a CSV file; returns the number of data rows."""
    count = 0
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(header)
        for count, line in enumerate(cells, 1):  # noqa: B007  the last number is the answer
            writer.writerow(line)
    return count
