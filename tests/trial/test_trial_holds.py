"""Recorded bars judged as if a provider had answered them: none is implausible, and each distortion of them is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from findata_core.calendars import sessions_of
from findata_core.quality.plausibility import PRICES, Finding, Known, judge_bars
from findata_resources.environment import PROJECT, SystemClock
from findata_resources.provider import BAR_ROWS
from findata_resources.providers import parse_payload
from findata_resources.providers.recorded import RecordedProvider
from findata_resources.providers.recorded_files import survey
from findata_resources.providers.recorded_manifest import load_manifest

MANIFEST = PROJECT / "tests" / "manifests" / "bars_1m.toml"
FAR = timedelta(days=3)


@dataclass(frozen=True)
class Recorded:
    """The bars of a file, by instrument and interval, with their exchange's sessions around them."""

    name: str
    bars: pl.DataFrame
    sessions: pl.DataFrame

    def halves(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Cut it where half of its days are over."""
        days = day_of(self.bars)
        middle = days.unique().sort()[days.n_unique() // 2]
        return self.bars.filter(days < middle), self.bars.filter(days >= middle)

    def judged(self, said: pl.DataFrame, stored: pl.DataFrame) -> list[Finding]:
        named = stored.with_columns(session_date=day_of(stored))
        key = ["instrument_id", "source", "adjustment", "session_date"]
        levels = named.group_by(key).agg(level=pl.col("close").median())
        return judge_bars(said, Known(stored, levels, self.sessions))


def day_of(bars: pl.DataFrame) -> pl.Series:
    """Return the day of each bar, UTC: what is far enough from a session's edges for a cut."""
    return bars.select(pl.coalesce("session_date", pl.col("event_time").dt.date())).to_series()


@pytest.fixture(scope="module")
def recorded(trial_data: Path) -> list[Recorded]:
    return list(_recorded(trial_data / "bars_1m"))


def _recorded(folder: Path) -> Iterator[Recorded]:
    provider = RecordedProvider(folder)
    for path, request in survey(folder, load_manifest(MANIFEST), MANIFEST).requests:
        answer = provider.fetch(request, SystemClock())
        said = [part.rows for part in parse_payload(answer.body, request.to_dict()) if "bars" in part.table]
        rows = pl.concat(part.select(*BAR_ROWS) for part in said).drop_nulls(PRICES)
        for (instrument_id, interval), bars in rows.group_by("instrument_id", "interval"):
            days = day_of(bars)
            mic = str(instrument_id).rpartition(".")[2]
            sessions = _sessions(mic).filter(
                pl.col("session_date").is_between(days.min() - FAR, days.max() + FAR)  # type: ignore[operator]
            )
            yield Recorded(f"{path}: {instrument_id} {interval}", bars, sessions)


@cache
def _sessions(mic: str) -> pl.DataFrame:

    return sessions_of(mic, date(1985, 1, 2), date(2026, 12, 31))


def test_recorded_bars_are_let_pass_first_and_again_and_in_two_parts(recorded: list[Recorded]) -> None:
    found = []
    for one in recorded:
        earlier, later = one.halves()
        cases = ((one.bars, one.bars.clear()), (one.bars, one.bars), (later, earlier), (earlier, later))
        found += [(one.name, finding) for said, stored in cases for finding in one.judged(said, stored)]
    assert found == []
    assert len(recorded) > 100


def regular(one: Recorded) -> pl.DataFrame:
    """Return the bars of a file within its sessions, of those that have nearly all of them."""
    bounds = one.sessions.select("session_date", "open_time", "close_time", "trading_minutes")
    inside = one.bars.join_where(
        bounds.rename({"session_date": "day"}),
        pl.col("event_time") >= pl.col("open_time"),
        pl.col("event_time") < pl.col("close_time"),
    )
    is_full = pl.len().over("day") >= 0.95 * pl.col("trading_minutes")
    return inside.filter(is_full).select(one.bars.columns)


@pytest.mark.parametrize(
    ("factor", "rules"),
    [
        (0.5, {"history_rescaled"}),
        (1 / 7, {"history_rescaled"}),
        (0.1, {"history_rescaled", "powers_of_ten_off"}),
        (100.0, {"powers_of_ten_off"}),
    ],
)
def test_recorded_bars_on_another_scale_are_found(
    recorded: list[Recorded], factor: float, rules: set[str]
) -> None:
    for one in recorded:
        if one.bars.filter(pl.col("high") > pl.col("low")).height < 50:
            continue
        other = one.bars.with_columns(pl.col(*PRICES) * factor)
        assert {finding.rule for finding in one.judged(other, one.bars)} & rules, one.name


@pytest.mark.parametrize("hours", [-5, 1, 8])
def test_recorded_minutes_hours_away_are_found_beside_stored_ones_and_beside_the_calendar(
    recorded: list[Recorded], hours: int
) -> None:
    counted = 0
    for one in recorded:
        minutes = regular(one) if one.bars.item(0, "interval") == "1m" else one.bars.clear()
        if minutes.is_empty():
            continue
        counted += 1
        moved = minutes.with_columns(pl.col("event_time") + timedelta(hours=hours))
        assert [finding.rule for finding in one.judged(moved, moved.clear())] == ["shifted_in_time"], one.name
        if minutes.filter(pl.col("high") > pl.col("low")).height > 100:
            assert [found.rule for found in one.judged(moved, minutes)] == ["shifted_in_time"], one.name
    assert counted > 30
