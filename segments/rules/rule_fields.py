"""What a rule can ask about a contact: columns of it, system attributes and those of the workspace, each with its type."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from django.db.models import F
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from contacts.models import Attribute, Category, EmailStatus, Origin, PhoneStatus
from contacts.values import ads_consent, types, vocabulary
from core import places
from tracking.funnel import Stage
from tracking.models import MatchedBy


class _Attribute(KeyTransform):
    """The value of a key of an object. Django takes a key of digits for the place of an item of a list."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        lhs, params, _keys = self.preprocess_lhs(compiler, connection)
        return f"({lhs} {self.postgres_operator} %s)", (*params, str(self.key_name))


class _AttributeText(_Attribute, KeyTextTransform):
    """The same as text."""


@dataclass(frozen=True)
class RuleField:
    """One thing known of contacts. `kind` decides which operators there are (segments.rules.operators); `type` how a value
    is read (contacts.values.types); `options` are the values that can be chosen."""

    key: str
    label: str
    group: str
    kind: str
    type: str = "text"
    column: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""  # a column without which a contact has no such thing: a status without an e-mail
    visits: bool = False  # a column of what the visitors of a contact add up to (tracking.contact_visits)

    @property
    def text(self) -> F | KeyTextTransform:
        """Its value in the database as it is compared."""
        return F(self.column) if self.column else _AttributeText(self.key, "attributes")

    @property
    def json(self) -> KeyTransform:
        """The value of an attribute as JSON, where numbers and lists are what they are."""
        return _Attribute(self.key, "attributes")


_ID, _CHANNEL, _LIFE, _VISITS = "Identifiers and names", "Channels", "System", "Visits"
_MATCHED_BY = {
    MatchedBy.LINK: "Link ID", MatchedBy.EXTERNAL_ID: "External ID", MatchedBy.EMAIL: "E-mail", MatchedBy.PHONE: "Phone",
    MatchedBy.DECISION: "Decision of a member",
}  # fmt: skip


def _visit(key: str, label: str, kind: str, column: str, options: Mapping[str, str] | None = None) -> RuleField:
    return RuleField(f"visit.{key}", label, _VISITS, kind, "integer", column, options or {}, visits=True)


_COLUMNS = (
    RuleField("email", "E-mail", _ID, "identifier", "email", "email"),
    RuleField("phone", "Phone", _ID, "identifier", "phone", "phone"),
    RuleField("external_id", "External ID", _ID, "identifier", "text", "external_id"),
    RuleField("first_name", "First name", _ID, "name", "text", "first_key"),
    RuleField("last_name", "Last name", _ID, "name", "text", "last_key"),
    RuleField(
        "email_status", "E-mail status", _CHANNEL, "option", "text", "email_status", dict(EmailStatus.choices), "email"
    ),
    RuleField(
        "phone_status", "Phone status", _CHANNEL, "option", "text", "phone_status", dict(PhoneStatus.choices), "phone"
    ),
    RuleField("email_status_at", "E-mail status since", _CHANNEL, "moment", "date", "email_status_at", {}, "email"),
    RuleField("rating", "E-mail rating", _CHANNEL, "count", "integer", "rating"),
    RuleField("origin", "Created by", _LIFE, "option", "text", "origin", dict(Origin.choices)),
    RuleField("created_at", "Created", _LIFE, "moment", "date", "created_at"),
    RuleField("changed_at", "Changed", _LIFE, "moment", "date", "changed_at"),
    RuleField("deleted_at", "Deleted", _LIFE, "moment", "date", "deleted_at"),
    RuleField("probable_duplicate", "Has a probable duplicate", _LIFE, "flag"),
    RuleField("visit.matched", "Has an identified visitor", _VISITS, "flag"),
    _visit("by", "Identified by", "option", "matched_by", {str(kind): label for kind, label in _MATCHED_BY.items()}),
    _visit("first", "First visit", "visited", "first_seen"),
    _visit("last", "Last visit", "visited", "last_seen"),
    _visit("visits", "Number of visits", "total", "visits"),
    _visit("pages", "Number of page views", "total", "views"),
    _visit("seconds", "Seconds spent on pages", "total", "seconds"),
    _visit("stage", "Funnel stage", "option", "stage", {str(stage.value): str(stage.label) for stage in Stage}),
)
# Types of attributes → kinds of conditions; text is the rest.
_KINDS = {
    "integer": "number", "decimal": "number", "boolean": "boolean", "date": "date", "birthday": "birthday",
    "datetime": "time", "choice": "option", "choices": "options", "country": "option", "language": "option",
    "consent": "option", "phone": "exact",
}  # fmt: skip


# Kinds in words, for the reference.
KINDS = {
    "identifier": "identifiers", "name": "names", "text": "texts", "exact": "phones", "number": "numbers",
    "count": "the rating", "total": "sums of visits", "boolean": "yes or no", "flag": "yes or no of the system",
    "option": "choices", "options": "lists", "date": "dates", "birthday": "birthdays", "time": "times",
    "moment": "times of the system", "visited": "times of visits",
}  # fmt: skip


def standard() -> dict[str, RuleField]:
    """The subjects that every workspace has, by their keys."""
    fields = {s.key: s for s in _COLUMNS}
    for key, system in types.SYSTEM.items():
        fields[key] = _of(key, system.label, system.type, {}, "Standard fields")
    return fields


def everything() -> dict[str, RuleField]:
    """All subjects of the current workspace by their keys, archived attributes last."""
    fields = standard()
    categories = Category.objects.order_by("archived_at", "name").values_list("name", flat=True)
    fields["subscriptions"] = replace(fields["subscriptions"], options={name: name for name in categories})
    own = Attribute.objects.order_by("archived_at", "label")
    for one in own:
        label = f"{one.label} (archived)" if one.archived_at else one.label
        fields[one.key] = _of(one.key, label, one.type, one.options, "Custom fields")
    return fields


def _of(key: str, label: str, type_key: str, options: Mapping[str, str], group: str) -> RuleField:
    kind = _KINDS.get(type_key, "text")
    return RuleField(key, label, group, kind, type_key, options=_vocabulary(type_key) or options)


@cache
def _vocabulary(type_key: str) -> dict[str, str]:
    """Code → name of the values that a type has in every workspace; nothing for types without such a list."""
    if type_key == "consent":
        return dict(ads_consent.OPTIONS)
    if type_key == "country":
        return dict(places.countries(vocabulary.COUNTRY_CODES))
    return dict(places.languages(vocabulary.language_codes())) if type_key == "language" else {}
