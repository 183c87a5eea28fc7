"""Dynamic segments: a rule with a name, which can be changed and given another one."""

import json
from hashlib import sha256

from django.db import IntegrityError, transaction

from segments import refresh
from segments.models import Segment
from segments.rules import compiler, rule_text, tree
from segments.rules.tree import Group
from tenants import audit


class BadSegment(ValueError):
    """The argument is a sentence for the person."""


class ChangedSince(BadSegment):
    """Another member has changed the segment since the form was opened."""


def version_of(segment: Segment) -> str:
    """What tells a name and a rule from those that were there before."""
    return sha256(json.dumps([segment.name, segment.rule]).encode()).hexdigest()[:16]


def save_dynamic_segment(
    rule: Group, name: str, *, user_id: int, segment: Segment | None = None, seen: str | None = None
) -> Segment:
    """Keep a rule as a new dynamic segment, or as that of a known one. A new one that is there already, with the same name
    and the same rule, is that of a first click. `seen` is the version that the person saw.

    Raises BadSegment, ChangedSince, and RuleError for a rule that asks for its own segment or is too large.
    """
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > 120:
        raise BadSegment("Enter a name of up to 120 characters.")
    tree.check_size(rule)
    compiler.compile_rule(rule, compiler.context(inside=segment.pk if segment else None))
    if segment is not None:
        segment = Segment.objects.dynamic().select_for_update().get(pk=segment.pk)
        if seen is not None and seen != version_of(segment):
            raise ChangedSince(
                "A member changed this segment while you were editing it. Check your conditions and save again to replace "
                "the other version."
            )
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
        same: Segment | None = Segment.objects.dynamic().filter(name=name).first() if segment is None else None
        if same is not None and same.rule == tree.plain(rule):
            return same
        raise BadSegment(f"The segment {name} already exists. Choose another name.") from None
    changed = {"name": [before[0], name], "rule": [_joined(before[1]), _joined(rule_text.phrases(rule))]}
    verb = "segment.changed" if segment else "segment.made"
    audit.record(verb, user_id=user_id, target=f"segment {kept.pk}", values=changed)
    return kept


def _joined(phrases: list[str] | None) -> str | None:
    return None if phrases is None else ", and ".join(phrases)
