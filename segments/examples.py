"""Ready-made segments: rules that most workspaces can use, each to be opened in the builder and changed there."""

from dataclasses import dataclass

from segments.rules import compiler, rule_counts, rule_form
from segments.rules.rule_counts import Figure
from segments.rules.tree import ActivityCondition, FieldCondition, Group, Node, Period

_MONTH, _QUARTER, _YEAR = Period("last", 30), Period("last", 90), Period("last", 365)


@dataclass(frozen=True)
class Example:
    """A rule under a name, and what it is good for."""

    key: str
    name: str
    use: str
    rule: Group


def _all(*parts: Node) -> Group:
    return Group("all", parts)


def _field(key: str, op: str, *values: str) -> FieldCondition:
    return FieldCondition(key, op, values)


def _did(what: str, *, least: int = 1, period: Period | None = None) -> ActivityCondition:
    return ActivityCondition(what, "at_least", str(least), period)


def _never(what: str, period: Period | None = None) -> ActivityCondition:
    return ActivityCondition(what, "never", "", period)


_REACHED = _field("email_status", "is", "active")

EXAMPLES: dict[str, Example] = {
    example.key: example
    for example in (
        Example(
            "new", "New in the last 30 days", "Welcome contacts that were created recently.",
            _all(_field("created_at", "within", "30")),
        ),
        Example(
            "engaged", "Engaged in the last 30 days", "Contacts that read an e-mail, visited or ordered.",
            Group("any", (_did("read", period=_MONTH), _field("visit.last", "within", "30"), _did("order", period=_MONTH))),
        ),
        Example(
            "at-risk", "Customers at risk", "Their last order was more than 90 days ago. Remind them of you.",
            _all(ActivityCondition("order", "last", "", Period("ago", 90)), _REACHED),
        ),
        Example(
            "birthdays", "Birthday in the next 14 days", "Congratulate them in time.",
            _all(_field("birthday", "comes", "14")),
        ),
        Example("twice", "Ordered at least twice", "Regular customers, for offers to those who know you.",
                _all(_did("order", least=2))),
        Example(
            "loyal", "Ordered three times in a year", "Your most loyal customers of the last 365 days.",
            _all(_did("order", least=3, period=_YEAR)),
        ),
        Example(
            "never", "Never ordered", "Contacts that can be written to and have not bought anything yet.",
            _all(_never("order"), _REACHED),
        ),
        Example(
            "visited", "Visited and did not order", "They were on your sites in the last 30 days and did not order.",
            _all(_field("visit.last", "within", "30"), _never("order", _MONTH)),
        ),
        Example(
            "asleep", "Reads nothing", "Sent three messages or more in the last 90 days, and read none of them.",
            _all(_did("sent", least=3, period=_QUARTER), _never("read", _QUARTER)),
        ),
        Example(
            "unconfirmed", "E-mail not confirmed", "They signed up and did not confirm. Messages wait until they do.",
            _all(_field("email_status", "is", "not_confirmed")),
        ),
        Example(
            "bounced", "Messages not delivered", "A message to them was not delivered in the last 90 days.",
            _all(_did("undelivered", period=_QUARTER)),
        ),
        Example(
            "unreachable", "Cannot be written to", "Neither their e-mail address nor their phone number is active.",
            Group("none", (_REACHED, _field("phone_status", "is", "active"))),
        ),
    )
}  # fmt: skip


def count(example: Example) -> Figure:
    """How many contacts match now: exact, or estimated where that would take long."""
    return rule_counts.count(rule_form.validate(rule_form.of_rule(example.rule), compiler.context())).total
