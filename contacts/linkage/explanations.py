"""Why two contacts are probably one person, in words with the figures behind them. Pure, and without anything to install."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contacts.linkage.normalize import TOP

BANDS = ((0.99, "Almost certain", "bad"), (0.90, "Probable", "warn"), (0.50, "Possible", "neutral"))
LABELS = {
    "given": "first name", "family": "last name", "birth": "birthday", "email": "e-mail", "phone": "phone",
    "external_id": "external ID", "street": "street", "number": "house number", "postcode": "postal code", "town": "city",
    "region": "region", "company": "company",
    "organisation": "company",
}  # fmt: skip
_NEARLY = {
    "birth": {4: "differs by one typo", 3: "has two of day, month and year in common", 2: "is within a year"},
    "email": {3: "differs by a typo", 2: "is similar"},
    "company": {4: "is nearly the same", 3: "has much in common", 2: "has a word in common"},
    "organisation": {4: "is nearly the same", 3: "has much in common", 2: "has a word in common"},
}
_USUALLY = {3: "is nearly the same", 2: "is similar"}


@dataclass(frozen=True)
class Evidence:
    """One field: what is said of it, and the bits that it adds (negative: it speaks against)."""

    text: str
    bits: float

    @property
    def signed(self) -> str:
        return f"{self.bits:+.1f}".replace("-", "\N{MINUS SIGN}")


def probability(bits: float) -> float:
    """What so many bits of evidence mean, prior included."""
    return float(1 / (1 + 2 ** -max(min(bits, 60.0), -60.0)))


def band(probability: float) -> tuple[str, str]:
    """(name, tone) of a probability."""
    return next(((name, tone) for least, name, tone in BANDS if probability >= least), ("Unlikely", "neutral"))


def percent(probability: float) -> str:
    """A probability without more digits than it deserves."""
    return f"{min(probability, 0.999) * 100:.1f} %" if probability >= 0.9 else f"{probability * 100:.0f} %"


def reasons(
    parts: Sequence[Sequence[Any]], *, values: Mapping[str, tuple[str, str]], contacts: int, household: float
) -> list[Evidence]:
    """What speaks for and against, the strongest first. `values`: field → how the two contacts have it."""
    evidence = [_reason(*part, values=values.get(part[0], ("", "")), contacts=contacts) for part in parts if part[2]]
    if household > 0.5:
        evidence.append(Evidence("members of the same household share this, too", -household))
    return sorted(evidence, key=lambda reason: -abs(reason.bits))


def _reason(name: str, level: int, bits: float, count: int, *, values: tuple[str, str], contacts: int) -> Evidence:
    label = LABELS[name]
    if level == TOP[name]:
        rarity = f" ({_often(count, contacts)})" if count else ""
        return Evidence(f"{label} is the same: {values[0]}{rarity}" if values[0] else f"{label} is the same", bits)
    said = "differs" if level == 1 else _NEARLY.get(name, _USUALLY)[level]
    both = f" ({values[0]} / {values[1]})" if all(values) else ""
    return Evidence(f"{label} {said}{both}", bits)


def _often(count: int, contacts: int) -> str:
    if count <= 2:
        return "no other contact has it"
    return f"1 in {max(contacts // count, 1):,} contacts has it"
