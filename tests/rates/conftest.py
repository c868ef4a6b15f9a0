"""Fixings and published figures in their tables' shapes: built, from the sample, or from the trial data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from findata_core.schema.frames import conform
from findata_core.schema.tables import table

Rows = Callable[..., pl.DataFrame]
RECEIVED = datetime(2022, 7, 1, 12, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "findata_resources" / "sample" / "sofr_published.csv"
FRED_IDS = {
    "SOFR30DAYAVG": "average_30day_percent",
    "SOFR90DAYAVG": "average_90day_percent",
    "SOFR180DAYAVG": "average_180day_percent",
    "SOFRINDEX": "index_value",
}


@pytest.fixture
def fixings() -> Rows:
    """Fixings of these days; further columns as given."""

    def build(rates: Mapping[date, float], **columns: Any) -> pl.DataFrame:
        frame = pl.DataFrame(
            {"observation_date": list(rates), "rate_percent": list(rates.values())},
            schema={"observation_date": pl.Date, "rate_percent": pl.Float64},
        )
        return _in_shape(frame, "rates.rates", columns)

    return build


@pytest.fixture
def published() -> Rows:
    """Published figures of these days: a mapping of column to number for each."""

    def build(figures: Mapping[date, Mapping[str, float]], **columns: Any) -> pl.DataFrame:
        schema = {"observation_date": pl.Date, **dict.fromkeys(FRED_IDS.values(), pl.Float64)}
        rows = [{"observation_date": day, **values} for day, values in figures.items()]
        return _in_shape(pl.DataFrame(rows, schema=schema), "rates.published_averages", columns)

    return build


@pytest.fixture
def sample() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fixings and published figures of the bundled sample."""
    frame = pl.read_csv(SAMPLE, try_parse_dates=True)
    return _in_shape(frame, "rates.rates", {}), _in_shape(frame, "rates.published_averages", {})


@pytest.fixture
def recorded(trial_data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What FRED served of the New York Fed's figures from 2019-08-29 to 2022-06-30."""
    folder = trial_data / "rates" / "published_to_2022-06"
    figures = [_fred(folder, name, column) for name, column in FRED_IDS.items()]
    joined = figures[0]
    for frame in figures[1:]:
        joined = joined.join(frame, on="observation_date", how="full", coalesce=True)
    rates = _fred(folder, "SOFR", "rate_percent")
    return _in_shape(rates, "rates.rates", {}), _in_shape(joined, "rates.published_averages", {})


def _fred(folder: Path, name: str, column: str) -> pl.DataFrame:
    frame = pl.read_csv(folder / f"{name}.csv", null_values=".", try_parse_dates=True)
    return frame.rename({"DATE": "observation_date", name: column}).drop_nulls()


def _in_shape(frame: pl.DataFrame, address: str, columns: Mapping[str, Any]) -> pl.DataFrame:
    plain = {"rate": "SOFR", "source": "nyfed", "ingest_time": RECEIVED, "payload_id": 1, **columns}
    return conform(
        frame.with_columns(**{name: pl.lit(value) for name, value in plain.items()}), table(address)
    )
