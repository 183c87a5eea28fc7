"""Checks and metrics for programs: who may ask, what they are told, and that no label names anybody."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import OperationalError, connection
from django.test import Client, override_settings
from prometheus_client.parser import text_string_to_metric_families

from core import counters
from insights.operations import diagnosis, metrics, sample
from insights.operations.machinery import Machinery
from tests.cast import Actor
from tests.insights.operations.test_page import make
from tracking.pixel import inbox

ROOT = Path(__file__).resolve().parents[3]
OPEN = ("/health/live", "/health/ready")
GUARDED = ("/health/deep", "/metrics")


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def scrape() -> dict[str, Any]:
    sample.take()
    return families(metrics.exposition().decode())


@pytest.mark.parametrize("path", OPEN)
def test_anyone_may_ask_whether_it_lives(path: str) -> None:
    answer = Client().get(path, REMOTE_ADDR="203.0.113.5")
    assert answer.status_code == 200


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize(
    ("token", "address", "headers", "allowed"),
    [
        ("", "127.0.0.1", {}, True),
        ("", "::1", {}, True),
        ("", "203.0.113.5", {}, False),
        ("", "10.0.0.1", {}, False),
        ("", "127.0.0.1", {"X-Forwarded-For": "203.0.113.5"}, False),
        ("", "127.0.0.1", {"Forwarded": "for=203.0.113.5"}, False),
        ("", "", {}, False),
        ("secret", "127.0.0.1", {}, False),
        ("secret", "203.0.113.5", {"Authorization": "Bearer secret"}, True),
        ("secret", "203.0.113.5", {"Authorization": "Bearer secre"}, False),
        ("secret", "203.0.113.5", {"Authorization": "Bearer ü"}, False),
    ],
)
def test_figures_are_for_this_machine_or_for_a_token(
    path: str, token: str, address: str, headers: dict[str, str], allowed: bool
) -> None:
    with override_settings(METRICS_TOKEN=token):
        answer = Client().get(path, REMOTE_ADDR=address, headers=headers)
    assert (answer.status_code != 404) == allowed


def test_deep_says_what_is_wrong_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def __enter__(self) -> None:
            raise OperationalError("gone")

        def __exit__(self, *_: object) -> None:
            raise AssertionError

    monkeypatch.setattr(connection, "cursor", Away)
    answer = Client().get("/health/deep")
    assert answer.status_code == 503
    assert "The database does not answer." in [p["sentence"] for p in answer.json()["problems"]]
    assert Client().get("/health/ready").status_code == 503
    assert Client().get("/health/live").status_code == 200
    assert scrape_up()["database"] == 0


def scrape_up() -> dict[str, float]:
    up = families(metrics.exposition().decode())["cdp_up"]
    return {s.labels["server"]: s.value for s in up.samples}


def test_figures_follow_what_happens(alice: Actor) -> None:
    before = scrape()
    make(alice.workspace.pk, phase="parse")
    from tenants import pending_work
    from tenants.isolation.context import tenant_context

    with tenant_context(alice.workspace.pk):
        pending_work.mark_pending("imports")
    counters.count("task_failures", "imports.work")
    counters.observe("task_seconds", "imports.work", 0.3)
    inbox.count_drop("robot", tenant_id=alice.workspace.pk, site_id=1, count=3)
    after = scrape()

    def value(found: dict[str, Any], name: str, **labels: str) -> float:
        samples = found[name].samples if name in found else []
        return float(sum(s.value for s in samples if s.name.startswith(name) and labels.items() <= s.labels.items()))

    assert value(after, "cdp_imports", phase="parse") - value(before, "cdp_imports", phase="parse") == 1
    assert value(after, "cdp_hits_dropped", reason="robot") - value(before, "cdp_hits_dropped", reason="robot") == 3
    failures = [value(found, "cdp_task_failures", task="imports.work") for found in (before, after)]
    assert failures[1] - failures[0] == 1
    assert after["cdp_task_seconds"].type == "histogram"


def test_labels_name_nobody(alice: Actor) -> None:
    make(alice.workspace.pk, file_name="people-of-ann.csv")
    sample.take()
    text = metrics.exposition().decode()
    assert alice.workspace.slug not in text
    assert "people-of-ann" not in text
    names = {label for family in families(text).values() for s in family.samples for label in s.labels}
    assert names <= {"server", "code", "component", "role", "state", "phase", "kind", "reason", "task", "queue", "le"}


def exported() -> set[str]:
    """Names of all metrics, as queries have them."""
    counters.observe("task_seconds", "x", 1)
    counters.observe("task_wait", "all", 1)
    found = scrape()
    names = set(found)
    for name, family in found.items():
        names |= {s.name for s in family.samples} | ({f"{name}_total"} if family.type == "counter" else set())
    return names


METRIC = re.compile(r"\bcdp_\w+")


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    board = json.loads((ROOT / "docs/grafana.json").read_text())
    asked = {name for panel in board["panels"] for t in panel["targets"] for name in METRIC.findall(t["expr"])}
    assert len(asked) > 12
    assert asked - exported() == set()


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((ROOT / "docs/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_alerts_ask_for_metrics_that_there_are() -> None:
    names = exported()
    for rule in alerts():
        assert set(METRIC.findall(rule["expr"])) <= names, rule["alert"]


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    runbook = (ROOT / "docs/alerts.md").read_text()
    headings = re.findall(r"^## (\w+)$", runbook, re.MULTILINE)
    assert sorted(headings) == sorted(rule["alert"] for rule in alerts())
    for rule in alerts():
        assert rule["annotations"]["runbook"].endswith(f"docs/alerts.md#{rule['alert'].lower()}")


def test_every_problem_is_in_the_runbook() -> None:
    runbook = (ROOT / "docs/alerts.md").read_text()
    codes = set(re.findall(r'"(\w+)",? ?(?:f?"|$)', Path(diagnosis.__file__).read_text(), re.MULTILINE))
    known = {code for code in codes if "_" in code}
    assert {"no_worker", "database_down", "disk_full"} <= known
    assert [code for code in sorted(known) if f"`{code}`" not in runbook] == []
    assert Machinery(at=0.0).broker is False
