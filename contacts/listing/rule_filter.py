"""What narrows a list beyond status and search box: a rule, read by an app further up (contacts.extensions)."""

from django.db.models import Q

from contacts import extensions

MAX_LENGTH = 6_000


def rule_q(rule: str) -> Q:
    """The contacts that a rule means; without one all, with one that cannot be read nobody."""
    return extensions.rule_reader().condition(rule) if rule else Q()


def phrases(rule: str) -> list[str]:
    """A rule in words, part by part; empty when it cannot be read."""
    return extensions.rule_reader().phrases(rule) if rule else []
