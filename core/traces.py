"""Optional traces by OpenTelemetry: from the click to the last unit of an import. Off unless TRACES_URL says where they go.

While they are off nothing is imported and nothing costs more than asking. The libraries are an extra
(requirements/traces.txt); if they are wanted and absent, the program does not start (TracesUnavailable).
Spans have names of code and ids as attributes, never values.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]


class TracesUnavailable(ImproperlyConfigured):
    """Traces are switched on, and the libraries for them are not installed."""


class _Off:
    """What is done while traces are off: nothing."""

    tracer: Any = None
    provider: Any = None


_state = _Off()
# Of this process: the span of the task that runs, and what its context was attached by.
_task: list[tuple[Any, Any]] = []


def start(*, exporter: Any = None) -> bool:
    """Begin to trace in this process, if the settings say so; returns whether it does. Safe to call again.

    `exporter` replaces the one that sends to TRACES_URL. Raises TracesUnavailable.
    """
    if _state.tracer is not None:
        return True
    if not settings.TRACES_URL and exporter is None:
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor  # noqa: PLC0415  an extra
    except ImportError as missing:
        raise TracesUnavailable(
            "TRACES_URL is set, but the libraries for traces are not installed: pip install -r requirements/traces.txt, "
            "or remove TRACES_URL."
        ) from missing
    provider = TracerProvider(resource=Resource.create({"service.name": "cdp"}))
    if exporter is None:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.TRACES_URL)))
    else:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    _state.provider, _state.tracer = provider, provider.get_tracer("cdp")
    return True


def stop() -> None:
    """No more traces in this process; those that wait are sent."""
    if _state.provider is not None:
        _state.provider.shutdown()
    _state.provider = _state.tracer = None


@contextmanager
def span(name: str, **ids: int | str) -> Iterator[None]:
    """A piece of work within the trace that is open; nothing while traces are off."""
    if _state.tracer is None:
        yield
        return
    with _state.tracer.start_as_current_span(name, attributes=ids):
        yield


def inject(headers: dict[str, Any]) -> None:
    """Put the open trace into the headers of a message."""
    if _state.tracer is not None:
        from opentelemetry.propagate import inject as put  # noqa: PLC0415  an extra

        put(headers)


def begin_task(task: Any, ids: dict[str, int]) -> None:
    """A task begins, in the trace that its message names."""
    if _state.tracer is None and not start():
        return
    from opentelemetry import context, trace  # noqa: PLC0415  an extra
    from opentelemetry.propagate import extract  # noqa: PLC0415  an extra

    carrier = {"traceparent": str(getattr(task.request, "traceparent", None) or "")}
    opened = _state.tracer.start_span(task.name, context=extract(carrier), attributes=ids)
    _task.append((opened, context.attach(trace.set_span_in_context(opened))))


def end_task(_task_done: Any) -> None:
    """The task that began last ends."""
    if _task:
        from opentelemetry import context  # noqa: PLC0415  an extra

        opened, token = _task.pop()
        context.detach(token)
        opened.end()


class TraceRequests:
    """A span for each request; a middleware that is only there while traces are on."""

    def __init__(self, get_response: Handler) -> None:
        start()
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with span("request", method=str(request.method)):
            response = self.get_response(request)
            self._name(request, response)
            return response

    def _name(self, request: HttpRequest, response: HttpResponse) -> None:
        """By its route: the path itself may have names of people in it."""
        if _state.tracer is None:
            return
        from opentelemetry import trace  # noqa: PLC0415  an extra

        route = request.resolver_match.route if request.resolver_match else "unknown"
        current = trace.get_current_span()
        current.update_name(f"{request.method} {route}")
        current.set_attribute("status", response.status_code)
