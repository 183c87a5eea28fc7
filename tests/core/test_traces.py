"""Traces: off without a trace of them, refused in words without the libraries, and one from the click to the last unit."""

import builtins
import http.server
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import RequestFactory, override_settings
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from core import traces
from insights.operations import worker_signs
from tests.cast import Actor
from tests.imports.helpers import bring


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Traces are on, and end here."""
    exporter = InMemorySpanExporter()
    traces.stop()
    assert traces.start(exporter=exporter)
    yield exporter
    traces.stop()


def test_off_they_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    traces.stop()
    real = builtins.__import__

    def guarded(name: str, *rest: Any, **more: Any) -> Any:
        assert not name.startswith("opentelemetry"), "nothing is imported while traces are off"
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", guarded)
    headers: dict[str, Any] = {}
    assert not traces.start()
    with traces.span("unit", number=1):
        traces.inject(headers)
    assert headers == {}


def test_without_the_libraries_the_program_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    traces.stop()
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with (
        override_settings(TRACES_URL="http://127.0.0.1:4318/v1/traces"),
        pytest.raises(traces.TracesUnavailable) as told,
    ):
        traces.start()
    assert "requirements/traces.txt" in str(told.value)


def test_a_message_carries_the_trace_from_the_request_to_the_task(spans: InMemorySpanExporter) -> None:
    headers: dict[str, Any] = {}
    with traces.span("request"):
        worker_signs.stamp(headers)
    task: Any = SimpleNamespace(name="imports.work", request=SimpleNamespace(**headers))
    again: dict[str, Any] = {}
    worker_signs.began("1", task, {"tenant_id": 3, "import_id": 17})
    with traces.span("unit apply", number=4):
        worker_signs.stamp(again)
    worker_signs.ended("1", task)
    later: Any = SimpleNamespace(name="imports.work", request=SimpleNamespace(**again))
    worker_signs.began("2", later, {"tenant_id": 3, "import_id": 17})
    worker_signs.ended("2", later)
    found = spans.get_finished_spans()
    assert [span.name for span in found] == ["request", "unit apply", "imports.work", "imports.work"]
    assert len({span.context.trace_id for span in found}) == 1
    assert dict(found[2].attributes or {}) == {"tenant": 3, "import": 17}


def test_a_request_is_named_by_its_route(spans: InMemorySpanExporter, alice: Actor) -> None:
    from django.http import HttpResponse

    request = RequestFactory().get("/contacts/ann@example.com/")
    request.resolver_match = SimpleNamespace(route="contacts/<str:name>/")  # type: ignore[assignment]
    traces.TraceRequests(lambda _request: HttpResponse("x"))(request)
    (span,) = spans.get_finished_spans()
    assert span.name == "GET contacts/<str:name>/"
    assert dict(span.attributes or {}) == {"method": "GET", "status": 200}


def test_units_of_an_import_are_spans(spans: InMemorySpanExporter, alice: Actor) -> None:
    with traces.span("click"):
        bring(alice.workspace, "email\nzebrafink@example.com\n", user=alice.user)
    found = spans.get_finished_spans()
    names = {span.name for span in found}
    assert {"unit plan", "unit parse", "unit match", "unit resolve", "unit apply", "unit finish"} <= names
    assert len({span.context.trace_id for span in found}) == 1
    assert not any("zebrafink" in str(span.attributes) for span in found)


def test_spans_arrive_at_a_collector() -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    traces.stop()
    try:
        with override_settings(TRACES_URL=f"http://127.0.0.1:{server.server_port}/v1/traces"):
            assert traces.start()
            with traces.span("unit apply", number=4):
                pass
            traces.stop()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [path for path, _body in received] == ["/v1/traces"]
    assert b"unit apply" in received[0][1]
