"""What uses a source: the apps above say so in settings.EXTENSIONS["source_usage"]."""

from typing import NamedTuple

from contacts import extensions


class Use(NamedTuple):
    """One thing that uses a source: of which kind, its name, and the address of its page."""

    kind: str
    name: str
    url: str


def uses(source_id: int) -> list[Use]:
    """Everything that a source cannot be removed for."""
    return [Use(*use) for users in extensions.source_usage().values() for use in users(source_id)]
