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
    found = Lookalike.objects.filter(archived_at=None, seed_kind=kind, seed_id=pk).order_by("name", "pk")
    return [(KIND, one.name, reverse("audiences:lookalike", args=[one.pk])) for one in found]


def of_source(source_id: int) -> list[tuple[str, str, str]]:
    """The lookalikes that a source cannot be removed for (contacts.extensions.source_usage)."""
    return of_list("source", source_id)


def of_segments(segment_ids: Sequence[int]) -> list[tuple[int, str, str, str, bool]]:
    """(segment, kind, name, address, True) of each lookalike of the segments (contacts.extensions.segment_usage)."""
    return [(pk, *used, True) for pk in segment_ids for used in of_list("segment", pk)]


def of_audiences(audience_ids: Sequence[int]) -> list[tuple[int, str, str, str]]:
    """(audience, kind, name, address) of each lookalike of the audiences (contacts.extensions.audience_usage)."""
    return [(pk, *used) for pk in audience_ids for used in of_list("audience", pk)]
