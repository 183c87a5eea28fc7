"""What uses segments: rules of other segments, and whatever the apps above name in settings.EXTENSIONS["segment_usage"]."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.urls import reverse

from contacts import extensions
from segments.models import Segment
from segments.rules import dependencies, tree
from segments.rules.tree import RuleError

RULE = "Rule of a segment"


class Use(NamedTuple):
    """One thing that uses a segment: of which kind, its name, the address of its page, and whether the segment cannot be
    deleted as long as it does."""

    kind: str
    name: str
    url: str
    holds: bool


def uses(segment_ids: Iterable[int]) -> dict[int, list[Use]]:
    """What uses each of the segments; one that nothing uses has an empty list."""
    ids = list(segment_ids)
    found: dict[int, list[Use]] = {pk: [] for pk in ids}
    for users in extensions.segment_usage().values():
        for segment_id, kind, name, url, holds in users(ids):
            found[segment_id].append(Use(kind, name, url, holds))
    return found


def of_rules(segment_ids: Sequence[int]) -> list[tuple[int, str, str, str, bool]]:
    """Dynamic segments whose rules name the segments (contacts.extensions)."""
    return [
        (segment_id, RULE, asking.name, reverse("segments:detail", args=[asking.pk]), False)
        for segment_id, asking in _naming(segment_ids)
    ]


def naming(segment_id: int) -> list[Segment]:
    """The dynamic segments whose rules name a segment, and those that name these, and so on; by name."""
    by_segment = _rules()
    found: dict[int, Segment] = {}
    waiting = [segment_id]
    while waiting:
        for asking in by_segment.get(waiting.pop(), []):
            if asking.pk not in found and asking.pk != segment_id:
                found[asking.pk] = asking
                waiting.append(asking.pk)
    return sorted(found.values(), key=lambda segment: segment.name)


def of_source(source_id: int) -> list[tuple[str, str, str]]:
    """Dynamic segments whose rules name a source, so that it cannot be removed (contacts.extensions.source_usage)."""
    found = []
    for segment in Segment.objects.dynamic().order_by("name"):
        try:
            named = dependencies.lists_in(tree.parse(segment.rule), "source")
        except RuleError:
            continue  # its own page says that its rule cannot be read
        if source_id in named:
            found.append((RULE, segment.name, reverse("segments:detail", args=[segment.pk])))
    return found


def _naming(segment_ids: Sequence[int]) -> list[tuple[int, Segment]]:
    by_segment = _rules()
    return [(pk, asking) for pk in segment_ids for asking in by_segment.get(pk, [])]


def _rules() -> dict[int, list[Segment]]:
    """Segment → the present dynamic segments whose rules name it themselves."""
    asking: dict[int, list[Segment]] = defaultdict(list)
    for segment in Segment.objects.dynamic().order_by("name"):
        try:
            named = dependencies.depends_on(tree.parse(segment.rule))
        except RuleError:
            continue  # its own page says that its rule cannot be read
        for pk in named:
            asking[pk].append(segment)
    return asking
