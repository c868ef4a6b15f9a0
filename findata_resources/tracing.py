"""Traces by OpenTelemetry, and logs as JSON lines with their trace: both off unless the settings name them.

What belongs here: turning them on, and the one function that marks a stretch of work. What does not: which stretches
are marked (they say `with span(...)` where they are), metrics (findata_assets/metrics).

While traces are off a span costs a comparison, and OpenTelemetry is not even imported: it is the extra `tracing`.
"""

from __future__ import annotations

import contextvars
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from findata_core.errors import ConfigurationError
from findata_resources.environment import Settings

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

Result = TypeVar("Result")

EXPORT_SECONDS = 5  # a command must not hang at its end because nobody takes its traces
SERVICE = "findata"


class _Tracing:
    """What is on in this process."""

    provider: TracerProvider | None = None
    handler: logging.Handler | None = None
    run: Token[Context] | None = None


def begin(settings: Settings) -> None:
    """Turn on what the settings name, once a process."""
    if settings.traces is not None and _Tracing.provider is None:
        _Tracing.provider = _provider(settings.traces)
    if settings.log_format == "json" and _Tracing.handler is None:
        _Tracing.handler = logging.StreamHandler()
        _Tracing.handler.setFormatter(JsonLines())
        logging.getLogger().addHandler(_Tracing.handler)
        logging.getLogger("findata").setLevel(logging.INFO)


def end() -> None:
    """Send what has not been sent, and turn everything off."""
    if _Tracing.provider is not None:
        _Tracing.provider.shutdown()
    if _Tracing.handler is not None:
        logging.getLogger().removeHandler(_Tracing.handler)
    _Tracing.provider = _Tracing.handler = None


def begin_run(run_id: str | None) -> None:
    """Give what follows the trace of a Dagster run: its id is the run's, in whichever process a step runs."""
    if _Tracing.provider is None or run_id is None:
        return
    from opentelemetry import context, trace

    number = UUID(run_id).int
    root = trace.SpanContext(
        trace_id=number,
        span_id=number & 0xFFFF_FFFF_FFFF_FFFF,
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    _Tracing.run = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(root)))


def end_run() -> None:
    """Take the run's trace away again."""
    if _Tracing.run is not None:
        from opentelemetry import context

        context.detach(_Tracing.run)
        _Tracing.run = None


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """Mark the block as one stretch of work; an error that leaves it is part of what is told."""
    if _Tracing.provider is None:
        yield
        return
    with _Tracing.provider.get_tracer(SERVICE).start_as_current_span(name, attributes=attributes):
        yield


def carried(function: Callable[..., Result]) -> Callable[..., Result]:
    """Return the function as another thread may call it, its spans inside of those that are open here."""
    if _Tracing.provider is None:
        return function
    context = contextvars.copy_context()
    return lambda *arguments: context.copy().run(function, *arguments)


class JsonLines(logging.Formatter):
    """A line of JSON a record: when, how grave, who says what, and in which span."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),  # what a record says beside its message, by name
            **_open_span(),
        }
        if record.exc_info:
            said["error"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(said, default=str)


def _open_span() -> dict[str, str]:
    """Return the ids of the span that is open, spelled as trace viewers take them."""
    if _Tracing.provider is None:
        return {}
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {
        "trace_id": trace.format_trace_id(context.trace_id),
        "span_id": trace.format_span_id(context.span_id),
    }


def _provider(address: str) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            "FINDATA_TRACES is set, but OpenTelemetry is not installed",
            'Install findata with its extra: pip install "findata[tracing]"; or unset FINDATA_TRACES',
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    sender = OTLPSpanExporter(endpoint=f"{address}/v1/traces", timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(sender))
    return provider
