"""What waits and runs in all workspaces together, in figures: taken every ten seconds by a task, kept in Valkey.

It opens the workspaces that have said that they have work (`wake`), one after another, each in a context of its own: no
policy is passed by. The figures are sums that name no workspace; metrics, health and the operators' part of the page read
them.
"""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import redis
from django.db import connection
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from contacts.models import QueuedChange
from core.broker import broker
from imports import phases
from imports.models import Import, Phase, Unit
from imports.results.progress import STUCK_AFTER
from tenants import outbox
from tenants.isolation.context import tenant_context
from tenants.models import Outbox, PendingWork

KEY = "cdp:sample"
# A sample that is older says that nobody takes samples.
OLD_AFTER = 30.0
MOST_CHANGES = 100_000
SEGMENT_KINDS = {"segments"}


@dataclass
class Sample:
    """Sums over all workspaces; `at` in seconds since 1970. Ages are in seconds."""

    at: float = 0.0
    imports: dict[str, int] = field(default_factory=dict)  # by phase, those that have not ended
    stuck: int = 0
    oldest_waiting: float = 0.0  # of imports that nobody works on and no person holds up
    mails_waiting: int = 0
    mails_failed: int = 0
    oldest_mail: float = 0.0
    changes_waiting: int = 0  # contacts that segments have to look at
    pending: dict[str, int] = field(default_factory=dict)  # workspaces with work, by kind
    database_bytes: int | None = None
    seconds: float = 0.0  # that taking it took

    def is_old(self, now: float) -> bool:
        return now - self.at > OLD_AFTER


def take() -> Sample:
    """Look at all workspaces with work and keep what is found."""
    began, sample = time.monotonic(), Sample(at=time.time())
    by_tenant: dict[int, set[str]] = {}
    for tenant_id, kind in PendingWork.objects.values_list("tenant_id", "kind"):
        by_tenant.setdefault(tenant_id, set()).add(kind)
    sample.pending = dict(Counter(kind for kinds in by_tenant.values() for kind in kinds))
    phases_found: Counter[str] = Counter()
    for tenant_id, kinds in by_tenant.items():
        with tenant_context(tenant_id, read_only=True):
            if "imports" in kinds:
                phases_found += _imports(sample)
            if "outbox" in kinds:
                _mails(sample)
            if kinds & SEGMENT_KINDS:
                sample.changes_waiting += QueuedChange.objects.all()[:MOST_CHANGES].count()
    sample.imports = dict(phases_found)
    sample.database_bytes = _database_bytes()
    sample.seconds = round(time.monotonic() - began, 3)
    broker().set(KEY, json.dumps(asdict(sample)))
    return sample


def latest() -> Sample:
    """The sample taken last; an empty one of 1970 when there is none. Raises redis.RedisError."""
    stored: Any = broker().get(KEY)
    return Sample(**json.loads(stored)) if stored else Sample()


def _database_bytes() -> int:
    """The size of the database. The server looks at each of its files, so it is asked seldom."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _imports(sample: Sample) -> Counter[str]:
    now = timezone.now()
    under_way = Import.objects.exclude(phase=Phase.DONE)
    found = Counter({row["phase"]: row["n"] for row in under_way.values("phase").annotate(n=Count("pk"))})
    active = list(under_way.exclude(phase__in=phases.WAITING).values_list("pk", "phase", "phase_at"))
    if active:
        signs = _last_signs([pk for pk, *_rest in active])
        ages = {pk: (now - max(at, signs.get(pk, at))) for pk, _phase, at in active}
        waiting = [age.total_seconds() for age in ages.values()]
        sample.oldest_waiting = max(sample.oldest_waiting, *waiting)
        sample.stuck += sum(ages[pk] > STUCK_AFTER and phase != Phase.QUEUED for pk, phase, _at in active)
    return found


def _last_signs(imports: list[int]) -> dict[int, Any]:
    """When a worker was seen at each import last: when it took up a unit, or was done with one."""
    units = Unit.objects.filter(import_id__in=imports).values("import_id")
    rows = units.annotate(claimed=Max("claimed_at"), ended=Max("done_at"))
    signs = {row["import_id"]: [at for at in (row["claimed"], row["ended"]) if at] for row in rows}
    return {import_id: max(found) for import_id, found in signs.items() if found}


def _mails(sample: Sample) -> None:
    tries = Q(attempts__lt=outbox.MAX_ATTEMPTS)
    row = Outbox.objects.filter(sent_at=None).aggregate(
        waiting=Count("pk", filter=tries), failed=Count("pk", filter=~tries), oldest=Min("created_at", filter=tries)
    )
    sample.mails_waiting += row["waiting"]
    sample.mails_failed += row["failed"]
    if row["oldest"]:
        sample.oldest_mail = max(sample.oldest_mail, (timezone.now() - row["oldest"]).total_seconds())


def latest_or_none() -> Sample | None:
    """As `latest`; None while the broker is away."""
    try:
        return latest()
    except redis.RedisError:
        return None
