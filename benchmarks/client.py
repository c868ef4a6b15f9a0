"""A month of minutes to a frame: findata_client over HTTP against pandas.read_sql over a connection of its own.

What belongs here: both sides, the proof that they give the same, the ratio. What does not: servers (readers).

The client asks for what nobody has asked before, so that the server reads, writes Arrow, and keeps nothing; pandas
reads the same rows from the table itself, with the columns that bars have.
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, time, timedelta
from itertools import count

import pandas as pd
import polars as pl
import sqlalchemy

from benchmarks.measuring import Line, medians, seconds_of
from benchmarks.readers import Market, market, server
from findata_client import Client

TARGET = 1 / 4
SLOW_REPEATS = 3


def run(instruments: int = 20, sessions: int = 20, repeats: int = 25) -> list[Line]:
    """Measure on servers of its own."""
    with market(instruments, sessions) as asked, server("findata", asked) as port:
        engine = sqlalchemy.create_engine(
            asked.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
        )
        with Client(f"http://127.0.0.1:{port}") as client:
            sides = Readers(asked, client, engine)
            sides.prove()
            one = medians({"client": sides.one, "pandas": sides.one_by_pandas}, repeats)
            sides.again()
            sides.again()
            settled = statistics.median(seconds_of(sides.again) for _ in range(repeats))
            many = medians({"client": sides.all, "pandas": sides.all_by_pandas}, SLOW_REPEATS)
        engine.dispose()
    rows = f"{390 * sessions:,} rows"
    return [
        _line(f"client: a month of minutes of {instruments} instruments ({rows} each)", many, TARGET),
        _line("client: of one instrument, not asked for before", one, TARGET),
        _line("client: of one instrument again, settled", {**one, "client": settled}, None),
    ]


class Readers:
    """The sides. Each question of the client has another limit: the rows are the same, and none of them is kept."""

    def __init__(self, asked: Market, client: Client, engine: sqlalchemy.Engine) -> None:
        self._market = asked
        self._client = client
        self._engine = engine
        self._limits = count(len(asked.sessions) * 390 + 1)
        self._turns = 0
        self._start, self._end = asked.sessions[0], asked.sessions[-1] + timedelta(days=1)

    def one(self) -> pl.DataFrame:
        """Return an instrument's month by the client."""
        return self._client.bars(self._name(), start=self._start, end=self._end, limit=next(self._limits))

    def again(self) -> pl.DataFrame:
        """Return a month that was asked for before."""
        return self._client.bars(self._market.instruments[0], start=self._start, end=self._end, limit=40_000)

    def all(self) -> pl.DataFrame:
        """Return everybody's month by the client."""
        names = list(self._market.instruments)
        return self._client.bars(names, start=self._start, end=self._end, limit=next(self._limits))

    def one_by_pandas(self) -> pd.DataFrame:
        """Return an instrument's month by pandas."""
        return self._read([self._name()])

    def all_by_pandas(self) -> pd.DataFrame:
        """Return everybody's month by pandas, in one query."""
        return self._read(list(self._market.instruments))

    def prove(self) -> None:
        """Both give the same rows."""
        name = self._market.instruments[0]
        ours = self._client.bars(name, start=self._start, end=self._end)
        theirs = self._read([name])
        assert ours.height == len(theirs) == 390 * len(self._market.sessions)
        for column in ("open", "high", "low", "close", "volume"):
            assert ours[column].to_list() == theirs[column].tolist(), column

    def _read(self, names: list[str]) -> pd.DataFrame:
        query = sqlalchemy.text(
            "SELECT * FROM market.bars WHERE instrument_id = ANY(:names) AND interval = '1m' "
            "AND event_time >= :start AND event_time < :end ORDER BY instrument_id, event_time"
        )
        bounds = {
            "start": datetime.combine(self._start, time(), UTC),
            "end": datetime.combine(self._end, time(), UTC),
        }
        with self._engine.connect() as connection:
            return pd.read_sql(query, connection, params={"names": names, **bounds})

    def _name(self) -> str:
        self._turns += 1
        return self._market.instruments[self._turns // 2 % len(self._market.instruments)]


def _line(name: str, seconds: dict[str, float], target: float | None) -> Line:
    ratio = seconds["client"] / seconds["pandas"]
    detail = (
        f"{seconds['client'] * 1e3:.1f} ms against pandas.read_sql's {seconds['pandas'] * 1e3:.1f} ms, "
        f"{1 / ratio:.1f} times as fast"
    )
    return Line(name, ratio, target, detail)
