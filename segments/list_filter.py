"""Rules as a filter of the lists of contacts (contacts.listing.rule_filter): the smart search."""

from django.db.models import Q

from segments.models import Segment
from segments.rules import compiler, rule_text, tree
from segments.rules.tree import RuleError


def compiled(text: str) -> tuple[Q, list[str]]:
    """The contacts that a rule in an address means, and the rule in words, part by part. One that cannot be read means
    nobody and has no words: left out, it would mean all."""
    try:
        rule = tree.loads(text)
        return compiler.compile_rule(rule), rule_text.phrases(rule)
    except RuleError:
        return compiler.NOBODY, []


def problem(segment: Segment) -> str:
    """Why the rule of a dynamic segment means nobody any more, in words; empty when it can be read."""
    try:
        compiler.compile_rule(tree.parse(segment.rule), compiler.context(inside=segment.pk))
    except RuleError as error:
        return error.why
    return ""
