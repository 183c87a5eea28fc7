"""The names by which imports say where data came from: API endpoints, touchpoints, source actions."""

from tracking.models import SourceName

Kind = SourceName.Kind
MAX_NAMES = 500


def names() -> dict[str, dict[str, str]]:
    """Kind → name in small letters → name as it is written, of those that are in use."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in Kind.values}
    for kind, name in SourceName.objects.filter(archived_at=None).values_list("kind", "name"):
        found[kind][name.casefold()] = name
    return found


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
    found = SourceName.objects.filter(kind=Kind.ENDPOINT, name=endpoint).values_list("touchpoint", flat=True).first()
    return str(found or "")
