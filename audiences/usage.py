"""What uses what: audiences use sources, segments and lookalikes; what uses audiences says so in
settings.EXTENSIONS["audience_usage"]."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.urls import reverse

from audiences.models import Audience
from contacts import extensions

KIND = "Audience"


class Use(NamedTuple):
    """One thing that uses an audience: of which kind, its name, and the address of its page."""

    kind: str
    name: str
    url: str


def uses(audience_ids: Collection[int]) -> dict[int, list[Use]]:
    """What uses each of the audiences, so that they cannot be deleted."""
    ids = list(audience_ids)
    found: dict[int, list[Use]] = {pk: [] for pk in ids}
    for users in extensions.audience_usage().values():
        for audience_id, kind, name, url in users(ids):
            found[audience_id].append(Use(kind, name, url))
    return found


def of_segments(segment_ids: Sequence[int]) -> list[tuple[int, str, str, str, bool]]:
    """(segment, kind, name, address, True) of each audience that names a segment, which cannot be deleted for it."""
    return [(pk, KIND, audience.name, _url(audience), True) for pk, audience in _naming("segment", segment_ids)]


def of_source(source_id: int) -> list[tuple[str, str, str]]:
    """(kind, name, address) of each audience that names a source."""
    return [(KIND, audience.name, _url(audience)) for _pk, audience in _naming("source", [source_id])]


def of_lookalike(lookalike_id: int) -> list[tuple[str, str, str]]:
    """(kind, name, address) of each audience that names a lookalike."""
    return [(KIND, audience.name, _url(audience)) for _pk, audience in _naming("lookalike", [lookalike_id])]


def _naming(kind: str, ids: Sequence[int]) -> list[tuple[int, Audience]]:
    wanted = set(ids)
    found = []
    for audience in Audience.objects.filter(archived_at=None).order_by("name", "pk"):
        said = audience.definition
        named = {one[1] for side in ("include", "exclude") for one in said.get(side, []) if one[0] == kind}
        found += [(pk, audience) for pk in sorted(wanted & named)]
    return found


def _url(audience: Audience) -> str:
    return reverse("audiences:detail", args=[audience.pk])
