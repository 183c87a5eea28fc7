"""The form of an audience, as it is sent after every change: rows of lists, conditions, and what a button does to them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from audiences.contact_lists import ContactList
from audiences.definition import CONDITIONS, FORCED, KINDS, PROPOSED, Definition
from audiences.models import Audience, Use
from core.parse import parse_id

SIDES = ("include", "exclude")
MOST_ROWS = 40


class ListRow(NamedTuple):
    """A row of the form: a kind, and the list that was chosen (None: not yet)."""

    kind: str
    pk: int | None

    @property
    def value(self) -> str:
        return f"{self.kind}:{self.pk or ''}"


@dataclass
class AudienceForm:
    """What somebody has entered. `errors` has a sentence by field."""

    name: str = ""
    description: str = ""
    use: str = Use.GOOGLE
    include: list[ListRow] = field(default_factory=list)
    exclude: list[ListRow] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def definition(self) -> Definition:
        """What was entered, rows without a list left out and each list once."""
        include, exclude = (
            tuple(dict.fromkeys(ContactList(row.kind, row.pk) for row in rows if row.pk is not None))
            for rows in (self.include, self.exclude)
        )
        return Definition(include, exclude, tuple(key for key in CONDITIONS if key in self.conditions))

    @property
    def forced(self) -> frozenset[str]:
        return FORCED.get(self.use, frozenset())


def empty(include: list[str] | None = None) -> AudienceForm:
    """A new form, with the lists that an address names."""
    rows = [row for text in include or [] if (row := _row(text)) is not None]
    return AudienceForm(include=rows or [ListRow("source", None)], conditions=list(PROPOSED[Use.GOOGLE]))


def of_audience(audience: Audience, definition: Definition) -> AudienceForm:
    """The form of a saved audience."""
    return AudienceForm(
        audience.name, audience.description, audience.use,
        [ListRow(*one) for one in definition.include], [ListRow(*one) for one in definition.exclude],
        list(definition.conditions),
    )  # fmt: skip


def read(posted: Any) -> AudienceForm:
    """The form as it was sent. With another use than before, the conditions are those that the use proposes."""
    use = posted.get("use", "")
    use = use if use in Use.values else Use.GOOGLE
    conditions = [key for key in posted.getlist("condition") if key in CONDITIONS]
    if posted.get("proposed_for", use) != use:
        conditions = list(PROPOSED[use])
    include, exclude = (
        [row for text in posted.getlist(side)[:MOST_ROWS] if (row := _row(text)) is not None] for side in SIDES
    )
    texts = {name: " ".join(posted.get(name, "").replace("\x00", "").split()) for name in ("name", "description")}
    return AudienceForm(texts["name"][:121], texts["description"][:300], use, include, exclude, conditions)


def edit(form: AudienceForm, do: str) -> str:
    """Do what a button says: `add:SIDE:KIND` or `remove:SIDE:NUMBER`; returns the ID of the element that gets the focus,
    empty where it was no such button."""
    verb, _colon, rest = do.partition(":")
    side, _colon, which = rest.partition(":")
    if side not in SIDES:
        return ""
    rows: list[ListRow] = getattr(form, side)
    if verb == "add" and which in KINDS and len(rows) < MOST_ROWS:
        rows.append(ListRow(which, None))
        return f"{side}-{len(rows) - 1}"
    number = parse_id(which) if which != "0" else 0
    if verb == "remove" and number is not None and number < len(rows):
        kind = rows.pop(number).kind
        return f"{side}-{min(number, len(rows) - 1)}" if rows else f"add-{side}-{kind}"
    return ""


def _row(text: str) -> ListRow | None:
    kind, _colon, pk = text.partition(":")
    return ListRow(kind, parse_id(pk)) if kind in KINDS else None
