"""What uses a lookalike, and which lookalikes use a source, a segment or an audience (contacts.extensions)."""

from collections.abc import Sequence
from typing import NamedTuple

from django.urls import reverse

from audiences import usage
from audiences.models import Audience, Lookalike
from contacts import extensions
from segments.models import Segment
from segments.rules import dependencies, tree
from segments.rules.tree import RuleError

KIND = "Lookalike"


class Use(NamedTuple):
    """One thing that uses a lookalike: of which kind, its name, and the address of its page."""

    kind: str
    name: str
    url: str


def uses(lookalike_id: int) -> list[Use]:
    """Everything that a lookalike cannot be deleted for: audiences, segments whose rules name it, data syncs."""
    found = [Use(*one) for one in usage.of_lookalike(lookalike_id)]
    hidden = set(Audience.objects.values_list("segment_id", flat=True))
    for segment in Segment.objects.dynamic().exclude(pk__in=hidden).order_by("name"):
        try:
            named = dependencies.lists_in(tree.parse(segment.rule), "lookalike")
        except RuleError:
            continue  # its own page says that its rule cannot be read
        if lookalike_id in named:
            found.append(Use("Rule of a segment", segment.name, reverse("segments:detail", args=[segment.pk])))
    return [
        *found,
        *(Use(*use) for users in extensions.list_usage().values() for use in users("lookalike", lookalike_id)),
    ]


def of_list(kind: str, pk: int) -> list[tuple[str, str, str]]:
    """(kind, name, address) of each lookalike that resembles a list: without it there would be nobody to resemble."""
    return [(word, name, url) for _pk, word, name, url in _of_lists(kind, [pk])]


def of_source(source_id: int) -> list[tuple[str, str, str]]:
    """The lookalikes that a source cannot be removed for (contacts.extensions.source_usage)."""
    return of_list("source", source_id)


def of_segments(segment_ids: Sequence[int]) -> list[tuple[int, str, str, str, bool]]:
    """(segment, kind, name, address, True) of each lookalike of the segments (contacts.extensions.segment_usage)."""
    return [(*used, True) for used in _of_lists("segment", segment_ids)]


def of_audiences(audience_ids: Sequence[int]) -> list[tuple[int, str, str, str]]:
    """(audience, kind, name, address) of each lookalike of the audiences (contacts.extensions.audience_usage)."""
    return _of_lists("audience", audience_ids)


def _of_lists(kind: str, list_ids: Sequence[int]) -> list[tuple[int, str, str, str]]:
    found = Lookalike.objects.filter(archived_at=None, seed_kind=kind, seed_id__in=list_ids).order_by("name", "pk")
    return [(one.seed_id, KIND, one.name, reverse("audiences:lookalike", args=[one.pk])) for one in found]
