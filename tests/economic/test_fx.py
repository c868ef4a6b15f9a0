"""The euro's reference rates: what the European Central Bank's files say, over real HTTP and as saved files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.live import fetch_fx
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import load_recorded
from findata_core.errors import MalformedPayload, RefusedRequest
from findata_resources.providers import ecb
from tests.conftest import MakePlatform
from tests.orchestration import SetClock
from tests.standin import StandIn

NOW = datetime(2026, 4, 13, 16, tzinfo=UTC)
# The bank's own shape: a comma at the end of each line, N/A where a currency is not quoted. Two days as published.
HISTORY = b"""Date,USD,JPY,BGN,EEK,
2026-04-13,1.1684,186.75,N/A,N/A,
1999-01-04,1.1789,133.73,N/A,15.6466,
"""
LAST_DAY = b"Date, USD, JPY, \n13 April 2026, 1.1684, 186.75, \n"
REQUEST = ecb.fx_request().to_dict()


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("eurofxref-hist.csv"), content
        )  # of no time: the same bytes each day
    return made.getvalue()


def said(body: bytes) -> list[tuple[Any, ...]]:
    (parsed,) = ecb.parse(body, REQUEST)
    assert parsed.table == "economic.fx_rates"
    return sorted(parsed.rows.select("base", "quote", "observation_date", "rate").rows())


def test_a_currency_that_is_not_quoted_has_no_row_and_never_a_zero() -> None:
    assert said(zipped(HISTORY)) == [
        ("EUR", "EEK", date(1999, 1, 4), 15.6466),
        ("EUR", "JPY", date(1999, 1, 4), 133.73),
        ("EUR", "JPY", date(2026, 4, 13), 186.75),
        ("EUR", "USD", date(1999, 1, 4), 1.1789),
        ("EUR", "USD", date(2026, 4, 13), 1.1684),
    ]


def test_the_zip_the_plain_file_and_the_file_of_the_last_day_say_the_same() -> None:
    assert said(HISTORY) == said(zipped(HISTORY))
    assert said(LAST_DAY) == [row for row in said(HISTORY) if row[2] == date(2026, 4, 13)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!DOCTYPE html><html></html>", "does not begin with Date"),
        (b"", "does not begin with Date"),
        (b"Date,USD,USD,\n", "does not begin with Date"),
        (HISTORY[:-20], "Line 3 has"),  # cut off in the middle of a line
        (b"Date,USD,JPY,\n2026-04-13,1.1684,186.75,1.5,\n", "Line 2 has 4 rates for 2"),
        (b"PK\x03\x04broken", "compressed file is broken"),
        (b"\xff\xfe", "no CSV"),
    ],
)
def test_what_is_no_file_of_rates_is_refused_as_a_whole(body: bytes, why: str) -> None:
    with pytest.raises(MalformedPayload, match=why):
        ecb.parse(body, REQUEST)


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=NOW) as server:
        server.ecb_files["eurofxref-hist.zip"] = zipped(HISTORY)
        yield server


@pytest.fixture
def live(standin: StandIn, make_platform: MakePlatform) -> Platform:
    platform = make_platform(ecb_base_url=f"{standin.base_url}/eurofxref")
    platform.clock = SetClock(NOW)
    return platform


def rows(platform: Platform, query: str) -> list[tuple[Any, ...]]:
    return platform.store.database.frame(sql.SQL(query)).rows()  # type: ignore[arg-type]


def test_the_banks_file_becomes_rates_and_a_correction_keeps_what_was_said_before(
    live: Platform, standin: StandIn
) -> None:
    fetch_fx(live)
    run_due(live)
    assert rows(live, "SELECT count(*) FROM economic.fx_rates") == [(5,)]
    standin.ecb_files["eurofxref-hist.zip"] = zipped(HISTORY.replace(b"1.1684", b"1.1685"))
    live.clock = SetClock(NOW.replace(hour=17))
    fetch_fx(live)
    run_due(live)
    query = "SELECT rate FROM {} WHERE quote = 'USD' AND observation_date = '2026-04-13'"
    assert rows(live, query.format("economic.fx_rates")) == [(1.1685,)]
    assert rows(live, query.format("history.fx_rates")) == [(1.1684,)]
    assert rows(live, query.format("as_of.fx_rates('2026-04-13 16:30Z')")) == [(1.1684,)]


def test_a_rate_of_zero_and_one_that_is_no_number_are_quarantined_with_the_reason(
    live: Platform, standin: StandIn
) -> None:
    standin.ecb_files["eurofxref-hist.zip"] = zipped(b"Date,USD,JPY,GBP,CHF,\n2026-04-13,0,abc,-1,0.9242,\n")
    fetch_fx(live)
    run_due(live)
    assert rows(live, "SELECT quote, rate FROM economic.fx_rates") == [("CHF", 0.9242)]
    refused = rows(live, "SELECT subject, rule FROM ops.quarantine ORDER BY 1")
    assert refused == [("GBP", "rate_below_minimum"), ("JPY", "rate_null"), ("USD", "rate_below_minimum")]


def test_a_file_that_is_not_there_is_refused(live: Platform, standin: StandIn) -> None:
    standin.ecb_files.clear()
    with pytest.raises(RefusedRequest, match="404"):
        fetch_fx(live)


def test_a_saved_file_comes_in_by_a_manifest(make_platform: MakePlatform, tmp_path: Path) -> None:
    (tmp_path / "rates.zip").write_bytes(zipped(HISTORY))
    (tmp_path / "recorded.toml").write_text(
        '[[set]]\nname = "ecb"\nfiles = "*.zip"\ndataset = "fx"\nsource = "ecb"\nreceived = 2026-04-13T16:00:00Z\nlayout.format = "ecb_csv"\n'
    )
    platform = make_platform()
    load_recorded(platform, tmp_path, None, "fx")
    run_due(platform)
    assert rows(platform, "SELECT source, count(*) FROM economic.fx_rates GROUP BY 1") == [("ecb", 5)]
