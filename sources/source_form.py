"""The form of a new source, and of what can be changed of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.parse import parse_id, parse_ids
from segments.models import Segment
from sources.models import Origin, SourceType, Target
from tracking.funnel import Stage
from tracking.models import Site

MOST_SEGMENTS = 50


@dataclass
class SourceForm:
    """What somebody has entered; `errors` has a sentence by field."""

    name: str = ""
    type: str = SourceType.CUSTOMERS
    target: str = Target.PEOPLE
    description: str = ""
    origin: str = Origin.FILE
    segments: list[int] = field(default_factory=list)
    site: int | None = None
    stages: list[int] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, posted: Any) -> "SourceForm":
        """The form as it was sent, checked."""
        described = _described(posted)
        form = cls(
            name=described["name"],
            type=described["type"],
            target=described["target"],
            description=described["description"],
            origin=posted.get("origin", ""),
            segments=parse_ids(posted.getlist("segment"))[: MOST_SEGMENTS + 1],
            site=parse_id(posted.get("site", "")),
            stages=sorted({stage for stage in parse_ids(posted.getlist("stage")) if stage in STAGES}),
        )
        form.errors = _wrong(form.name, form.type, form.target)
        if form.origin not in Origin.values:
            form.errors["origin"] = "Choose where the contacts come from."
        elif form.origin == Origin.SEGMENTS:
            form._check_segments()
        elif form.origin == Origin.VISITORS and form.site and not Site.objects.filter(pk=form.site).exists():
            form.errors["site"] = "This site no longer exists. Choose another one."
        return form

    def _check_segments(self) -> None:
        known = set(Segment.objects.present().filter(pk__in=self.segments).values_list("pk", flat=True))
        if not self.segments:
            self.errors["segments"] = "Choose at least one segment."
        elif len(self.segments) > MOST_SEGMENTS:
            self.errors["segments"] = f"Choose up to {MOST_SEGMENTS} segments."
        elif known != set(self.segments):
            self.errors["segments"] = "One of these segments no longer exists. Choose again."

    def values(self) -> dict[str, Any]:
        """What is stored of a new source."""
        own: dict[str, Any] = {"segments": [], "site_id": None, "stages": []}
        if self.origin == Origin.SEGMENTS:
            own["segments"] = sorted(set(self.segments))
        elif self.origin == Origin.VISITORS:
            own |= {"site_id": self.site, "stages": self.stages}
        described = {name: getattr(self, name) for name in ("name", "type", "target", "description")}
        return {**described, "origin": self.origin, **own}


# How far visitors got: number → name.
STAGES: dict[int, str] = {int(value): str(label) for value, label in Stage.choices}


def changed(posted: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(values, errors) of the form that changes name, type, target and description."""
    values = _described(posted)
    return values, _wrong(values["name"], values["type"], values["target"])


def _described(posted: Mapping[str, str]) -> dict[str, str]:
    cut = {"name": 120, "description": 300}
    texts = {name: posted.get(name, "").replace("\x00", "").strip()[:size] for name, size in cut.items()}
    return {**texts, "type": posted.get("type", ""), "target": posted.get("target", "")}


def _wrong(name: str, type_: str, target: str) -> dict[str, str]:
    errors = {}
    if not name:
        errors["name"] = "Enter a name, for example Customers of 2026."
    if type_ not in SourceType.values:
        errors["type"] = "Choose what these contacts have in common."
    if target not in Target.values:
        errors["target"] = "Choose people or companies."
    return errors
