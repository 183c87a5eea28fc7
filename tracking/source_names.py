"""The names by which imports say where data came from: API endpoints, touchpoints, source actions."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from tracking.models import SourceName

Kind = SourceName.Kind
MAX_NAMES = 500


def names() -> dict[str, dict[str, str]]:
    """Kind → name in small letters → name as it is written, of those that are in use."""
    by_kind: dict[str, dict[str, str]] = {kind: {} for kind in Kind.values}
    for kind, name in SourceName.objects.filter(archived_at=None).values_list("kind", "name"):
        by_kind[kind][name.casefold()] = name
    return by_kind


def ensure(kind: str, name: str) -> SourceName:
    """The name of that kind, made when it does not exist; an archived one comes back into use."""
    made: SourceName
    made, new = SourceName.objects.get_or_create(kind=kind, name=name)
    if not new and made.archived_at:
        made.archived_at = None
        made.save(update_fields=["archived_at"])
    return made


def touchpoint_of(endpoint: str) -> str:
    """The touchpoint that is meant by an endpoint; empty when it has none."""
    touchpoint = (
        SourceName.objects.filter(kind=Kind.ENDPOINT, name=endpoint).values_list("touchpoint", flat=True).first()
    )
    return str(touchpoint or "")


class NotPossible(ValueError):
    """A name that cannot be had; the sentence says why."""


def add(kind: str, name: str, *, touchpoint: str = "") -> SourceName:
    """A new name. Raises NotPossible when it is taken, in whatever capitals, or there are too many."""
    if SourceName.objects.filter(kind=kind).count() >= MAX_NAMES:
        raise NotPossible(f"The limit of {MAX_NAMES} names is reached. Rename one that you no longer use.")
    _check_free(kind, name)
    return _saved(SourceName(kind=kind, name=name, touchpoint=touchpoint if kind == Kind.ENDPOINT else ""))


def rename(source: SourceName, name: str, *, touchpoint: str = "") -> None:
    """Another name, and for an endpoint its touchpoint. Endpoints follow the touchpoint that they mean. What was
    imported before keeps the name of its time. Raises NotPossible."""
    _check_free(source.kind, name, but=source.pk)
    before, source.name = source.name, name
    source.touchpoint = touchpoint if source.kind == Kind.ENDPOINT else ""
    _saved(source)
    if source.kind == Kind.TOUCHPOINT:
        SourceName.objects.filter(kind=Kind.ENDPOINT, touchpoint=before).update(touchpoint=name)


def archive(source: SourceName, *, away: bool) -> bool:
    """Archive a name, or take it back into use; False when it was so before."""
    rows = SourceName.objects.filter(pk=source.pk, archived_at__isnull=away)
    return bool(rows.update(archived_at=timezone.now() if away else None))


def _check_free(kind: str, name: str, *, but: int | None = None) -> None:
    for taken in SourceName.objects.filter(kind=kind).exclude(pk=but):
        if taken.name.casefold() == name.casefold():
            more = " It is archived. Restore it instead." if taken.archived_at else ""
            raise NotPossible(f"“{taken.name}” already exists.{more}")


def _saved(source: SourceName) -> SourceName:
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError:
        raise NotPossible(f"“{source.name}” already exists.") from None
    return source
