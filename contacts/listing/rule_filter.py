"""What narrows a list beyond status and search box: a rule, which an app further up knows how to read (settings.RULES)."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.db.models import Q

MAX_LENGTH = 6_000


def _rules() -> Any:
    return import_module(settings.RULES)


def rule_q(rule: str) -> Q:
    """The contacts that a rule means; without one all, with one that cannot be read nobody."""
    found: Q = _rules().condition(rule) if rule else Q()
    return found


def phrases(rule: str) -> list[str]:
    """A rule in words, part by part; empty when it cannot be read."""
    found: list[str] = _rules().phrases(rule) if rule else []
    return found
