"""What narrows a list beyond status and search box: a rule, read by an app further up (contacts.extensions)."""

from django.db.models import Q

from contacts import extensions

MAX_LENGTH = 6_000


def compiled(rule: str) -> tuple[Q, list[str]]:
    """The contacts that a rule means, and the rule in words, part by part; without one all contacts, with one that cannot be
    read nobody, both without words."""
    return extensions.rule_reader().compiled(rule) if rule else (Q(), [])
