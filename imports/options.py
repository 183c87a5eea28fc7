"""The settings of an import, as they are stored, shown and given on the command line."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from contacts.identity import Policy

CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("create_and_update", "create_only", "update_only"),
    "existing": ("overwrite", "only_empty"),
    "blank": ("keep", "clear"),
    "duplicates": ("last", "first", "error"),
    "bad_value": ("error", "drop"),
}


class BadOption(ValueError):
    """A setting that does not exist, or a value that it cannot have."""


@dataclass(frozen=True)
class Options:
    """What the person chose. `country` is the region of phones without +; `segment` names a static segment."""

    mode: str = "create_and_update"
    existing: str = "overwrite"
    blank: str = "keep"
    duplicates: str = "last"
    bad_value: str = "error"
    country: str = ""
    segment: str = ""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Options from names and values. Raises BadOption with a sentence that names the value and what is possible."""
        known = {name: str(values[name]).strip() for name in cls.__dataclass_fields__ if name in values}
        for name, allowed in CHOICES.items():
            if name in known and known[name] not in allowed:
                raise BadOption(f"{name}={known[name]} is not possible. Choose one of: {', '.join(allowed)}.")
        country = known.get("country", "")
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise BadOption(f"country={country} is not a two-letter country code such as GB.")
        return cls(**{**known, "country": country.upper(), "segment": known.get("segment", "")[:120]})

    def as_json(self) -> dict[str, str]:
        return asdict(self)

    def policy(self, identifiers: tuple[str, ...]) -> Policy:
        """The part that decides what happens to contacts."""
        return Policy(
            mode=self.mode,  # type: ignore[arg-type]
            existing=self.existing,  # type: ignore[arg-type]
            blank=self.blank,  # type: ignore[arg-type]
            duplicates=self.duplicates,  # type: ignore[arg-type]
            identifiers=identifiers,
        )
