"""Who is in an audience: lists to include and exclude, and conditions. Pure: JSON and forms in, a rule and words out.

As it is stored: {"include": [["source", 3], ["segment", 7]], "exclude": [], "conditions": ["ads"]}. The rule is one of
segments (segments.rules.tree), so that the members follow changes as those of segments do.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from audiences.contact_lists import ContactList
from audiences.models import Use
from contacts.values import ads_consent
from segments.rules.tree import Condition, FieldCondition, Group, InList, InSegment, Node

# Kinds of lists that an audience can name, and how many lists of both sides together.
KINDS = ("source", "segment", "lookalike")
MOST_LISTS = 20
EMAIL_SILENT, PHONE_SILENT = ("blacklisted", "spam"), ("blacklisted",)


class DefinitionError(ValueError):
    """A definition that cannot be used. `why` is a sentence, `field` the part of it that is wrong."""

    def __init__(self, why: str, field: str) -> None:
        super().__init__(why)
        self.why, self.field = why, field


class State(NamedTuple):
    """What conditions ask of a contact: the status of its e-mail and its phone (None: it has none), and its ads consent."""

    email: str | None
    phone: str | None
    ads: str | None


@dataclass(frozen=True)
class ConditionType:
    """One condition. `part` says it as a rule, `reason` why a contact in a state does not meet it (empty: it does)."""

    key: str
    label: str
    words: str
    part: Node
    reason: Callable[[State], str]


def _email(state: State) -> str:
    if state.email is None:
        return "no e-mail address"
    return "" if state.email == "active" else _EMAIL_WORDS[state.email]


def _phone(state: State) -> str:
    if state.phone is None:
        return "no phone number"
    return "" if state.phone == "active" else "blacklisted"


def _ads(state: State) -> str:
    return {ads_consent.GRANTED: "", ads_consent.DENIED: "said no"}.get(state.ads or "", "never asked")


def _valid(state: State) -> str:
    if state.email is None and state.phone is None:
        return "no address"
    good = (state.email is not None and state.email not in EMAIL_SILENT) or state.phone == "active"
    return "" if good else "only addresses that do not work"


_EMAIL_WORDS = {
    "not_confirmed": "not confirmed", "blacklisted": "blacklisted", "unsubscribed": "unsubscribed", "spam": "spam report",
}  # fmt: skip


def _status(channel: str, *values: str) -> FieldCondition:
    return FieldCondition(f"{channel}_status", "is", values)


_ALL = (
    ConditionType("email", "May be e-mailed", "may be e-mailed", _status("email", "active"), _email),
    ConditionType("phone", "May be called", "may be called", _status("phone", "active"), _phone),
    ConditionType(
        "ads", "Agreed to ads", "agreed to ads", FieldCondition(ads_consent.KEY, "is", (ads_consent.GRANTED,)), _ads
    ),
    ConditionType(
        "valid", "Has a deliverable address", "have a deliverable address",
        Group("any", (_status("email", "active", "not_confirmed", "unsubscribed"), _status("phone", "active"))), _valid,
    ),
)  # fmt: skip
CONDITIONS: Mapping[str, ConditionType] = {condition.key: condition for condition in _ALL}
SUPPRESSED = "suppressed"  # the condition that is always on

# What an audience is for → the conditions that are proposed, and those that it cannot do without.
PROPOSED: Mapping[str, tuple[str, ...]] = {
    Use.GOOGLE: ("ads", "valid"), Use.META: ("ads", "valid"), Use.EMAIL: ("email",), Use.PHONE: ("phone",), Use.FILE: (),
}  # fmt: skip
FORCED: Mapping[str, frozenset[str]] = {Use.GOOGLE: frozenset({"ads"}), Use.META: frozenset({"ads"})}


def suppressed(use: str) -> ConditionType:
    """The condition that is always on: who has silenced the channels of a use, or any channel where it is for ads. Deleted
    and erased contacts are in no audience."""
    email, phone = _silent(use)
    parts = tuple(_status(channel, *values) for channel, values in (("email", email), ("phone", phone)) if values)

    def reason(state: State) -> str:
        if state.email in email:
            return _EMAIL_WORDS[state.email]
        return "phone blacklisted" if state.phone in phone else ""

    return ConditionType(SUPPRESSED, "Not suppressed", "are not suppressed", Group("none", parts), reason)


def _silent(use: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The statuses of e-mail and phone with which nobody is in an audience of a use."""
    if use in FORCED:
        return (*EMAIL_SILENT, "unsubscribed"), PHONE_SILENT
    return (() if use == Use.PHONE else EMAIL_SILENT), (() if use == Use.EMAIL else PHONE_SILENT)


@dataclass(frozen=True)
class Definition:
    """Contacts of at least one list of `include` and of none of `exclude` who meet all conditions."""

    include: tuple[ContactList, ...] = ()
    exclude: tuple[ContactList, ...] = ()
    conditions: tuple[str, ...] = ()

    @property
    def lists(self) -> tuple[ContactList, ...]:
        return (*self.include, *self.exclude)

    def active(self, use: str) -> list[ConditionType]:
        """The conditions in the order of the page, those included that the use cannot do without, and the one that is always
        on."""
        wanted = {*self.conditions, *FORCED.get(use, ())}
        return [*(one for key, one in CONDITIONS.items() if key in wanted), suppressed(use)]


def of_plain(data: Any) -> Definition:
    """The definition that JSON says. Raises DefinitionError."""
    if not isinstance(data, dict):
        raise DefinitionError("This is not a definition of an audience.", "include")
    include, exclude = (_lists(data.get(side, []), side) for side in ("include", "exclude"))
    conditions = data.get("conditions", [])
    if not isinstance(conditions, list) or not all(isinstance(key, str) for key in conditions):
        raise DefinitionError("This is not a list of conditions.", "conditions")
    return Definition(include, exclude, tuple(key for key in CONDITIONS if key in conditions))


def plain(definition: Definition) -> dict[str, Any]:
    """The definition as JSON."""
    return {
        "include": [list(one) for one in definition.include],
        "exclude": [list(one) for one in definition.exclude],
        "conditions": list(definition.conditions),
    }


def _lists(data: Any, side: str) -> tuple[ContactList, ...]:
    if not isinstance(data, list):
        raise DefinitionError("This is not a set of lists.", side)
    found: dict[ContactList, None] = {}
    for item in data:
        if not isinstance(item, list) or len(item) != 2 or item[0] not in KINDS or type(item[1]) is not int:
            raise DefinitionError("Choose a source, a segment or a lookalike.", side)
        found[ContactList(*item)] = None
    return tuple(found)


def check(definition: Definition, known: Collection[ContactList]) -> None:
    """Raise DefinitionError for a definition that selects nothing, is too large, contradicts itself, or names lists that do
    not exist (`known`: those that do)."""
    if not definition.include:
        raise DefinitionError("Add at least one list to include.", "include")
    if len(definition.lists) > MOST_LISTS:
        raise DefinitionError(
            f"An audience can have up to {MOST_LISTS} lists. You chose {len(definition.lists)}.", "include"
        )
    if set(definition.include) & set(definition.exclude):
        raise DefinitionError("A list is both included and excluded. Remove it from one of the two.", "exclude")
    for side in ("include", "exclude"):
        if any(one not in known for one in getattr(definition, side)):
            raise DefinitionError("One of these lists no longer exists. Choose another one.", side)


def rule_of(definition: Definition, use: str) -> Group:
    """The rule of the segment that holds the members."""
    parts: list[Node] = [Group("any", tuple(_inside(one) for one in definition.include))]
    if definition.exclude:
        parts.append(Group("none", tuple(_inside(one) for one in definition.exclude)))
    return Group("all", (*parts, *(condition.part for condition in definition.active(use))))


def _inside(of: ContactList) -> Condition:
    return InSegment(of.pk) if of.kind == "segment" else InList(of.kind, of.pk)


class Piece(NamedTuple):
    """A part of a sentence. `mark`: what it says, `any` (included), `not` (excluded), `and` (a condition), or nothing."""

    text: str
    mark: str = ""


def words(definition: Definition, use: str, names: Mapping[ContactList, str]) -> list[Piece]:
    """The definition as a sentence, piece by piece; `names` has the lists that exist."""
    if not definition.include:
        return []

    def name(of: ContactList) -> str:
        return names.get(of, f"a {of.kind} that no longer exists")

    said = [Piece("Contacts in "), *_joined([Piece(name(one), "any") for one in definition.include], "or")]
    if definition.exclude:
        said += [Piece(" but not in "), *_joined([Piece(name(one), "not") for one in definition.exclude], "or")]
    conditions = [Piece(one.words, "and") for one in definition.active(use)]
    return [*said, Piece(", who "), *_joined(conditions, "and"), Piece(".")]


def _joined(pieces: Sequence[Piece], last: str) -> list[Piece]:
    """Pieces with commas between them and a word before the last one."""
    said: list[Piece] = []
    for i, piece in enumerate(pieces):
        if i:
            said.append(Piece(f" {last} " if i == len(pieces) - 1 else ", "))
        said.append(piece)
    return said
