"""A server, two workspaces with a row in every table, and schemathesis over it. `python -m tests.servers python -m
tests.api.fuzz.run` runs all of it (make fuzz); a test runs the short form."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
# What is told about a run: calls and failures by check.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,ignored_auth,allow_header_conformance,unsupported_method,"
    "nothing_of_another_workspace,errors_are_problems"
)


@dataclass
class Side:
    """One of the two workspaces: its token, what stands in its rows, and their numbers."""

    token: str
    tenant_id: int
    marks: list[str]
    numbers: dict[str, list[int]]


def _objects() -> dict[str, tuple[Any, str]]:
    """Parameters of addresses → models whose rows they are about, and the attribute that has the number."""
    from api.webhooks.models import Delivery, Webhook
    from audiences.models import Audience
    from connectors.models import Connector
    from contacts.models import Attribute, BulkAction, Contact, Merge, ProbablePair
    from destinations.models import Sync
    from imports.models import Import
    from segments.models import Segment, SegmentEdit
    from sources.models import Source
    from tenants.models import AuditEntry
    from tracking.models import Site

    own: dict[str, Any] = {
        "import_id": Import, "contact_id": Contact, "segment_id": Segment, "site_id": Site, "source_id": Source,
        "action_id": BulkAction, "act_id": AuditEntry, "merge_id": Merge, "edit_id": SegmentEdit,
        "attribute_id": Attribute, "audience_id": Audience, "export_id": BulkAction, "webhook_id": Webhook,
        "delivery_id": Delivery, "connector_id": Connector,
        "sync_id": Sync,
    }  # fmt: skip
    return {name: (model, "pk") for name, model in own.items()} | {"group_id": (ProbablePair, "group_id")}


def build(name: str) -> Side:
    """A workspace with a row in every table, imports in several states, and values that no other workspace has."""
    from contacts.duplicates import merge
    from contacts.linkage import job, schedule
    from contacts.models import Contact, Merge, ProbablePair, UndoArchive
    from tenants.isolation.context import tenant_context
    from tests.api.helpers import program
    from tests.cast import actor
    from tests.imports.helpers import bring, receive
    from tests.tenants.isolation.test_isolation import fill

    who = actor(name)
    mark = f"{name.lower()}only"
    people = "".join(f"{mark}{i}@example.com,{mark},+44791112345{i}\n" for i in range(8))
    rows = f"email,first_name,phone\n{people}{mark}-no-address,{mark},\n"
    bring(who.workspace, rows, segment=f"{mark} segment", user=who.user)
    bring(who.workspace, rows.replace(f",{mark},", f",{mark}x,"), review=True, user=who.user)
    receive(who.workspace, rows, user=who.user)
    with tenant_context(who.workspace.pk):
        fill(who)
        # These rows alone are not as the product writes them.
        ProbablePair.objects.all().delete()
        UndoArchive.objects.filter(data={}).delete()
        Merge.objects.all().delete()
        merge.merge(list(Contact.objects.living().values_list("pk", flat=True)[:2]), user_id=who.user.pk)
        for first in ("Rasma", "Rassma"):
            known = {"birthday": "1985-05-11", "city": "Jelgava", "street": "Lielā iela 7", "postal_code": "LV-3001"}
            alike = {"last_name": f"{mark}a", "phone": "+37126000777", "email": f"{mark}-rasma@example.com"}
            Contact.objects.create(first_name=first, attributes=known, origin="manual", **alike)
        search = schedule.start(user_id=who.user.pk)
    job.work(who.workspace.pk, search.pk)
    with tenant_context(who.workspace.pk):
        assert ProbablePair.objects.exists()
        numbers = {
            parameter: list(model.objects.order_by("-pk").values_list(attribute, flat=True)[:5])
            for parameter, (model, attribute) in _objects().items()
        }
    return Side(program(who).text, who.workspace.pk, [mark, who.workspace.slug], numbers)


@contextlib.contextmanager
def worker(*sides: Side) -> Iterator[None]:
    """Work on the imports of workspaces in the background, as a Celery worker does. Raises what its work has raised."""
    from django.db import connections

    from imports.models import Import, Phase
    from imports.pipeline import worker as pipeline
    from tenants.isolation.context import tenant_context

    over = threading.Event()
    faults: list[Exception] = []

    def work() -> None:
        try:
            while not over.wait(0.2):
                for side in sides:
                    with tenant_context(side.tenant_id):
                        rests = (Phase.DRAFT, Phase.REVIEW, Phase.DONE)
                        ids = list(Import.objects.exclude(phase__in=rests).values_list("pk", flat=True)[:20])
                    for pk in ids:
                        pipeline.work(side.tenant_id, pk)
        except Exception as fault:
            faults.append(fault)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)
    if faults:
        raise faults[0]


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The product as it is served in production; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(port),
               "--no-ws", "cdp.asgi:application"]  # fmt: skip
    environ = os.environ | {"SITE_URL": address, "API_REQUESTS_PER_MINUTE": "0"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=ROOT)
        try:
            until = time.monotonic() + 30
            while process.poll() is None and time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def fuzz(
    address: str, own: Side, other: Side, folder: Path, *, examples: int, phases: str, seconds: int, more: Any = ()
) -> Any:
    """Run schemathesis with the token of one workspace, numbers of both, and what the other one has as foreign."""
    # Two of three are of the own workspace.
    numbers = {name: [*own.numbers[name], *other.numbers[name][: len(own.numbers[name]) // 2]] for name in own.numbers}
    environ = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.api.fuzz.hooks",
        "PYTHONPATH": str(ROOT),
        "FUZZ_FOREIGN": json.dumps(other.marks),
        "FUZZ_NUMBERS": json.dumps(numbers),
    }
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{address}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {own.token}", "--checks", CHECKS, "--max-examples", str(examples),
        "--phases", phases, "--request-timeout", "60", "--seed", "1", "--continue-on-failure", "--no-shrink",
        "--suppress-health-check", "all", "--warnings", "off", "--generation-database", ":memory:",
        "--report-ndjson-path", str(folder / "events.ndjson"), *more,
    ]  # fmt: skip
    with worker(own):
        return subprocess.run(
            command, env=environ, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
        )


def answered(folder: Path) -> dict[str, Counter[int]]:
    """Operation → how often each status was answered in the last run."""
    found: dict[str, Counter[int]] = {}
    for line in (folder / "events.ndjson").read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for key, interaction in recorder.get("interactions", {}).items():
            case = recorder["cases"].get(key, {}).get("value", {})
            if interaction.get("response"):
                name = f"{case.get('method')} {case.get('path')}"
                found.setdefault(name, Counter())[interaction["response"]["status_code"]] += 1
    return found


def main() -> int:
    """All operations by both tokens: examples, coverage, 20 made-up calls an operation, and stateful links."""
    import django

    django.setup()
    with tempfile.TemporaryDirectory(prefix="cdp-fuzz-") as name:
        folder = Path(name)
        own, other = build("Alice"), build("Charlie")
        failed = 0
        with server(folder) as address:
            for first, second in ((own, other), (other, own)):
                done = fuzz(address, first, second, folder, examples=int(os.environ.get("CDP_FUZZ", "20")),
                            phases="examples,coverage,fuzzing,stateful", seconds=3600)  # fmt: skip
                print(done.stdout[-20_000:], done.stderr[-5_000:], flush=True)
                for operation, statuses in sorted(answered(folder).items()):
                    print(f"{operation}: {dict(sorted(statuses.items()))}")
                failed += done.returncode != 0
        log = (folder / "server.log").read_text(errors="replace")
        faults = re.findall(r"^Traceback.*", log, re.MULTILINE)
        print(f"{len(faults)} tracebacks in the log of the server")
        if faults:
            print(log[-8_000:])
    return failed


if __name__ == "__main__":
    sys.exit(main())
