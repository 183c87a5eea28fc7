"""The form of a new lookalike, and what can be changed of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiences import contact_lists
from audiences.contact_lists import ContactList
from audiences.lookalikes.people import MOMENTS
from audiences.models import Lookalike
from core.parse import parse_id

# What can be resembled, by the heads of the form's list.
SEEDS = {"source": "Sources", "segment": "Segments", "audience": "Audiences"}
SIZES = {
    3: "almost identical", 7: "extremely similar, recommended", 10: "very similar", 15: "quite similar", 20: "broad",
}  # fmt: skip
MOMENT_HINTS = {
    "entered": "What they did before they entered the list. Right for most lists.",
    "first_order": "What they did before they bought for the first time. For lists of customers.",
    "now": "What they do today. For lists that describe people rather than an event.",
}


@dataclass
class LookalikeForm:
    """What somebody has entered; `errors` has a sentence by field. `seed` is a list as the form sends it: source:3."""

    name: str = ""
    seed: str = ""
    moment: str = "entered"
    size: int = 7
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, posted: Mapping[str, str]) -> "LookalikeForm":
        """The form as it was sent, checked."""
        form = cls(
            name=cleaned(posted.get("name", "")), seed=posted.get("seed", ""), moment=posted.get("moment", ""),
            size=parse_id(posted.get("size", "")) or 0,
        )  # fmt: skip
        if wrong := wrong_name(form.name):
            form.errors["name"] = wrong
        if form.found is None:
            form.errors["seed"] = "Choose the list that the contacts should resemble."
        if form.moment not in MOMENTS:
            form.errors["moment"] = "Choose when the members are looked at."
        if form.size not in Lookalike.SIZES:
            form.errors["size"] = "Choose a size."
        return form

    @property
    def list(self) -> ContactList:
        kind, _colon, pk = self.seed.partition(":")
        return ContactList(kind, parse_id(pk) or 0)

    @property
    def found(self) -> Any:
        """The list that was chosen; None when it does not exist or cannot be resembled."""
        return contact_lists.find(self.list) if self.list.kind in SEEDS else None

    def values(self) -> dict[str, Any]:
        return {
            "name": self.name, "seed_kind": self.list.kind, "seed_id": self.list.pk, "seed_moment": self.moment,
            "size": self.size,
        }  # fmt: skip


def cleaned(name: str) -> str:
    """A name as it is stored."""
    return " ".join(name.replace("\x00", "").split())


def wrong_name(name: str, *, but: int | None = None) -> str:
    """What is wrong with a name, as a sentence; empty when nothing is. `but`: the lookalike that may have it."""
    if not name:
        return "Enter a name."
    if len(name) > 120:
        return f"Use at most 120 characters. This name has {len(name)}."
    if Lookalike.objects.filter(archived_at=None, name=name).exclude(pk=but).exists():
        return f"There is another lookalike with the name “{name}”. Choose another name."
    return ""


def seeds() -> list[tuple[str, list[tuple[str, str]]]]:
    """(head, (value, name) of each list) of what can be resembled; kinds without a list are left out."""
    found = [
        (head, [(f"{kind}:{pk}", name) for pk, name in contact_lists.choices(kind)]) for kind, head in SEEDS.items()
    ]
    return [(head, choices) for head, choices in found if choices]
