"""The columns of the lists of contacts: which there are, which a member has chosen, and their values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contacts.models import Attribute, Contact
from contacts.values.types import SYSTEM, in_words

# Beside the name, which is always there. `changed` tells when somebody was created, too.
OWN = {
    "email": "E-mail",
    "phone": "Phone",
    "rating": "E-mail rating",
    "changed": "Changed, created",
    "external_id": "External ID",
}
USUAL = ("email", "phone", "changed")
# More have no room on a page.
MOST = 8
_FIELD = "field:"


@dataclass(frozen=True)
class Column:
    """One column: its key, its label, and whether it is shown."""

    key: str
    label: str
    shown: bool

    @property
    def own(self) -> bool:
        """Whether it is of the contact itself, not a field of the workspace."""
        return not self.key.startswith(_FIELD)


def columns(chosen: Sequence[str] | None) -> list[Column]:
    """All columns in their order. `chosen`: keys of those that a member wants; None: the usual ones. A field that is not
    there any more is left out."""
    wanted = set(USUAL if chosen is None else chosen)
    fields = {key: field.label for key, field in SYSTEM.items()}
    own = Attribute.objects.filter(archived_at=None).order_by("label").values_list("key", "label")
    labels = OWN | {f"{_FIELD}{key}": label for key, label in [*fields.items(), *own]}
    return [Column(key, label, key in wanted) for key, label in labels.items()]


def choose(keys: Iterable[str]) -> list[str]:
    """What of the keys is a column, in the order of the list, at most `MOST`."""
    wanted = set(keys)
    return [column.key for column in columns([]) if column.key in wanted][:MOST]


def cells(contact: Contact, shown: Sequence[Column]) -> list[tuple[Column, str]]:
    """The shown columns of a contact, with the values of those that are fields of the workspace."""
    has = contact.attributes
    return [
        (c, "" if c.own else in_words(c.key.removeprefix(_FIELD), has.get(c.key.removeprefix(_FIELD)))) for c in shown
    ]
