"""Figures for Prometheus, worked out when they are asked for: from Valkey, the database and the disk, so it does not matter
which process answers. Labels are words of the code: no workspace, no person, no file.
"""

import time
from collections.abc import Iterator

import redis
from django.db import DatabaseError
from django.db.models import Count
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from core.counters import BUCKETS, Counters
from imports.models import Phase
from insights.models import Component, Incident
from insights.operations import diagnosis, jobs, machinery
from insights.operations.machinery import ROLES, Machinery
from tracking.pixel import inbox

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition() -> bytes:
    """All metrics as text. Never fails for a server that is away: its figures are then missing, and cdp_up says so."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(list(collect())))
    return generate_latest(registry)


class _Once:
    """A collector of what was worked out already."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> list[Metric]:
        return self._found


def collect() -> Iterator[Metric]:
    """Every metric."""
    found = machinery.look(statements=False)
    yield _by("cdp_up", "Whether a server answers.", "server", {"database": found.database, "broker": found.broker})
    yield from _servers(found)
    yield _by(
        "cdp_problems", "What is wrong now, by code (docs/alerts.md).", "code",
        {problem.code: 1 for problem in diagnosis.problems(found)},
    )  # fmt: skip
    yield from _incidents(found)
    if found.broker:
        yield from _programs(found)
        yield from _sample(found)
        try:
            yield from _counted()
        except redis.RedisError:
            return


def _servers(found: Machinery) -> Iterator[Metric]:
    yield _one("cdp_disk_free_bytes", "Free on the disk for files.", found.disk_free)
    yield _one("cdp_disk_bytes", "Size of the disk for files.", found.disk_bytes)
    yield _one("cdp_database_bytes", "Size of the database, some seconds ago.", found.database_bytes)
    if found.database:
        yield _one("cdp_database_connections", "Connections to the database.", found.connections)
        yield _one("cdp_database_connections_limit", "Connections that the database allows.", found.most_connections)
        yield _one("cdp_clock_difference_seconds", "How far the database's clock is ahead.", found.clock_difference)
    if found.replica:
        yield _one("cdp_replica_up", "Whether the read replica answers.", found.replica.up)
        yield _one("cdp_replica_lag_seconds", "How far it is behind at most.", found.replica.lag)


def _incidents(found: Machinery) -> Iterator[Metric]:
    if not found.database:
        return
    try:
        rows = dict(Incident.objects.filter(healed_at=None).values_list("component").annotate(n=Count("pk")).order_by())
    except DatabaseError:
        return
    yield _by(
        "cdp_incidents_open", "Incidents that are not over.", "component",
        {component.value: rows.get(component.value, 0) for component in Component},
    )  # fmt: skip


def _programs(found: Machinery) -> Iterator[Metric]:
    yield _by(
        "cdp_programs", "Processes that showed a sign of life just now.", "role",
        {role: len(found.living(role)) for role in ROLES},
    )  # fmt: skip
    yield _by(
        "cdp_queue_messages", "Messages of Celery: waiting, and taken by a worker.", "state",
        {"waiting": found.queued or 0, "taken": found.in_hand or 0},
    )  # fmt: skip
    yield _one("cdp_hits_waiting", "Hits of the pixel that are not stored yet.", found.hits_waiting)
    yield _one("cdp_hits_lag_seconds", "How long the oldest of them has waited.", found.hits_lag)


def _sample(found: Machinery) -> Iterator[Metric]:
    sample = found.sample
    if sample is None or not sample.at:
        return
    yield _one("cdp_sample_age_seconds", "Since the figures of all workspaces were taken.", time.time() - sample.at)
    yield _one("cdp_sample_seconds", "How long taking them took.", sample.seconds)
    under_way = [phase.value for phase in Phase if phase != Phase.DONE]
    yield _by(
        "cdp_imports", "Imports that have not ended, by phase.", "phase",
        {phase: sample.imports.get(phase, 0) for phase in under_way},
    )  # fmt: skip
    yield _one("cdp_imports_stuck", "Imports without a sign of life for a minute.", sample.stuck)
    yield _one(
        "cdp_imports_oldest_silent_seconds", "The longest silence of an import under way.", sample.oldest_waiting
    )
    yield _by(
        "cdp_mails", "E-mails that wait, and that were given up.", "state",
        {"waiting": sample.mails_waiting, "failed": sample.mails_failed},
    )  # fmt: skip
    yield _one("cdp_mails_oldest_seconds", "How long the oldest waiting e-mail has waited.", sample.oldest_mail)
    yield _one("cdp_segment_changes_waiting", "Contacts that segments have to look at.", sample.changes_waiting)
    yield _by(
        "cdp_workspaces_pending", "Workspaces with work of a kind.", "kind",
        {kind: sample.pending.get(kind, 0) for kind in ("imports", *jobs.LABELS)},
    )  # fmt: skip


def _counted() -> Iterator[Metric]:
    counters = Counters.read()
    yield _counter("cdp_hits_dropped", "Hits of the pixel that were refused, by reason.", "reason", inbox.all_drops())
    yield _counter("cdp_task_failures", "Tasks that ended with an error.", "task", counters.of("task_failures"))
    yield _counter(
        "cdp_job_failures", "Jobs of workspaces that failed: syncs, refreshes, bulk actions.", "kind",
        counters.of("job_failures"),
    )  # fmt: skip
    for name, help_text, label in (
        ("task_seconds", "How long tasks took.", "task"),
        ("task_wait", "How long messages waited for a worker, in seconds.", "queue"),
    ):
        family = HistogramMetricFamily(f"cdp_{name}", help_text, labels=[label])
        for value, durations in counters.durations(name).items():
            buckets = [(str(limit), n) for limit, n in zip(BUCKETS, durations.buckets, strict=True)]
            family.add_metric([value], [*buckets, ("+Inf", durations.count)], sum_value=durations.seconds)
        yield family


def _one(name: str, help_text: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(name, help_text)
    if value is not None:
        family.add_metric([], float(value))
    return family


def _by(name: str, help_text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], float(number))
    return family


def _counter(name: str, help_text: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, help_text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], float(number))
    return family
