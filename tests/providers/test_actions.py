"""Splits and dividends out of Yahoo's charts, Lean's factor files and anyone's tables."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yfinance.utils

from findata_core.errors import ConfigurationError, MalformedPayload
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_core.schema.validation import validate
from findata_resources.environment import PROJECT
from findata_resources.provider import Parsed
from findata_resources.providers import parse_payload
from findata_resources.providers.recorded_files import survey
from findata_resources.providers.recorded_manifest import manifest_from
from findata_resources.providers.yahoo_chart import bars_request

REAL = "payloads/gadicc-node-yahoo-finance2/real"
START = datetime(2020, 1, 1, tzinfo=UTC)
PUBLISHED = tomllib.loads((PROJECT / "tests/answers/dividends_published.toml").read_text())["aapl"]


def said(parts: list[Parsed], address: str) -> list[dict[str, Any]]:
    return [row for part in parts if part.table == address for row in part.rows.to_dicts()]


def refused(parts: list[Parsed], address: str) -> list[str]:
    """Names of the rules that rows broke."""
    target = table(address)
    rows = pl.concat([part.rows for part in parts if part.table == address]).with_columns(
        ingest_time=pl.lit(START), payload_id=pl.lit(1)
    )
    return sorted(set(validate(target, conform(rows, target).sort(target.business_key)).failures["rule"]))


def of_chart(content: Mapping[str, Any], interval: str = "1d") -> list[Parsed]:
    symbol = content["chart"]["result"][0]["meta"].get("symbol", "A")
    request = bars_request("A.XNAS", symbol, interval, START, START + timedelta(days=1))
    return parse_payload(json.dumps(content).encode(), json.loads(request.to_json()))


def chart(events: object, **meta: object) -> dict[str, Any]:
    usual = {"currency": "USD", "exchangeTimezoneName": "America/New_York"}
    return {"chart": {"result": [{"meta": usual | meta, "events": events}], "error": None}}


RECORDED = [
    "chart-AAPL-2020-08-31-to-2020-11-07.json",
    "historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv.json",
    "historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json",
]


# yfinance 1.7.0 uses what pandas 3.1 will drop; that is its makers' to mend.
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_events_are_those_that_yfinance_reads(trial_data: Path, name: str) -> None:
    content = json.loads((trial_data / REAL / name).read_text())["response"]["bodyJson"]
    parts = of_chart(content)
    dividends, splits, _ = yfinance.utils.parse_actions(content["chart"]["result"][0])
    zone = content["chart"]["result"][0]["meta"]["exchangeTimezoneName"]
    theirs = {
        day.tz_localize("UTC").tz_convert(zone).date(): Decimal(str(value))
        for day, value in dividends.get("Dividends", {}).items()
    }
    ours = {row["ex_date"]: row["amount"] for row in said(parts, "reference.dividends")}
    assert ours == theirs
    ratios = {
        row["ex_date"]: row["numerator"] / row["denominator"] for row in said(parts, "reference.splits")
    }
    assert ratios == {
        day.tz_localize("UTC").tz_convert(zone).date(): value
        for day, value in splits.get("Stock Splits", {}).items()
    }
    assert ours or ratios


def test_apples_split_of_2020_is_read_with_its_dividend(trial_data: Path) -> None:
    content = json.loads((trial_data / REAL / RECORDED[0]).read_text())["response"]["bodyJson"]
    parts = of_chart(content)
    (split,) = said(parts, "reference.splits")
    assert (split["ex_date"], split["numerator"], split["denominator"]) == (date(2020, 8, 31), 4, 1)
    (paid,) = said(parts, "reference.dividends")
    assert (paid["ex_date"], paid["amount"], paid["currency"]) == (date(2020, 11, 6), Decimal("0.205"), "USD")
    assert paid["adjustment"] == "split"


def test_capital_gains_of_a_fund_are_dividends_of_their_own_kind(trial_data: Path) -> None:
    path = trial_data / "payloads/gramistella-yfinance-rs/history_chart_VFINX.json"
    content = json.loads(path.read_text())
    # It was asked with range=max, and its bars are quarters; here its events are read.
    content["chart"]["result"][0]["meta"]["dataGranularity"] = "1d"
    rows = said(of_chart(content), "reference.dividends")
    assert [row["kind"] for row in rows].count("capital_gain") == 21
    first = next(row for row in rows if row["kind"] == "capital_gain")
    assert (first["ex_date"], first["amount"]) == (date(1987, 12, 29), Decimal("0.17"))


def test_an_answer_without_events_says_bars_alone() -> None:
    assert [part.table for part in of_chart(chart({}))] == ["market.bars_1d"]
    assert [part.table for part in of_chart(chart(None))] == ["market.bars_1d"]
    assert [part.table for part in of_chart(chart([7]))] == ["market.bars_1d"]


def in_pence(amount: float, adjusted: float, **meta: object) -> dict[str, Any]:
    """Two days at 200 pence; before the second, a dividend, and what Yahoo's adjusted close makes of it."""
    content = chart({"dividends": {"1": {"amount": amount, "date": 1604673000}}}, currency="GBp", **meta)
    columns = {name: [200.0, 200.0] for name in ("open", "high", "low", "close", "volume")}
    content["chart"]["result"][0] |= {
        "timestamp": [1604586600, 1604673000],
        "indicators": {"quote": [columns], "adjclose": [{"adjclose": [adjusted, 200.0]}]},
    }
    return content


@pytest.mark.parametrize(
    ("amount", "adjusted", "pounds"),
    [(10.0, 190.0, "0.1"), (0.1, 190.0, "0.1"), (1.5, 198.5, "0.015"), (0.015, 198.5, "0.015")],
)
def test_whether_an_amount_is_in_pence_or_pounds_is_told_by_the_adjusted_close(
    amount: float, adjusted: float, pounds: str
) -> None:
    """10 pence of 200 leave 190, whether Yahoo writes 10 or 0.1."""
    (row,) = said(of_chart(in_pence(amount, adjusted)), "reference.dividends")
    assert (row["currency"], row["amount"]) == ("GBP", Decimal(pounds))


@pytest.mark.parametrize(("amount", "adjusted"), [(10.0, 200.0), (10.0, 0.0), (1e-9, 190.0), (10.0, 210.0)])
def test_an_amount_whose_unit_nothing_tells_is_refused(amount: float, adjusted: float) -> None:
    assert refused(of_chart(in_pence(amount, adjusted)), "reference.dividends") == ["currency_malformed"]


def test_minutes_in_pence_do_not_tell_the_unit_of_a_dividend() -> None:
    events = {"dividends": {"1": {"amount": 12.3, "date": 1604673000}}}
    parts = of_chart(chart(events, currency="GBp"), "1m")
    assert refused(parts, "reference.dividends") == ["currency_malformed"]


def test_an_event_that_names_pence_itself_is_kept_in_pounds() -> None:
    events = {"dividends": {"1": {"amount": 12.3, "date": 1604673000, "currency": "GBp"}}}
    (row,) = said(of_chart(chart(events, currency="GBp")), "reference.dividends")
    assert (row["currency"], row["amount"]) == ("GBP", Decimal("0.123"))


def test_an_event_that_names_its_own_currency_is_believed() -> None:
    events = {"dividends": {"1": {"amount": 0.123, "date": 1604673000, "currency": "GBP"}}}
    (row,) = said(of_chart(chart(events, currency="GBp")), "reference.dividends")
    assert (row["currency"], row["amount"]) == ("GBP", Decimal("0.123"))


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        ({"numerator": 0, "denominator": 1}, "numerator_below_minimum"),
        ({"numerator": -2, "denominator": 1}, "numerator_below_minimum"),
        ({"numerator": 2, "denominator": 0}, "denominator_below_minimum"),
        ({"numerator": 1, "denominator": 1}, "ratio_is_one"),
        ({"numerator": 0.3333333333333333, "denominator": 1}, "ratio_not_whole"),
        ({"numerator": "many", "denominator": 1}, "ratio_not_whole"),
        ({}, "ratio_not_whole"),
    ],
)
def test_a_split_that_is_none_is_refused_with_the_reason(event: dict[str, Any], rule: str) -> None:
    events = {"splits": {"1": {"date": 1604673000, **event}}}
    assert rule in refused(of_chart(chart(events)), "reference.splits")


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        ({"amount": 0, "date": 1604673000}, "amount_not_positive"),
        ({"amount": -1, "date": 1604673000}, "amount_below_minimum"),
        ({"amount": None, "date": 1604673000}, "amount_null"),
        ({"amount": 1e300, "date": 1604673000}, "amount_null"),
        ({"amount": 1, "date": None}, "ex_date_null"),
        ({"amount": 1, "date": 1e300}, "ex_date_null"),
        ({"amount": 1, "date": 1604673000, "currency": "dollars"}, "currency_malformed"),
    ],
)
def test_a_dividend_that_is_none_is_refused_with_the_reason(event: dict[str, Any], rule: str) -> None:
    assert rule in refused(of_chart(chart({"dividends": {"1": event}})), "reference.dividends")


def test_events_without_the_exchanges_zone_do_not_cost_the_bars() -> None:
    parts = of_chart(
        chart({"dividends": {"1": {"amount": 1, "date": 1604673000}}}, exchangeTimezoneName="?"), "1m"
    )
    assert [part.table for part in parts] == ["market.bars", "reference.dividends"]
    assert refused(parts, "reference.dividends") == ["ex_date_null"]


def lean(folder: Path, name: str, lines: bytes | None = None) -> list[Parsed]:
    content = tomllib.loads((PROJECT / "tests/manifests/actions.toml").read_text())
    content["set"] = content["set"][:1]
    requests = {
        request.parameters["file"]: (path, request)
        for path, request in survey(folder, manifest_from(content)).requests
    }
    path, request = requests[f"equity/usa/factor_files/{name}.csv"]
    return parse_payload(path.read_bytes() if lines is None else lines, json.loads(request.to_json()))


@pytest.fixture
def lean_folder(trial_data: Path) -> Path:
    return trial_data / "bars_1d/QuantConnect-Lean"


def test_apples_splits_come_out_of_its_factors(lean_folder: Path) -> None:
    rows = said(lean(lean_folder, "aapl"), "reference.splits")
    assert [[str(row["ex_date"]), row["numerator"], row["denominator"]] for row in rows] == PUBLISHED[
        "splits"
    ]


def test_apples_dividends_come_out_of_its_factors_to_the_cent(lean_folder: Path) -> None:
    rows = {str(row["ex_date"]): row for row in said(lean(lean_folder, "aapl"), "reference.dividends")}
    for day, amount in PUBLISHED["dividends"]:
        assert (rows[day]["amount"], rows[day]["adjustment"]) == (Decimal(amount), "raw")
        assert rows[day]["amount_uncertainty"] < Decimal("0.0001")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aig", [(3, 2), (5, 4), (3, 2), (1, 20)]),
        ("bac", [(2, 1)]),
        ("uso", [(1, 8)]),
        ("eem", [(3, 1), (3, 1)]),
    ],
)
def test_splits_of_rounded_factors_are_simple_ratios(
    lean_folder: Path, name: str, expected: list[tuple[int, int]]
) -> None:
    rows = said(lean(lean_folder, name), "reference.splits")
    assert [(row["numerator"], row["denominator"]) for row in rows] == expected


@pytest.mark.parametrize("name", ["goog", "gbsn", "twx"])
def test_a_factor_that_is_no_ratio_is_refused_and_shows_what_was_said(lean_folder: Path, name: str) -> None:
    """A stock dividend of 0.27 percent, reverse splits kept in few digits, and a spin-off."""
    parts = lean(lean_folder, name)
    assert refused(parts, "reference.splits") == ["denominator_null", "numerator_null", "ratio_not_whole"]
    assert all("->" in row["ratio_said"] for row in said(parts, "reference.splits"))


@pytest.mark.parametrize(
    "lines",
    [
        b"20200101,1,1",
        b"x,1,1,1",
        b"20200102,1,1,1\n20200101,1,1,1",
        b"20200101,1,one,1",
        b"\xff\xfe",
        b"20200101",
    ],
)
def test_what_is_no_factor_file_is_refused_as_a_whole(lean_folder: Path, lines: bytes) -> None:
    with pytest.raises(MalformedPayload, match="not one of Lean's"):
        lean(lean_folder, "aapl", lines)


def test_factors_of_zero_or_less_are_refused(lean_folder: Path) -> None:
    parts = lean(lean_folder, "aapl", b"20200102,0.5,0,100\n20200601,0,0.5,0\n20501231,1,1,0")
    assert "ratio_not_whole" in refused(parts, "reference.splits")
    assert "amount_null" in refused(parts, "reference.dividends")


TABLE = b"""date,symbol,ratio,amount,currency,kind
2014-06-09,AAPL,7:1,,,
2014-08-07,AAPL,,0.47,,
2015-01-05,AZN,,0.9,USD,cash
2015-01-06,AAPL,,,,
2015-01-07,AAPL,0,,,
"""


def recorded(body: bytes, tmp_path: Path, **keys: Any) -> list[Parsed]:
    (tmp_path / "mine.csv").write_bytes(body)
    item = {
        "name": "mine",
        "files": "mine.csv",
        "dataset": "actions",
        "source": "mine",
        "adjustment": "raw",
        "received": datetime(2021, 1, 1, tzinfo=UTC),
        "instrument": {"column": "symbol", "mic": "XNAS", "symbols": {"AZN": {"mic": "XLON"}}},
        "time": {"column": "date"},
    }
    ((_, request),) = survey(tmp_path, manifest_from({"set": [item | keys]})).requests
    return parse_payload(body, json.loads(request.to_json()))


def test_a_table_of_ones_own_gives_splits_and_dividends(tmp_path: Path) -> None:
    parts = recorded(TABLE, tmp_path)
    assert [(row["instrument_id"], row["numerator"]) for row in said(parts, "reference.splits")] == [
        ("AAPL.XNAS", 7),
        ("AAPL.XNAS", 0),
    ]
    assert [
        (row["instrument_id"], row["amount"], row["currency"]) for row in said(parts, "reference.dividends")
    ] == [("AAPL.XNAS", Decimal("0.47"), "USD"), ("AZN.XLON", Decimal("0.9"), "USD")]
    assert refused(parts, "reference.splits") == ["numerator_below_minimum"]


def test_yfinances_own_columns_are_read_where_zero_means_nothing(tmp_path: Path) -> None:
    body = b"Date,Dividends,Stock Splits\n2020-08-28,0.0,0.0\n2020-08-31,0.0,4.0\n2020-11-06,0.205,0.0\n"
    parts = recorded(
        body,
        tmp_path,
        instrument={"symbol": "AAPL", "mic": "XNAS"},
        time={"column": "Date"},
        columns={"ratio": "Stock Splits", "amount": "Dividends"},
        values={"nulls": ["", "0.0"]},
        adjustment="split",
    )
    assert [(row["ex_date"], row["numerator"]) for row in said(parts, "reference.splits")] == [
        (date(2020, 8, 31), 4)
    ]
    assert [row["amount"] for row in said(parts, "reference.dividends")] == [Decimal("0.205")]


def test_a_set_of_actions_says_on_which_basis_its_amounts_are() -> None:
    with pytest.raises(ValueError, match="needs time, adjustment"):
        manifest_from(
            {
                "set": [
                    {
                        "name": "a",
                        "files": "*",
                        "dataset": "actions",
                        "source": "a",
                        "received": START,
                        "instrument": {"symbol": "A"},
                    }
                ]
            }
        )


def test_a_layout_of_lean_is_no_layout_of_bars() -> None:
    bars = {"name": "a", "files": "*", "dataset": "bars", "source": "a", "received": START, "interval": "1d", "adjustment": "raw", "instrument": {"symbol": "A", "mic": "XNAS"}, "time": {"column": 0}, "layout": {"format": "lean_factors"}}  # fmt: skip
    with pytest.raises(ValueError, match="a set of bars is read as csv, parquet"):
        manifest_from({"set": [bars]})


def test_an_instrument_without_an_exchange_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not say where 'AAPL' trades"):
        recorded(TABLE, tmp_path, instrument={"symbol": "AAPL"})
