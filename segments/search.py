"""Rules as a filter of the lists of contacts (contacts.listing.rule_filter): the smart search."""

from django.db.models import Q

from segments import compiler, rules, words
from segments.models import Segment
from segments.rules import RuleError


def condition(text: str) -> Q:
    """The contacts that a rule in an address means. One that cannot be read means nobody: left out, it would mean all."""
    try:
        return compiler.compile_rule(rules.loads(text))
    except RuleError:
        return compiler.NOBODY


def phrases(text: str) -> list[str]:
    """The rule in words, part by part; empty when it cannot be read."""
    try:
        rule = rules.loads(text)
        compiler.compile_rule(rule)
        return words.phrases(rule)
    except RuleError:
        return []


def problem(segment: Segment) -> str:
    """Why the rule of a dynamic segment means nobody any more, in words; empty when it can be read."""
    try:
        compiler.compile_rule(rules.parse(segment.rule), compiler.context(inside=segment.pk))
    except RuleError as found:
        return found.why
    return ""
