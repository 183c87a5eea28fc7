"""Made-up lists of organisations and of colleagues. Pure: the same seed, the same list.

An organisation has a name with a legal form, an address, a phone and an address of its office, and no person's name. A copy
of one has what happens between two entries: another legal form or none, "&" for "and", a word cut short, other points and
commas, a slip of the finger, another office address. Much is missing, as in the lists of shops; some organisations share a
house and its phone, and some have a sister of nearly the same name there. Colleagues are different people with all of their
company in common.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from benchmarks import doubles

_TRADES = (
    "Logistics", "Engineering", "Consulting", "Technologies", "International", "Bakery", "Foods", "Media", "Energy",
    "Solutions", "Services", "Systems", "Design", "Motors", "Textiles", "Shipping", "Pharma", "Metals", "Travel", "Printing",
    "Bau", "Elektrotechnik", "Handel", "Druckerei", "Transporti", "Kokmateriali", "Costruzioni", "Vini",
)  # fmt: skip
_SHORT = {
    "International": ("Intl.", "Int'l", "Intl"), "Engineering": ("Eng.", "Engrg."), "Technologies": ("Tech.", "Technology"),
    "Services": ("Service", "Svcs."), "Solutions": ("Sol.", "Solution"), "Logistics": ("Logistic", "Log."),
    "Systems": ("Sys.", "System"), "Consulting": ("Cons.", "Consultants"), "Elektrotechnik": ("Elektrotech.",),
}  # fmt: skip
# Ways to write one legal form.
_LEGAL = (
    ("GmbH", "G.m.b.H.", "gmbh", "Gesellschaft mbH", ""), ("Ltd", "Ltd.", "Limited", "LTD", ""), ("SIA", '"SIA"', ""),
    ("S.r.l.", "SRL", "Srl", "S.R.L", ""), ("AG & Co. KG", "AG und Co. KG", "AG & Co KG", ""), ("AG", "A.G.", ""),
    ("Inc.", "Inc", "Incorporated", ""), ("Sp. z o.o.", "Sp z oo", "SP. Z O. O.", ""), ("S.A.", "SA", ""), ("", "", ""),
    ("B.V.", "BV", ""), ("OÜ", "OU", ""), ("UAB", "U.A.B.", ""), ("GmbH & Co. KG", "GmbH und Co KG", ""),
)  # fmt: skip
_FIRST = ("SIA", "UAB", '"SIA"')
_ANDS = ("&", "und", "and", "+")
_OFFICES = ("info", "office", "kontakt", "sales", "contact", "mail")
_LOCALS = ("{0}.{1}", "{0}", "{2}{1}", "{2}.{1}")


@dataclass(frozen=True)
class Listed(doubles.Entry):
    """A contact of a company; `person` counts organisations and people alike."""

    company: str = ""


class _Market(doubles._World):
    """Companies, their names and addresses."""

    def __init__(self, chance: Random) -> None:
        super().__init__(chance)
        self.taken: set[str] = set()

    def company(self, number: int) -> tuple[Listed, tuple[str, ...], int]:
        """(its first entry, the words of its name, which legal form)."""
        while True:
            words = [self._common(self.family)]
            k = self.chance.random()
            if k < 0.3:
                words += ["&", self.chance.choice((*self.family[:300], "Söhne", "Partner", "Sons"))]
            if k > 0.15:
                words.append(self.chance.choice(_TRADES))
            if " ".join(words) not in self.taken:
                break
        self.taken.add(" ".join(words))
        legal = self.chance.randrange(len(_LEGAL))
        site = "".join(w.lower() for w in words if w.isascii() and w != "&")[:24]
        town, code = self.towns[min(int(len(self.towns) * self.chance.random() ** 2), len(self.towns) - 1)]
        email = f"{self.chance.choice(_OFFICES)}@{site}.example"
        entry = Listed(
            number, email=email, phone=self._phone(), street=self._street(), postal_code=code, city=town,
            company=_written(words, _LEGAL[legal][0]),
        )  # fmt: skip
        return entry, tuple(words), legal

    def again(self, entry: Listed, words: tuple[str, ...], legal: int) -> Listed:
        """The organisation, entered once more."""
        changed = [self._other(w) for w in words]
        if self.chance.random() < 0.25:
            at = self.chance.choice([i for i, w in enumerate(changed) if len(w) > 4])
            changed[at] = self.typo(changed[at])
        name = _written(changed, self.chance.choice(_LEGAL[legal]))
        k = self.chance.random()
        if k < 0.15:
            name = name.upper()
        elif k < 0.25:
            name = name.replace(" ", ", ", 1) if len(changed) > 1 and "&" not in changed else name + "."
        elif k < 0.3:
            name = name.replace(" ", "-", 1)
        new = {"company": name}
        domain = entry.email.partition("@")[2]
        k = self.chance.random()
        if k < 0.5:
            new["email"] = f"{self.chance.choice(_OFFICES)}@{domain}"
        elif k < 0.65:
            new["email"] = ""
        if self.chance.random() < 0.25:
            new["phone"] = self.chance.choice(("", self._phone(), self.typo(entry.phone, digits=True)))
        k = self.chance.random()
        if k < 0.3:
            number, _space, rest = entry.street.partition(" ")
            word = rest.rpartition(" ")[2]
            new["street"] = f"{rest.replace(word, doubles._SHORT.get(word, word))} {number}"
        elif k < 0.45:
            new["street"] = self.typo(entry.street)
        elif k < 0.55:
            new |= {"street": "", "postal_code": ""}
        return replace(entry, **dict[str, Any](new))

    def neighbour(self, number: int, house: Listed) -> tuple[Listed, tuple[str, ...], int]:
        """Another organisation in the same house: sometimes with its phone, sometimes a sister with a part of its name."""
        entry, words, legal = self.company(number)
        if self.chance.random() < 0.3:
            words = (house.company.split()[1 if house.company.startswith(_FIRST) else 0], self.chance.choice(_TRADES))
            if " ".join(words) in self.taken:
                words = (*words, self.chance.choice(_TRADES))
            self.taken.add(" ".join(words))
            entry = replace(entry, company=_written(list(words), _LEGAL[legal][0]))
        phone = house.phone if self.chance.random() < 0.4 else entry.phone
        place: dict[str, Any] = {"street": house.street, "postal_code": house.postal_code, "city": house.city}
        return replace(entry, phone=phone, **place), words, legal

    def bare(self, entry: Listed) -> Listed:
        """What somebody has bothered to enter."""
        shares = (("email", 0.5), ("phone", 0.25), ("street", 0.2), ("postal_code", 0.3), ("city", 0.1))
        missing = {name: "" for name, share in shares if self.chance.random() < share}
        return replace(entry, **dict[str, Any](missing))

    def _other(self, word: str) -> str:
        if word == "&":
            return self.chance.choice(_ANDS)
        if word in _SHORT and self.chance.random() < 0.4:
            return self.chance.choice(_SHORT[word])
        return word

    def colleague(self, number: int, of: Listed) -> Listed:
        """One more person of a company."""
        first, last = self._common(self.given), self._common(self.family)
        domain = of.email.partition("@")[2]
        while True:  # an address is one person's
            local = self.chance.choice(_LOCALS).format(first.lower(), last.lower(), first[0].lower())
            email = f"{local}@{domain}"
            if email not in self.taken:
                break
            last = self._common(self.family)
        self.taken.add(email)
        return replace(of, person=number, first_name=first, last_name=last, email=email)


def _written(words: list[str], legal: str) -> str:
    return " ".join((legal, *words) if legal in _FIRST else (*words, legal) if legal else words)


def organisations(count: int, seed: int, *, copies: float = 0.25) -> list[Listed]:
    """So many contacts without a person's name, of which a share is a further entry of one organisation."""
    chance = Random(f"organisations {seed} {count} {copies}")
    market = _Market(chance)
    known: list[tuple[Listed, tuple[str, ...], int]] = []
    for number in range(round(count * (1 - copies))):
        shared = known and chance.random() < 0.15
        known.append(market.neighbour(number, chance.choice(known)[0]) if shared else market.company(number))
    listed = [market.bare(entry) for entry, _words, _legal in known]
    listed += [market.bare(market.again(*chance.choice(known))) for _ in range(count - len(known))]
    chance.shuffle(listed)
    return listed


def colleagues(count: int, seed: int, *, offices: bool = False) -> list[Listed]:
    """So many different people, three to eight in each company; with `offices` each company is a contact, too."""
    chance = Random(f"colleagues {seed} {count} {offices}")
    listed = list(_staff(count, _Market(chance), offices=offices))
    chance.shuffle(listed)
    return listed


def _staff(count: int, market: _Market, *, offices: bool) -> Iterator[Listed]:
    number = 0
    while number < count:
        of, _words, _legal = market.company(number)
        people = market.chance.randint(3, 8)
        if offices:
            yield of
            number += 1
        for _ in range(min(people, count - number)):
            yield market.colleague(number, of)
            number += 1
