"""People who were erased for good: remembered by keyed digests of their identifiers, so that nothing brings them back."""

from collections.abc import Iterable

from django.conf import settings

from contacts.identity import suppression_digest
from contacts.models import Suppression


def holds(kind: str, value: str) -> bool:
    """Whether the identifier belonged to somebody who was erased."""
    digest = suppression_digest(kind, value, key=settings.SECRET_KEY)
    return bool(Suppression.objects.filter(kind=kind, digest=digest).exists())


def add(identifiers: Iterable[tuple[str, str]]) -> int:
    """Remember identifiers (kind, normal form); returns how many."""
    rows = [
        Suppression(kind=kind, digest=suppression_digest(kind, value, key=settings.SECRET_KEY))
        for kind, value in identifiers
    ]
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def lift(kind: str, value: str) -> None:
    """The person has come back by themselves, and has proved that the address is theirs."""
    Suppression.objects.filter(kind=kind, digest=suppression_digest(kind, value, key=settings.SECRET_KEY)).delete()
