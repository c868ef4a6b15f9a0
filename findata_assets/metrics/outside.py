"""What collectors ask: the two databases, read only and never for long, and S3, without a second try.

What belongs here: connections whose failure costs a scrape a few seconds at most. What does not: queries (they stand
beside the metrics that they fill), the stores that steps write with (findata_resources/stores).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
from obstore.store import S3Store
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from findata_resources.environment import Clock, Endpoints, Settings, SystemClock, resolve_endpoints

Row = Mapping[str, Any]

CONNECT_SECONDS = 2
STATEMENT_SECONDS = 8  # below Prometheus's usual 10 seconds for a scrape
SESSION = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS}s -c timezone=UTC"


@dataclass(frozen=True)
class Outside:
    """Where collectors look. Endpoints are resolved each time: servers may start after the exporter."""

    settings: Settings
    clock: Clock = field(default_factory=SystemClock)

    def endpoints(self) -> Endpoints:
        """Return where the stores are; NotRunning while they are not."""
        return resolve_endpoints(self.settings)

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[DictRow]]:
        """Yield a read-only connection to findata's database, closed afterwards."""
        with _connected(self.endpoints().database_url) as connection:
            yield connection

    @contextmanager
    def dagster_database(self) -> Iterator[psycopg.Connection[DictRow]]:
        """Yield a read-only connection to the database in which Dagster keeps its runs and events."""
        with _connected(self.endpoints().dagster_database_url.replace("+psycopg2", "", 1)) as connection:
            yield connection

    def bucket(self) -> S3Store:
        """Return the bucket; a request that fails is not made again."""
        endpoints = self.endpoints()
        return S3Store(
            endpoints.s3_bucket,
            endpoint=endpoints.s3_endpoint,
            access_key_id=endpoints.s3_access_key,
            secret_access_key=endpoints.s3_secret_key,
            region=endpoints.s3_region,
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": True,
                "timeout": timedelta(seconds=STATEMENT_SECONDS),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            },
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=CONNECT_SECONDS)},
        )


def counts_within(duration: LiteralString, bounds_seconds: Sequence[float]) -> sql.Composed:
    """Return columns that count the rows of at most so many seconds, for families.histogram().

    Counted by filters, not grouped: PostgreSQL would expect as many groups as there are durations, and sort on disk.
    """
    column = sql.SQL("count(*) FILTER (WHERE {} <= {}) AS {}")
    return sql.SQL(", ").join(
        column.format(sql.SQL(duration), sql.Literal(bound), sql.Identifier(f"within_{place}"))
        for place, bound in enumerate(bounds_seconds)
    )


def rows(
    connection: psycopg.Connection[DictRow],
    query: LiteralString | sql.Composed,
    parameters: Mapping[str, Any] | None = None,
) -> list[DictRow]:
    """Return the rows of a query, by column name."""
    return connection.execute(query, parameters).fetchall()


def has_table(connection: psycopg.Connection[DictRow], name: str) -> bool:
    """Tell whether a table is there: an older database may lack one, Dagster makes its own when it first starts."""
    (found,) = rows(connection, "SELECT to_regclass(%(name)s) IS NOT NULL AS is_there", {"name": name})
    return bool(found["is_there"])


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[DictRow]]:
    with psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        application_name="findata metrics",
        options=SESSION,
        row_factory=dict_row,
    ) as connection:
        yield connection
