"""The settings of an import, as they are stored, shown and given on the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contacts.identity.resolver import Policy
from contacts.values import dates, vocabulary
from contacts.values.parsers import BadValue
from imports.cleaning import row_settings

CHOICES: dict[str, tuple[str, ...]] = {
    "task": tuple(row_settings.TASKS),
    "mode": ("create_and_update", "create_only", "update_only"),
    "existing": ("overwrite", "only_empty"),
    "blank": ("keep", "clear"),
    "duplicates": ("last", "first", "error"),
    "bad_value": ("error", "drop"),
    "deleted": ("skip", "restore"),
    "identify_by": ("all", "external_id", "email", "phone"),
    "consent": ("stricter", "file"),
}
# Settings that can wake people who had gone: they need the permission `imports.revive` and a confirmation of their own.
REVIVING = {"deleted": "restore", "consent": "file"}
MAX_NAME, MAX_SEGMENTS = row_settings.MAX_NAME, 20
# What data came through when nobody says otherwise.
ADMIN_PANEL = "Admin panel"


class BadOption(ValueError):
    """A setting that does not exist, or a value that it cannot have."""


@dataclass(frozen=True)
class Options:
    """What the person chose.

    `identify_by` narrows what says who a row is to the external ID, or to it and one other. `country` is the region of
    phones without +, `zone` that of times without one (empty: the workspace's); `segments` name static segments.
    `endpoint`, `touchpoint` and the source actions say where the data came from and what its people did, at `happened`
    (ISO 8601, or empty for the time of the import); `event_name` names the events of a file without such a column. An
    empty touchpoint is that of the endpoint.
    """

    task: str = "contacts"
    mode: str = "create_and_update"
    existing: str = "overwrite"
    blank: str = "keep"
    duplicates: str = "last"
    bad_value: str = "error"
    identify_by: str = "all"
    deleted: str = "skip"
    consent: str = "stricter"
    country: str = ""
    zone: str = ""
    segments: tuple[str, ...] = ()
    endpoint: str = ADMIN_PANEL
    touchpoint: str = ""
    action_created: str = ""
    action_existing: str = ""
    happened: str = ""
    event_name: str = ""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Options from names and values. Raises BadOption with a sentence that names the value and what is possible."""
        names = set(cls.__dataclass_fields__) - {"segments"}
        given = {name: str(values[name]).strip() for name in names if name in values}
        known = {name: value for name, value in given.items() if value}
        for name, allowed in CHOICES.items():
            if name in known and known[name] not in allowed:
                raise BadOption(f"{name}={known[name]} is not allowed. Choose one of: {', '.join(allowed)}.")
        _check_places(known)
        known["country"] = known.get("country", "")
        known["happened"] = _moment(known.get("happened", ""), known.get("zone", ""))
        for name in ("endpoint", "touchpoint", "action_created", "action_existing", "event_name"):
            if len(known.get(name, "")) > MAX_NAME:
                raise BadOption(f"{name} can have at most {MAX_NAME} characters.")
        return cls(**known, segments=_segments(values))

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"segments": list(self.segments)}

    @property
    def revives(self) -> bool:
        """Whether people who had gone could come back by this import."""
        return any(getattr(self, name) == value for name, value in REVIVING.items())

    def source_names(self) -> dict[str, set[str]]:
        """Names by kind (tracking.models.SourceName) that the settings use."""
        by_kind = {
            "endpoint": {self.endpoint},
            "touchpoint": {self.touchpoint},
            "action": {self.action_created, self.action_existing},
        }
        return {kind: names - {""} for kind, names in by_kind.items()}

    def identifiers(self, workspace_order: str) -> tuple[str, ...]:
        """What says who a row is, strongest first. The external ID always does: no two contacts may have the same one."""
        order = workspace_order.split(",")
        used = [name for name in order if name in ("external_id", self.identify_by) or self.identify_by == "all"]
        return tuple(used if "external_id" in used else ["external_id", *used])

    def policy(self, identifiers: Sequence[str], *, settings: bool, chosen: bool) -> Policy:
        """The part that decides what happens to contacts."""
        return Policy(
            mode=self.mode,  # type: ignore[arg-type]
            existing=self.existing,  # type: ignore[arg-type]
            blank=self.blank,  # type: ignore[arg-type]
            duplicates=self.duplicates,  # type: ignore[arg-type]
            deleted=self.deleted,  # type: ignore[arg-type]
            consent=self.consent,  # type: ignore[arg-type]
            identifiers=identifiers,
            settings=settings,
            chosen=chosen,
        )


def _check_places(known: dict[str, str]) -> None:
    country, zone = known.get("country", ""), known.get("zone", "")
    if country:
        code = vocabulary.country(country.upper()) or vocabulary.country(country)
        if code is None:
            raise BadOption(f"country={country} is not a country: write a two-letter code such as GB, or its name.")
        known["country"] = code
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadOption(f"zone={zone} is not a time zone such as Europe/Riga.") from None


def _moment(text: str, zone: str) -> str:
    if not text:
        return ""
    try:
        moment: datetime = dates.read_moment(text)
        return dates.utc(moment, zone)
    except BadValue:
        raise BadOption(f"happened={text} is not a date or time such as 2024-05-31 or 2024-05-31T10:00Z.") from None


def _segments(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Names from `segments` (a list), and from `segment` (one name, or a list) as the command line and old imports have
    them."""
    segments: list[str] = []
    for name in ("segments", "segment"):
        given = values.get(name) or []
        segments += [given] if isinstance(given, str) else given
    names = tuple(dict.fromkeys(name.strip() for name in segments if name.strip()))
    if len(names) > MAX_SEGMENTS:
        raise BadOption(f"{len(names)} segments are too many. The limit is {MAX_SEGMENTS}.")
    if any(len(name) > MAX_NAME for name in names):
        raise BadOption(f"A segment name can have at most {MAX_NAME} characters.")
    return names
