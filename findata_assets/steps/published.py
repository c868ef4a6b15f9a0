"""What a series was: as of a day or an instant of its publisher, at first, now, with every revision; and searching.

What belongs here: reading. What does not: how vintages become revisions (findata_core/economic/vintages.py), what
findata itself had received by an instant (known.py).
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import partial

import polars as pl
from psycopg import sql

from findata_assets.steps.asking import moment_of
from findata_assets.steps.patience import patiently
from findata_assets.steps.platform import Platform
from findata_core.economic.catalogue import SERIES, series_of
from findata_core.errors import ConfigurationError
from findata_resources.providers.fred import FredProvider
from findata_resources.providers.fred_search import search

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_REVISIONS = (
    "SELECT source, observation_date, value, state, realtime_start_date, realtime_end_date, available_time, "
    "is_start_exact, revision_number, change FROM economic.revisions WHERE series_id = {} AND {} "
    "ORDER BY source, observation_date, revision_number"
)


class View(StrEnum):
    """Which values of a series are shown."""

    FIRST = "first"
    LATEST = "latest"
    REVISIONS = "revisions"


_CONDITIONS = {
    View.FIRST: "revision_number = 0",
    View.LATEST: "is_latest AND state <> 'withdrawn'",
    View.REVISIONS: "true",
}


def values_of(platform: Platform, series_id: str, view: View) -> pl.DataFrame:
    """Return values of a series with the days on which they stood; ConfigurationError where nothing is stored."""
    query = sql.SQL(_REVISIONS).format(sql.Literal(series_id), sql.SQL(_CONDITIONS[view]))
    return _found(platform, series_id, platform.store.database.frame(query))


def values_as_of(platform: Platform, series_id: str, moment: str) -> pl.DataFrame:
    """Return what a series was at a moment: a day of the publisher, inclusive, or an instant (UTC without offset)."""
    text = moment.strip()
    if not _DAY.fullmatch(text):
        text = moment_of(text).isoformat()
    query = sql.SQL(
        "SELECT source, observation_date, value, state, vintage_date, vintage_kind, release_time "
        "FROM economic.observations_as_of({}::text) WHERE series_id = {} ORDER BY source, observation_date"
    ).format(sql.Literal(text), sql.Literal(series_id))
    return _found(platform, series_id, platform.store.database.frame(query))


def vintages_of(platform: Platform, series_id: str) -> pl.DataFrame:
    """Return the days on which a series was published or revised, and how many of its values changed on each."""
    query = sql.SQL(
        "SELECT source, vintage_date, coalesce(changes, 0) AS changes FROM (SELECT source, vintage_date "
        "FROM economic.vintages WHERE series_id = {0}) AS listed FULL JOIN (SELECT source, "
        "realtime_start_date AS vintage_date, count(*) AS changes FROM economic.revisions WHERE series_id = {0} "
        "GROUP BY 1, 2) AS seen USING (source, vintage_date) ORDER BY 1, 2"
    ).format(sql.Literal(series_id))
    return _found(platform, series_id, platform.store.database.frame(query))


def search_series(platform: Platform, text: str, limit: int) -> list[tuple[str, ...]]:
    """Look for series at FRED; it counts as a request like any other."""
    settings = platform.settings
    provider = FredProvider(settings.fred_api_key, settings.fred_base_url, settings.request_timeout_seconds)
    look = partial(search, settings.fred_api_key, settings.fred_base_url, text, limit)
    return patiently(platform, provider, look)


def _found(platform: Platform, series_id: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows; where there are none, say what is wrong: no such series, or none that is stored."""
    if not rows.is_empty():
        return rows
    query = sql.SQL("SELECT count(*) AS n FROM economic.observations WHERE series_id = {}")
    if platform.store.database.frame(query.format(sql.Literal(series_id))).item():
        return rows  # it is stored, and there was nothing yet
    if series_id in {line.series_id for line in SERIES}:
        raise ConfigurationError(
            f"No value of {series_id} is stored",
            "Run findata materialize --source fred, which needs FINDATA_FRED_API_KEY, or load saved answers with "
            "--recorded (docs/providers/fred.md)",
        )
    series_of(series_id)
    return rows
