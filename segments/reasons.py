"""Why a contact entered or left a dynamic segment: the conditions that decided it, in words.

What a contact was before is not stored. Of the conditions that speak for what happened now, those count that the change can
have touched: an order does not change a city. Where none remains, all that speak for it are named.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from contacts.models import Contact
from segments.rules import compiler, dependencies, rule_text, schedule
from segments.rules.compiler import Context
from segments.rules.tree import Group, Node

# Contacts of one change that are explained, conditions that are named of each.
MOST, NAMED = 2_000, 3
DELETED = "The contact was deleted"
# A group of causes in a rule (segments.rules.dependencies) → what queues contacts for it (contacts.change_queue).
QUEUED_BY: Mapping[str, frozenset[str]] = {
    "contact": frozenset({"contact"}),
    "visit": frozenset({"visit"}),
    "event": frozenset({"visit", "event"}),
    "event:order": frozenset({"visit", "event"}),
    "event:action": frozenset({"event"}),
    "message": frozenset({"event"}),
    "segment": frozenset({"segment"}),
    "source": frozenset({"source"}),
    "lookalike": frozenset({"lookalike"}),
    "import": frozenset({"import"}),
    "duplicate": frozenset({"duplicate"}),
}


def queued_by(node: Node) -> frozenset[str]:
    """The kinds of changes after which a condition, or a group of them, has to be looked at."""
    return frozenset().union(*(QUEUED_BY[cause] for cause in dependencies.causes(node)))


def explain(
    rule: Group,
    *,
    entered: Collection[int],
    left: Collection[int],
    causes: Mapping[int, Collection[str]],
    scope: Context,
) -> dict[int, str]:
    """Contact → why it entered or left, for the first MOST of them; `causes` says, by contact, what has changed."""
    ids = [*entered, *left][:MOST]
    if not ids:
        return {}
    alone = replace(scope, of=ids)
    contacts = Contact.objects.filter(pk__in=ids)
    living = set(contacts.filter(deleted_at=None).values_list("pk", flat=True))
    decided: dict[int, list[str]] = defaultdict(list)
    others: dict[int, list[str]] = defaultdict(list)
    inside = set(entered)
    leaves = dependencies.leaves(rule)
    phrases = rule_text.phrases(Group("all", tuple(leaf for _path, leaf, _positive in leaves)))
    for (_path, leaf, positive), words in zip(leaves, phrases, strict=True):
        holds = set(contacts.filter(compiler.compile_part(leaf, alone)).values_list("pk", flat=True))
        touched = _touched_by(leaf)
        for pk in ids:
            # Below “none of” a condition speaks for a contact when it does not hold.
            if ((pk in holds) == positive) == (pk in inside):
                chosen = decided if touched & set(causes.get(pk, ())) else others
                chosen[pk].append(words if pk in holds else f"no longer: {words}")
    gone = {pk: DELETED for pk in ids if pk not in inside and pk not in living}
    return {pk: gone.get(pk) or _joined(decided[pk] or others[pk]) for pk in ids}


def _touched_by(leaf: Node) -> frozenset[str]:
    needs = schedule.needs(leaf)
    return queued_by(leaf) | ({"time"} if needs.midnight or needs.windows else frozenset())


def _joined(parts: Sequence[str]) -> str:
    more = len(parts) - NAMED
    return "; ".join(parts[:NAMED]) + (f"; and {more} more" if more > 0 else "")
