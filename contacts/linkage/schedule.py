"""Starting searches for probable duplicates and deciding on what they find. Nothing here needs the parts that compare."""

from django.utils import timezone

from contacts import change_queue
from contacts.linkage.normalize import VERSION
from contacts.models import Contact, Decision, ProbablePair, ProbableSearch, SearchState
from tenants import audit, pending_work
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant
from tenants.tasks import defer

WAKE, TASK = "probable", "contacts.linkage"


def start(*, user_id: int | None) -> ProbableSearch:
    """Start a search, or find the one that is under way."""
    active: ProbableSearch | None = ProbableSearch.objects.filter(state__in=ProbableSearch.ACTIVE).first()
    if active is not None:
        return active
    last = ProbableSearch.objects.filter(state=SearchState.DONE).order_by("-pk").first()
    # Keys of an older version cannot be compared with today's: then all are written again.
    current = last is not None and last.model.get("version") == VERSION
    since = last.created_at if last is not None and current else None
    search: ProbableSearch = ProbableSearch.objects.create(since=since, created_by_id=user_id)
    if user_id is not None:
        audit.record("probable.search", user_id=user_id, target=f"search {search.pk}")
    send(search.pk)
    return search


def send(search_id: int) -> None:
    """Tell a worker, once the transaction has committed."""
    pending_work.mark_pending(WAKE)
    defer(TASK, tenant_id=current_tenant(), search_id=search_id)


def wake_active(tenant_id: int) -> None:
    """Tell workers about the search of a workspace that is under way; forget the workspace when there is none."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        active = list(ProbableSearch.objects.filter(state__in=ProbableSearch.ACTIVE).values_list("pk", flat=True))
        if not active:
            pending_work.clear_pending(WAKE, seen_at=seen_at)
        for search_id in active:
            defer(TASK, tenant_id=tenant_id, search_id=search_id)


def nightly() -> None:
    """Start a search in each workspace that has had one before and whose contacts have changed since."""
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            last = ProbableSearch.objects.order_by("-pk").first()
            if last is not None and Contact.objects.filter(changed_at__gte=last.created_at).exists():
                start(user_id=None)


def decide(group_id: int, decision: str, *, user_id: int) -> int:
    """Say of all pairs of a group that they are not one person, or put them off, or open them again; returns how many."""
    pairs = ProbablePair.objects.filter(group_id=group_id)
    changed = pairs.update(decision=decision, decided_by_id=user_id, decided_at=timezone.now())
    if changed:
        change_queue.add({pk for pair in pairs.values_list("low_id", "high_id") for pk in pair}, "duplicate")
        said = Decision(decision).label
        audit.record("probable.decided", user_id=user_id, target=f"group of contact {group_id}", decision=said)
    return int(changed)
