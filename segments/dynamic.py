"""Dynamic segments: a rule with a name, which can be changed and given another one."""

from django.db import IntegrityError, transaction

from segments import refresh
from segments.models import Segment
from segments.rules import compiler, rule_text, tree
from segments.rules.tree import Group
from tenants import audit


class BadSegment(ValueError):
    """The argument is a sentence for the person."""


def save_dynamic_segment(rule: Group, name: str, *, user_id: int, segment: Segment | None = None) -> Segment:
    """Keep a rule as a new dynamic segment, or as that of a known one. Raises BadSegment, and RuleError for a rule that asks
    for its own segment or is too large."""
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > 120:
        raise BadSegment("Enter a name of up to 120 characters.")
    tree.check_size(rule)
    compiler.compile_rule(rule, compiler.context(inside=segment.pk if segment else None))
    before = (segment.name, rule_text.phrases(tree.parse(segment.rule))) if segment else (None, None)
    kept = segment or Segment()
    kept.name, kept.rule = name, tree.plain(rule)
    try:
        with transaction.atomic():
            if segment is None:
                kept.created_by_id = user_id
            kept.save(update_fields=["name", "rule"] if segment else None)
            refresh.begin(kept, rule_changed=True)
    except IntegrityError:
        raise BadSegment(f"The segment {name} already exists. Choose another name.") from None
    changed = {"name": [before[0], name], "rule": [_joined(before[1]), _joined(rule_text.phrases(rule))]}
    verb = "segment.changed" if segment else "segment.made"
    audit.record(verb, user_id=user_id, target=f"segment {kept.pk}", values=changed)
    return kept


def _joined(phrases: list[str] | None) -> str | None:
    return None if phrases is None else ", and ".join(phrases)
