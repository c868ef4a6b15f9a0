"""The condition of an instrument's sessions: what is there, what was refused or revised, and whether it can be used.

What belongs here: reading the books of one instrument, a line a session. What does not: the page of a session and all
its instruments (quality), rules (findata_core.quality).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.expected import known_states
from findata_assets.steps.platform import Platform, mic_of
from findata_core.quality import findings as found
from findata_core.quality.outliers import outliers
from findata_core.quality.verdicts import not_closed, verdict
from findata_resources.stores import quality as books

DAY = timedelta(days=1)
PLACE = ("mic", "session_date", "time_zone", "open_time", "break_start_time", "break_end_time", "close_time")
SCHEMA = pl.Schema(
    {
        "instrument_id": pl.String(),
        "mic": pl.String(),
        "session_date": pl.Date(),
        "time_zone": pl.String(),
        **dict.fromkeys(PLACE[3:], pl.Datetime("us", "UTC")),
        "status": pl.String(),
        "source": pl.String(),
        "interval": pl.String(),
        **dict.fromkeys(("present_bars", "expected_bars"), pl.Int32()),
        "missing_ranges": pl.List(pl.String()),
        **dict.fromkeys(("quarantined_rows", "revised_rows"), pl.Int64()),
        "settles_time": pl.Datetime("us", "UTC"),
        "is_settled": pl.Boolean(),
        "verdict": pl.String(),
        "verdict_line": pl.String(),
        "findings": pl.List(pl.String()),
    }
)


def conditions(platform: Platform, instrument_id: str, first: date, end: date) -> pl.DataFrame:
    """Return SCHEMA: a line for each session in [first, end) that the exchange's calendar has, and has opened."""
    now = platform.clock.now()
    mic = mic_of(instrument_id)
    day = pl.col("session_date")
    sessions = platform.sessions({mic}).filter(day >= first, day < end, pl.col("open_time") <= now)
    if sessions.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    sessions = sessions.select(PLACE).sort("session_date").with_columns(instrument_id=pl.lit(instrument_id))
    states = _states(platform, instrument_id, first, end)
    findings = _findings(platform, instrument_id, sessions, states, first, end)
    rows = sessions.join(_best(states), on="session_date", how="left")
    for name, counts in _counts(platform, instrument_id, first, end).items():
        rows = rows.join(counts, on="session_date", how="left")
        if name != "settles_time":
            rows = rows.with_columns(pl.col(name).fill_null(0))
    rows = rows.with_columns(pl.col("status").fill_null("missing"))
    rows = rows.with_columns(is_settled=(pl.col("settles_time") <= now).fill_null(value=False))
    return _judged(rows, findings, now).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def _states(platform: Platform, instrument_id: str, first: date, end: date) -> pl.DataFrame:
    states = known_states(platform, first, end, [instrument_id])
    return states if states.width else pl.DataFrame()


def _best(states: pl.DataFrame) -> pl.DataFrame:
    """Return of each session the source that has most of its minutes, else of its days."""
    names = ("source", "interval", "status", "present_bars", "expected_bars")
    if not states.width:
        empty = {"session_date": pl.Date(), **{name: SCHEMA[name] for name in (*names, "missing_ranges")}}
        return pl.DataFrame(schema=empty)
    ranges = pl.col("missing_ranges").str.split(" ").list.eval(pl.element().filter(pl.element() != ""))
    return found.best_states(states).select("session_date", *names, ranges)


def _findings(
    platform: Platform,
    instrument_id: str,
    sessions: pl.DataFrame,
    states: pl.DataFrame,
    first: date,
    end: date,
) -> pl.DataFrame:
    """Return what speaks against the sessions that have closed."""
    database, last = platform.store.database, end - DAY
    mine = pl.col("instrument_id") == instrument_id
    closed = sessions.filter(pl.col("close_time") <= platform.clock.now())
    expected = closed.select("instrument_id", "session_date")
    minutes = platform.read("market.bars", first, end, pl.Series([instrument_id]), "1m")
    refused = books.refused(database, first, last).rename({"subject": "instrument_id"}).filter(mine)
    held = books.held(database, first, last).rename({"subject": "instrument_id"})
    return found.as_frame(
        [
            *(found.of_states(expected, states, BAR_PROVIDERS) if states.width else []),
            *found.of_breaks(books.breaks(database, first, last).filter(mine)),
            *found.of_refused(found.counted(refused)),
            *found.of_outliers(outliers(minutes)),
            *found.of_held(held.filter(mine, state="held")),
        ]
    )


def _counts(platform: Platform, instrument_id: str, first: date, end: date) -> dict[str, pl.DataFrame]:
    """Return by session how many rows were refused and revised, and when the last bar settles."""
    of_bars = (
        "SELECT session_date, settles_time FROM {schema}.bars WHERE {window} "
        "UNION ALL SELECT session_date, settles_time FROM {schema}.bars_1d WHERE {window}"
    )
    queries = {
        "quarantined_rows": "SELECT scope_date AS session_date, count(DISTINCT (payload_id, row_number)) AS "
        "quarantined_rows FROM ops.quarantine WHERE subject = {subject} AND scope_date >= {start}::date "
        "AND scope_date < {stop}::date GROUP BY 1",
        "revised_rows": "SELECT session_date, count(*) AS revised_rows FROM ({closed}) AS closed GROUP BY 1",
        "settles_time": "SELECT session_date, max(settles_time) AS settles_time FROM ({current}) AS now GROUP BY 1",
    }
    subject, start, stop = sql.Literal(instrument_id), sql.Literal(str(first)), sql.Literal(str(end))
    # The instants beside the dates let TimescaleDB leave other chunks alone.
    window = sql.SQL(
        "instrument_id = {0} AND session_date >= {1}::date AND session_date < {2}::date "
        "AND event_time >= {1}::date - 2 AND event_time < {2}::date + 2"
    ).format(subject, start, stop)
    schemas = {"closed": sql.SQL("history"), "current": sql.SQL("market")}
    parts = {name: sql.SQL(of_bars).format(schema=schema, window=window) for name, schema in schemas.items()}
    asked = {"subject": subject, "start": start, "stop": stop, **parts}
    frame = platform.store.database.frame
    return {name: frame(sql.SQL(query).format(**asked)) for name, query in queries.items()}


def _judged(rows: pl.DataFrame, findings: pl.DataFrame, now: datetime) -> pl.DataFrame:
    answers, lines, words = [], [], []
    for row in rows.iter_rows(named=True):
        mine = findings.filter(session_date=row["session_date"])
        expected = rows.filter(session_date=row["session_date"]).select("instrument_id", "session_date")
        settles = row["settles_time"] if row["settles_time"] and row["settles_time"] > now else None
        told = (
            verdict(expected, mine, settles)
            if row["close_time"] <= now
            else not_closed([(row["mic"], row["close_time"])])
        )
        answers.append(told.answer)
        lines.append(told.line)
        words.append(mine.get_column("words").to_list())
    return rows.with_columns(
        verdict=pl.Series(answers, dtype=pl.String),
        verdict_line=pl.Series(lines, dtype=pl.String),
        findings=pl.Series(words, dtype=pl.List(pl.String)),
    )
