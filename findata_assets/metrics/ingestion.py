"""What was asked of providers and what came of it: requests, latency, rows, limits, rests.

What belongs here: sums over ops.fetches and ops.payloads, whose rows are never deleted, so that what is summed only
grows and survives every restart; how ops.quotas and ops.breakers stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

from prometheus_client.core import Metric
from psycopg import sql

from findata_assets.metrics.families import counter, gauge, histogram
from findata_assets.metrics.outside import Outside, counts_within, rows
from findata_core.breaker import FAILURES_IN_ROW

LATENCY_BOUNDS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
PROVIDER = {"provider": "source"}
DATASET = {"provider": "source", "dataset": "dataset"}

REQUESTS = sql.SQL(
    """
    SELECT source, dataset, coalesce(http_status::text, 'none') AS status,
           CASE WHEN error IS NOT NULL THEN CASE WHEN is_refused THEN 'refused' ELSE 'failed' END END AS failure,
           count(*) AS number, sum(duration_seconds) AS seconds, sum(size_bytes) AS bytes,
           sum(rows_answered - coalesce(rows_duplicate, 0) - coalesce(rows_quarantined, 0)) AS rows_ingested,
           sum(rows_duplicate) AS rows_duplicate, sum(rows_quarantined) AS rows_quarantined,
           sum(rows_revised) AS rows_revised, {}
    FROM ops.fetches GROUP BY 1, 2, 3, 4
    """
).format(counts_within("duration_seconds", LATENCY_BOUNDS_SECONDS))
PAYLOADS: LiteralString = """
    SELECT source, dataset, count(*) AS number, sum(size_bytes) AS bytes,
           extract(epoch FROM max(received_time)) AS last_received
    FROM ops.payloads GROUP BY 1, 2
"""
# Of a provider with several keys the one that has the least left counts. A window that is over is unspent.
QUOTAS: LiteralString = """
    SELECT provider AS source, limit_window, min(request_limit) AS request_limit,
           min(request_limit - CASE WHEN end_time > %(now)s THEN used ELSE 0 END) AS remaining
    FROM ops.quotas WHERE start_time > '-infinity' AND used > 0 GROUP BY 1, 2
"""
# Who fails is left alone until a request tells that it is well; who only asked for a rest, until that is over.
BREAKERS: LiteralString = """
    SELECT provider AS source, failures_in_row,
           (open_time IS NOT NULL AND (failures_in_row >= %(too_many)s OR probe_time > %(now)s))::int AS is_open
    FROM ops.breakers
"""


def requests(outside: Outside) -> Iterator[Metric]:
    """Yield what the ledger of requests adds up to."""
    with outside.database() as connection:
        found = rows(connection, REQUESTS)
    yield counter(
        "findata_provider_requests_total",
        "Requests made, by HTTP status (none: no answer came).",
        found,
        "number",
        {**PROVIDER, "status": "status"},
    )
    yield counter(
        "findata_provider_request_failures_total",
        "Requests that gave no data: refused (asking again is of no use) or failed.",
        [row for row in found if row["failure"]],
        "number",
        {**PROVIDER, "kind": "failure"},
    )
    yield histogram(
        "findata_request_duration_seconds",
        "Wall time of requests until the answer was whole or had failed.",
        found,
        LATENCY_BOUNDS_SECONDS,
        PROVIDER,
    )
    yield counter("findata_received_bytes_total", "Bytes of answers' bodies.", found, "bytes", DATASET)
    meanings = {
        "ingested": "Rows of answers that were kept: neither said twice nor refused.",
        "duplicate": "Rows of answers that another row of the same answer says word for word.",
        "quarantined": "Rows of answers that broke a rule.",
        "revised": "Stored rows that answers have changed.",
    }
    for name, meaning in meanings.items():
        yield counter(f"findata_rows_{name}_total", meaning, found, f"rows_{name}", DATASET)


def payloads(outside: Outside) -> Iterator[Metric]:
    """Yield what was received from anywhere, recorded files too."""
    with outside.database() as connection:
        found = rows(connection, PAYLOADS)
    yield counter("findata_payloads_total", "Payloads in the books.", found, "number", DATASET)
    yield gauge("findata_raw_bytes", "Bytes of the payloads' bodies.", found, "bytes", DATASET)
    yield gauge(
        "findata_payload_last_received_timestamp_seconds",
        "When the youngest payload had been received.",
        found,
        "last_received",
        DATASET,
    )


def limits(outside: Outside) -> Iterator[Metric]:
    """Yield what is left of providers' limits, and who is left alone."""
    with outside.database() as connection:
        now = outside.clock.now()
        quotas = rows(connection, QUOTAS, {"now": now})
        breakers = rows(connection, BREAKERS, {"now": now, "too_many": FAILURES_IN_ROW})
    window = {**PROVIDER, "window": "limit_window"}
    yield gauge(
        "findata_provider_quota_limit",
        "Requests that a provider allows in a window.",
        quotas,
        "request_limit",
        window,
    )
    yield gauge(
        "findata_provider_quota_remaining",
        "Requests of them that are not spent in the window that is running.",
        quotas,
        "remaining",
        window,
    )
    yield gauge(
        "findata_provider_breaker_open", "1 while a provider is left alone.", breakers, "is_open", PROVIDER
    )
    yield gauge(
        "findata_provider_failures_in_row",
        "Requests in a row that a provider failed to answer.",
        breakers,
        "failures_in_row",
        PROVIDER,
    )
