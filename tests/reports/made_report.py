"""A report of as many sick instruments as wanted, with texts that try to be markup."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from findata_core.calendars import sessions_of
from findata_core.quality import findings as found
from findata_core.quality.heat import heat
from findata_core.quality.outliers import outliers
from findata_core.quality.report import Drawing, QualityReport, Venue, shown
from findata_core.quality.verdicts import verdict

DAY = date(2022, 6, 15)
MOMENT = datetime(2022, 6, 15, 21, tzinfo=UTC)
NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'&amp;{{7*7}}</style></svg>"


def made_report(count: int = 3, text: str = NASTY, healthy: int = 0) -> QualityReport:
    """Return a session's report of `count` instruments with every sort of finding, and healthy ones."""
    sick = [f"SICK{number}.XNAS" for number in range(count)]
    names = [*sick, *(f"WELL{number}.XNAS" for number in range(healthy))]
    sessions = sessions_of("XNAS", DAY, DAY)
    expected = pl.DataFrame({"instrument_id": names, "session_date": [DAY] * len(names)})
    minutes = _minutes(sick)
    stray = outliers(minutes)
    findings = found.as_frame(
        [
            *(found.finding("excepts", name, DAY, "minutes_missing", text, text) for name in sick),
            *found.of_outliers(stray),
        ]
    )
    row = sessions.row(0, named=True)
    told = verdict(expected, findings)
    times = (row["time_zone"], row["open_time"], row["close_time"])
    return QualityReport(
        DAY,
        DAY,
        ("XNAS", "XLON"),
        told,
        MOMENT,
        (Venue("XNAS", DAY, *times, told),),
        expected,
        heat(_states(sick, names), sessions),
        findings,
        {
            "refused": shown(_refused(sick, text)),
            "breaks": shown(_breaks(sick, text, "minutes_daily")),
            "sick": shown(_breaks(sick, text, "sick_volume")),
            "revisions": shown(_revisions(sick)),
            "held": shown(_held(sick, text)),
            "outliers": shown(stray),
            "freshness": shown(_freshness()),
            "payloads": shown(_payloads(names, text)),
        },
        tuple(_drawings(minutes, stray)),
    )


def _states(sick: list[str], names: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "instrument_id": names,
            "source": ["yahoo"] * len(names),
            "session_date": [DAY] * len(names),
            "status": ["partial" if name in sick else "complete" for name in names],
            "missing_ranges": ["13:45-14:05 16:30-20:00" if name in sick else "" for name in names],
        }
    )


def _minutes(names: list[str]) -> pl.DataFrame:
    start = datetime(2022, 6, 15, 13, 30, tzinfo=UTC)
    rows = [
        {
            "instrument_id": name,
            "source": "yahoo",
            "adjustment": "raw",
            "interval": "1m",
            "session_phase": "regular",
            "session_date": DAY,
            "event_time": start + timedelta(minutes=number),
            "open": 100.0,
            "high": 110.0 if number == 60 else 100.1,
            "low": 99.9,
            "close": 100.0 + number % 3 * 0.01,
            "payload_id": 7,
        }
        for name in names[:20]
        for number in range(180)
    ]
    return pl.DataFrame(rows).with_columns(pl.col("event_time").cast(pl.Datetime("us", "UTC")))


def _drawings(minutes: pl.DataFrame, stray: pl.DataFrame) -> list[Drawing]:
    return [
        Drawing(
            row,
            minutes.filter(instrument_id=row["instrument_id"]),
            stray.filter(instrument_id=row["instrument_id"]),
        )
        for row in stray.head(12).iter_rows(named=True)
    ]


def _refused(names: list[str], text: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "table_name": "market.bars",
                "rule": "high_not_highest",
                "instrument_id": name,
                "scope_date": DAY,
                "reason": text,
                "row": text,
                "payload_id": 255,
                "row_number": -1,
                "ingest_time": MOMENT,
            }
            for name in names
        ]
    )


def _breaks(names: list[str], text: str, kind: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "state": "open",
                "kind": kind,
                "instrument_id": name,
                "session_date": DAY,
                "interval": "1d",
                "field": "close",
                "left_source": text,
                "right_source": "yahoo",
                "left_value": 1.5,
                "right_value": 2.5,
                "broken_bars": 1,
                "compared_bars": 1,
                "explanation": text,
            }
            for name in names
        ]
    )


def _revisions(names: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "instrument_id": name,
                "source": "yahoo",
                "interval": "1m",
                "session_date": DAY,
                "superseded_time": MOMENT,
                "payload_id": 4096,
                "bars": 3,
                "fields": "close, volume",
                "largest_change": 0.05,
                "field": "close",
                "event_time": MOMENT,
                "old_value": 10.0,
                "new_value": 10.5,
            }
            for name in names
        ]
    )


def _held(names: list[str], text: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "instrument_id": name,
                "payload_id": 4096,
                "state": "released",
                "rule": "history_rescaled",
                "reason": text,
                "held_time": MOMENT,
                "decided_time": MOMENT,
                "operator": text,
                "decided_reason": text,
            }
            for name in names
        ]
    )


def _freshness() -> pl.DataFrame:
    row = {"source": "yahoo", "table_name": "market.bars", "instruments": 3, "payloads": 3}
    return pl.DataFrame([{**row, "first_time": MOMENT, "last_time": MOMENT}])


def _payloads(names: list[str], text: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "instrument_id": name,
                "payload_id": 4096,
                "received_time": MOMENT,
                "table_name": "market.bars",
                "object_key": text,
            }
            for name in names
        ]
    )
