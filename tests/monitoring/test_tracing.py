"""Traces as a collector receives them and logs as a machine reads them; nothing of either unless it is asked for."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from findata_assets.contract import materialize
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.live import fetch_bars
from findata_assets.steps.sources import refresh_reference
from findata_resources import tracing
from findata_resources.environment import load_settings
from findata_resources.providers import yahoo
from findata_resources.stores.reports import WriteReport
from tests.conftest import MakePlatform
from tests.monitoring.watched import TUESDAY, TUESDAY_EVENING, standin
from tests.orchestration import SetClock


@pytest.fixture
def spans() -> Iterator[tuple[str, list[Any]]]:
    """A collector of OTLP over HTTP: its address, and the spans that it was sent."""
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = ExportTraceServiceRequest.FromString(body)
            received.extend(
                span for one in message.resource_spans for scope in one.scope_spans for span in scope.spans
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


@contextmanager
def traced(address: str) -> Iterator[None]:
    """Send the traces of the block to a collector."""
    tracing.begin(load_settings(traces=address, _env_file=None))
    try:
        yield
    finally:
        tracing.end()


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: item.value.string_value or item.value.int_value for item in span.attributes}


def test_a_run_is_one_trace_of_its_requests_writes_and_publications(
    spans: tuple[str, list[Any]], make_platform: MakePlatform
) -> None:
    address, received = spans
    with standin() as server:
        platform = make_platform(yahoo_base_url=server.base_url)
        platform.clock = SetClock(TUESDAY_EVENING)
        refresh_reference(platform)
        with traced(address), tracing.span("run", assets="market.bars"):
            fetch_bars(platform, "yahoo", TUESDAY, TUESDAY.replace(day=TUESDAY.day + 1))
            run_due(platform)
    yahoo.forget_shared_state()

    by_name: dict[str, list[Any]] = {}
    for span in received:
        by_name.setdefault(span.name, []).append(span)
    (run,) = by_name["run"]
    assert {span.trace_id for span in received} == {run.trace_id}
    assert [attributes(span) for span in by_name["request"]] == [
        {"provider": "yahoo", "dataset": "bars", "subject": "MSFT.XNAS"}
    ] * 2
    assert {span.parent_span_id for span in by_name["request"]} == {run.span_id}  # although threads made them
    assert {"market.bars", "market.candles"} <= {attributes(span)["table"] for span in by_name["write"]}
    assert any(attributes(span)["key"].startswith("market/bars/") for span in by_name["publish"])


def test_the_trace_of_a_dagster_run_has_the_runs_own_id(spans: tuple[str, list[Any]]) -> None:
    address, received = spans
    run_id = uuid4()
    with traced(address):
        tracing.begin_run(str(run_id))
        materialize("market.bars", WriteReport)
        tracing.end_run()
        materialize("market.candles", WriteReport)
    inside, outside = received
    assert (inside.name, attributes(inside)) == ("step", {"table": "market.bars"})
    assert inside.trace_id == run_id.bytes
    assert outside.trace_id != run_id.bytes


def test_an_error_is_told_with_the_span_that_it_ended(spans: tuple[str, list[Any]]) -> None:
    address, received = spans
    with traced(address), pytest.raises(RuntimeError), tracing.span("write"):
        raise RuntimeError("the disk is full")
    (span,) = received
    assert "the disk is full" in span.status.message


def test_a_collector_that_is_not_there_ends_nothing() -> None:
    done = []
    with traced("http://127.0.0.1:9"):
        for name in ("run", "step"):
            with tracing.span(name):
                done.append(name)
    assert done == ["run", "step"]


def test_logs_are_lines_of_json_with_the_ids_of_the_trace(
    spans: tuple[str, list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    address, received = spans
    tracing.begin(load_settings(traces=address, log_format="json", _env_file=None))
    try:
        with tracing.span("run"):
            logging.getLogger("findata").info("asked for %d sessions", 3)
        try:
            raise ValueError('it said "no"\n')
        except ValueError:
            logging.getLogger("findata").exception("it failed")
    finally:
        tracing.end()
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    (run,) = received
    assert (first["level"], first["logger"], first["message"]) == ("info", "findata", "asked for 3 sessions")
    assert (first["trace_id"], first["span_id"]) == (run.trace_id.hex(), run.span_id.hex())
    assert 'it said "no"' in second["error"]
    assert "trace_id" not in second


def test_what_is_off_is_not_even_imported() -> None:
    asked = (
        "import sys, findata_resources.stores.lake, findata_resources.tracing as t\n"
        "from findata_resources.environment import load_settings\n"
        "t.begin(load_settings(_env_file=None))\n"
        "with t.span('run'): t.begin_run('x'); t.end_run()\n"
        "f = lambda: 1\n"
        "assert t.carried(f) is f\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ended = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert ended.stdout == "[]\n"


def test_without_the_extra_the_setting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from findata_core.errors import ConfigurationError

    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match="not installed"):
        tracing.begin(load_settings(traces="http://127.0.0.1:4318", _env_file=None))
