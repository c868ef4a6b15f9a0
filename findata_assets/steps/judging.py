"""Receiving what live providers answer: each answer is judged, a run's together; what is implausible is held.

The order is what makes it safe: the decision to hold is on S3 and in the books before the payload is, so that nobody
who finds the payload, after a kill too, can fold it. What belongs here: what an answer is compared with, and that
order. What does not: the rules (findata_core.quality), what an operator decides (holding).

Recorded files are not judged: an operator has named them, their manifest says what they are, and old files say on
purpose what the tables do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import polars as pl
from psycopg import sql

from findata_assets.steps.completing import BAR_TABLES
from findata_assets.steps.entries import Intake
from findata_assets.steps.platform import Platform, mic_of
from findata_assets.steps.receiving import receive_all
from findata_assets.steps.rescaled import explanations, known_splits
from findata_core.errors import FindataError
from findata_core.intervals import interval_of
from findata_core.quality.emptiness import ASKED_SCHEMA, answers_to_hold, empty_sessions, in_words
from findata_core.quality.plausibility import PRICES, Finding, Known, explained_rescalings, judge_bars
from findata_core.schema.tables import table
from findata_resources.provider import BAR_ROWS, Received
from findata_resources.providers import CAPABILITIES
from findata_resources.providers.decisions import decision
from findata_resources.stores.database import literal_list
from findata_resources.stores.raw import receipt

DAY = timedelta(days=1)
AROUND = timedelta(days=2)  # bars displaced by hours stand on the days beside theirs
NEAR = timedelta(days=14)  # sessions whose prices tell the scale: the longest closures are shorter
ALIVE = timedelta(days=14)


@dataclass
class Judged:
    """Answers of one run. Those without bars are kept back until all are there: only together they tell.

    What is kept back is not stored: a run killed before finish() has not received it, and it is asked for again.
    """

    platform: Platform
    _answers: int = 0
    _covered: list[tuple[Any, ...]] = field(default_factory=list)
    _kept_back: dict[int, Received] = field(default_factory=dict)

    def take_all(self, answers: Sequence[Received]) -> list[tuple[Received, Intake]]:
        """Judge answers and receive them; those without bars are kept back and not among what is returned."""
        taken: list[tuple[Received, bool]] = []  # decisions too, each before what it holds
        for received in answers:
            decided = self._decided(received)
            if decided is not None:
                taken += [*((one, False) for one in decided), (received, True)]
        intakes = receive_all(self.platform, [received for received, _ in taken])
        both = zip(taken, intakes, strict=True)
        return [(received, intake) for (received, is_answer), intake in both if is_answer]

    def _decided(self, received: Received) -> list[Received] | None:
        """Return the decision to hold an answer, where it can't be true; None if it is kept back."""
        said = bars_said(self.platform, received)
        if said is None:
            return []
        self._answers += 1
        self._covered.extend(_sessions_covered(self.platform, self._answers, received, said))
        if said.is_empty():
            self._kept_back[self._answers] = received
            return None
        known = replace(
            _known_around(self.platform, said), splits=known_splits(self.platform, received, said)
        )
        findings = judge_bars(said, known)
        if findings:
            return [_hold([received], findings[0].rule, _reason(findings), findings[0].evidence)]
        return explanations(received, explained_rescalings(said, known))

    def finish(self) -> list[tuple[Received, Intake]]:
        """Judge all answers together, and receive those that were kept back."""
        empty, covered = self._kept_back, self._covered
        self._kept_back, self._covered = {}, []
        decisions = list(_empty_held(self.platform, empty, covered)) if empty else []
        intakes = receive_all(self.platform, [*decisions, *empty.values()])
        return list(zip(empty.values(), intakes[len(decisions) :], strict=True))


def bars_said(platform: Platform, received: Received) -> pl.DataFrame | None:
    """Return the bars with prices that a live provider's answer holds; None where it is none, or can't be read."""
    request = received.request
    if request.dataset != "bars" or request.provider not in CAPABILITIES:
        return None
    payload = receipt(received)
    platform.parsed.hand_over(payload, received.body)
    try:
        parts = platform.parsed.of(payload)
    except FindataError:
        return None
    rows = [part.rows.select(*BAR_ROWS) for part in parts if part.table in BAR_TABLES]
    return pl.concat([pl.DataFrame(schema=BAR_ROWS), *rows]).drop_nulls(PRICES)


def _reason(findings: Sequence[Finding]) -> str:
    return "; ".join(finding.reason for finding in findings)


def _hold(
    answers: Sequence[Received], rule: str, reason: str, evidence: Sequence[dict[str, Any]]
) -> Received:
    """Return the decision to hold answers, received when the last of them was."""
    held = [(receipt(received)["payload_id"], reason, evidence) for received in answers]
    return decision("hold", held, max(received.received_time for received in answers), rule)


def _known_around(platform: Platform, said: pl.DataFrame) -> Known:
    """Read what is known around bars: themselves as stored, prices of sessions near by, sessions."""
    days = pl.concat([said.get_column("session_date"), said.get_column("event_time").dt.date()]).drop_nulls()
    first, last = days.min(), days.max()
    subjects = said.get_column("instrument_id").drop_nulls().unique().sort()
    if not (isinstance(first, date) and isinstance(last, date)) or subjects.is_empty():
        return Known(
            pl.DataFrame(schema=BAR_ROWS), pl.DataFrame(schema=LEVEL_SCHEMA), platform.sessions(set())
        )
    stored = [
        platform.store.read(table(address), first - AROUND, last + AROUND + DAY, subjects).select(STORED)
        for address in BAR_TABLES
        if (address == "market.bars_1d") in set(said.get_column("interval") == "1d")
    ]
    sessions = platform.sessions_of(subjects).filter(
        pl.col("session_date").is_between(first - AROUND, last + AROUND)
    )
    levels = platform.store.database.frame(_levels_query(subjects.to_list(), first - NEAR, last + NEAR))
    return Known(pl.concat(stored), levels, sessions)


STORED = tuple(name for name in BAR_ROWS if name not in ("row_number", "vwap", "trade_count"))
LEVEL_SCHEMA = {
    "instrument_id": pl.String,
    "source": pl.String,
    "adjustment": pl.String,
    "session_date": pl.Date,
    "level": pl.Float64,
}


def _levels_query(subjects: Sequence[str], first: date, last: date) -> sql.Composed:
    """A price of each session of each source and basis: the median close of its bars, by table."""
    one = sql.SQL(
        "SELECT instrument_id, source, adjustment, session_date, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY close) AS level FROM {} "
        "WHERE instrument_id = ANY({}) AND session_date BETWEEN {}::date AND {}::date "
        "AND event_time BETWEEN {}::timestamptz AND {}::timestamptz GROUP BY 1, 2, 3, 4"
    )
    bounds = [sql.Literal(str(day)) for day in (first, last)]
    instants = [sql.Literal(f"{day} 00:00+00") for day in (first - AROUND, last + AROUND)]
    return sql.SQL(" UNION ALL ").join(
        one.format(
            sql.Identifier(*address.split(".")), literal_list(list(subjects), "text"), *bounds, *instants
        )
        for address in BAR_TABLES
    )


def _empty_held(
    platform: Platform, empty: Mapping[int, Received], covered: Sequence[tuple[Any, ...]]
) -> Iterator[Received]:
    """Yield the decision to hold a run's empty answers, where too many of them are."""
    rows = pl.DataFrame(covered, schema=list(ASKED_SCHEMA.items())[:7], orient="row")
    asked = _with_neighbours(platform, rows)
    too_empty = empty_sessions(asked)
    numbers = answers_to_hold(asked, too_empty)
    if numbers:
        evidence = [
            {
                "session": str(row["session_date"]),
                **{name: row[name] for name in ("interval", "mic", "asked", "empty")},
            }
            for row in too_empty.iter_rows(named=True)
        ]
        yield _hold([empty[number] for number in numbers], "universe_empty", in_words(too_empty), evidence)


def _sessions_covered(
    platform: Platform, number: int, received: Received, said: pl.DataFrame
) -> Iterator[tuple[Any, ...]]:
    """Yield answer, instrument, exchange, source, interval, session and whether it has bars of it."""
    request = received.request
    if request.window_start is None or request.window_end is None:
        return
    interval, mic = str(request.parameters["interval"]), mic_of(request.subject)
    covers = (pl.col("open_time") >= request.window_start) & (
        pl.col("close_time") <= min(request.window_end, received.received_time)
    )
    sessions = platform.sessions({mic}).filter(covers)
    is_daily = interval_of(interval).minutes is None
    times = said.get_column("event_time")
    for day, opens, closes in sessions.select("session_date", "open_time", "close_time").iter_rows():
        bars = said.get_column("session_date") == day if is_daily else times.is_between(opens, closes)
        yield number, request.subject, mic, request.source, interval, day, bool(bars.any())


def _with_neighbours(platform: Platform, covered: pl.DataFrame) -> pl.DataFrame:
    """Add the session nearest to each of which its source has brought bars, and whether there is any."""
    brought = platform.store.database.frame(_brought_query(covered)).sort("brought_date")
    nearest = covered.sort("session_date").join_asof(
        brought.with_columns(nearest_date=pl.col("brought_date")),
        left_on="session_date",
        right_on="brought_date",
        by=["instrument_id", "source"],
        strategy="nearest",
        check_sortedness=False,
    )
    is_known = pl.col("nearest_date").is_not_null()
    return nearest.with_columns(is_known=is_known).match_to_schema(ASKED_SCHEMA, extra_columns="ignore")


def _brought_query(covered: pl.DataFrame) -> sql.Composed:
    """The sessions near those asked for, and the last one at all, of which each source has brought bars."""
    subjects = covered.get_column("instrument_id").unique().sort().to_list()
    days = covered.get_column("session_date")
    first, last = days.min() or date.max, days.max() or date.min
    assert isinstance(first, date)
    assert isinstance(last, date)
    return sql.SQL(
        "SELECT DISTINCT subject AS instrument_id, split_part(slice, '/', 2) AS source, scope_date AS brought_date "
        "FROM ops.digests WHERE table_name = ANY({tables}) AND subject = ANY({subjects}) "
        "AND scope_date BETWEEN {first}::date AND {last}::date "
        "UNION SELECT subject, split_part(slice, '/', 2), max(scope_date) FROM ops.digests "
        "WHERE table_name = ANY({tables}) AND subject = ANY({subjects}) GROUP BY 1, 2"
    ).format(
        tables=literal_list(BAR_TABLES, "text"),
        subjects=literal_list(subjects, "text"),
        first=sql.Literal(str(first - ALIVE) if subjects else "1970-01-01"),
        last=sql.Literal(str(last + ALIVE) if subjects else "1970-01-01"),
    )
