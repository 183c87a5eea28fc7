"""Rules as a filter of the lists of contacts (contacts.listing.rule_filter): the smart search."""

from django.db.models import Q

from segments.models import Segment
from segments.rules import compiler, rule_text, tree
from segments.rules.tree import RuleError


def condition(text: str) -> Q:
    """The contacts that a rule in an address means. One that cannot be read means nobody: left out, it would mean all."""
    try:
        return compiler.compile_rule(tree.loads(text))
    except RuleError:
        return compiler.NOBODY


def phrases(text: str) -> list[str]:
    """The rule in words, part by part; empty when it cannot be read."""
    try:
        rule = tree.loads(text)
        compiler.compile_rule(rule)
        return rule_text.phrases(rule)
    except RuleError:
        return []


def problem(segment: Segment) -> str:
    """Why the rule of a dynamic segment means nobody any more, in words; empty when it can be read."""
    try:
        compiler.compile_rule(tree.parse(segment.rule), compiler.context(inside=segment.pk))
    except RuleError as error:
        return error.why
    return ""
