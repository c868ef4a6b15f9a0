"""Taking payloads in and folding them: what is kept, what is refused, and that it adds up."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from findata_assets.steps import coverage as coverage_step
from findata_assets.steps.due_steps import STEPS, run_due
from findata_assets.steps.entries import Intake
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.platform import Platform, platform_at
from findata_assets.steps.proof import rebuild
from findata_assets.steps.receiving import receive, register
from findata_assets.steps.sources import recorded_answers, refresh_reference
from findata_core.quality.gaps import coverage
from findata_core.schema.tables import table
from findata_resources.environment import resolve_endpoints
from findata_resources.provider import Received, Request
from tests.steps.folders import Bar, at, flat, load, minutes_from, take_in, write_folder, write_rates

BARS = table("market.bars")
RECEIVED = "2022-06-01T12:00:00Z"
OPEN = "2022-05-19 13:30"  # 2022-05-19, 09:30 in New York


@pytest.fixture
def ready(platform: Platform) -> Platform:
    refresh_reference(platform)
    return platform


def quarantined(platform: Platform) -> list[dict[str, Any]]:
    rows = platform.store.read(table("ops.quarantine")).sort("table_name", "row_number", "rule")
    return rows.to_dicts()


def test_a_payload_that_cannot_be_read_is_quarantined_whole_and_kept(ready: Platform) -> None:
    request = Request("nyfed", "nyfed", "rates", "SOFR", {"rate_type": "SOFR"})

    intake = receive(ready, Received(request, b'{"refRates": [', 200, {}, datetime(2022, 6, 1, tzinfo=UTC)))
    run_due(ready)

    (row,) = quarantined(ready)
    assert intake == Intake(payloads_new=1, rows_answered=1, rows_refused=1)
    assert (row["table_name"], row["row_number"], row["rule"]) == ("rates.rates", -1, "malformed_payload")
    assert "not JSON" in row["reason"]
    assert row["subject"] is None
    payloads = ready.store.read(table("ops.payloads")).filter(dataset="rates").to_dicts()
    assert ready.raw.body(payloads[0] | {"received_time": ""}) == b'{"refRates": ['
    assert ready.store.read(table("rates.rates")).is_empty()


MIXED: dict[str, Bar] = {
    **minutes_from(at(OPEN), [flat(10), flat(11)]),
    "2022-05-19 13:32:00+00:00": (10, 9, 8, 10, 5),  # high below open
    "2022-05-19 13:33:00+00:00": (0, 1, 0, 1, 5),  # a price of nothing
    "2022-05-19 13:34:30+00:00": flat(10),  # between two minutes
    "2022-05-21 13:30:00+00:00": flat(10),  # a Saturday
    "2022-06-01 13:30:00+00:00": flat(10),  # after it was received
    "2022-05-19 13:35:00+00:00": ("inf", "inf", "inf", "inf", 5),
    "2022-05-19 13:36:00+00:00": (10, 10, 10, 10, -1),
    "2022-05-19 13:37:00+00:00": ("", "", "", "", 5),
    "2022-05-19 13:38:00+00:00": (10, 10, 10, 10, 1.5),
}


def test_each_bad_row_is_quarantined_with_its_reason_and_the_good_ones_go_on(
    ready: Platform, tmp_path: Path
) -> None:
    take_in(ready, write_folder(tmp_path / "mixed", RECEIVED, MIXED))
    fold_facts(ready, "market.bars")

    found = {row["rule"]: row for row in quarantined(ready)}
    assert set(found) == {
        "high_not_highest",
        "price_not_positive",
        "off_grid",
        "no_session",
        "future",
        "not_finite",
        "volume_below_minimum",
        "null_price",
        "fractional_volume",
    }
    assert all(row["reason"] and row["table_name"] == "market.bars" for row in found.values())
    assert found["off_grid"]["subject"] == "MSFT.XNAS"
    assert found["off_grid"]["scope_date"] == date(2022, 5, 19)
    assert json.loads(found["high_not_highest"]["row"])["high"] == 9
    assert ready.store.read(BARS).get_column("close").to_list() == [10, 11]


def test_bars_and_refused_rows_and_duplicates_add_up_to_what_was_answered(
    ready: Platform, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "mixed", RECEIVED, MIXED)
    (path,) = folder.glob("*.csv")
    first = path.read_text().splitlines()[1]
    path.write_text(path.read_text() + f"\n{first}\n{first.replace('10,10,10,10', '12,12,12,12')}")
    answered = len(path.read_text().splitlines()) - 1

    take_in(ready, folder)
    fold_facts(ready, "market.bars")

    rows, refused = ready.store.read(BARS).height, {row["row_number"] for row in quarantined(ready)}
    conflicting = [row for row in quarantined(ready) if row["rule"] == "duplicate_conflicting"]
    assert len(conflicting) == 2  # both of the rows that say 10: the last one speaks
    assert rows + len(refused) == answered
    assert ready.store.read(BARS).get_column("close").to_list()[0] == 12


def test_rows_whose_scope_nobody_can_tell_are_quarantined_when_they_are_received(ready: Platform) -> None:
    body = b'{"refRates": [{"type": null, "effectiveDate": "2022-05-19", "percentRate": 0.8}]}'
    request = Request("nyfed", "nyfed", "rates", "SOFR", {"rate_type": "SOFR"})

    receive(ready, Received(request, body, 200, {}, datetime(2022, 6, 1, tzinfo=UTC)))

    assert [(row["rule"], row["subject"]) for row in quarantined(ready)] == [("rate_null", None)]


def test_minutes_before_and_after_the_session_are_kept_and_make_no_candle(
    ready: Platform, tmp_path: Path
) -> None:
    bars = {
        "2022-05-19 12:00:00+00:00": flat(9),  # 08:00 in New York
        "2022-05-19 13:30:00+00:00": flat(10),
        "2022-05-19 20:00:00+00:00": flat(11),  # the close: the auction's print
        "2022-05-19 21:00:00+00:00": flat(12),
    }
    take_in(ready, write_folder(tmp_path / "wide", RECEIVED, bars))
    run_due(ready)

    stored = ready.store.read(BARS)
    assert stored.select("session_phase", "close").rows() == [
        ("pre", 9),
        ("regular", 10),
        ("closing", 11),
        ("post", 12),
    ]
    assert quarantined(ready) == []
    day = ready.store.read(table("market.candles")).filter(interval="1d").to_dicts()
    assert [(row["open"], row["close"], row["present_minutes"]) for row in day] == [(10, 10, 1)]
    (counted,) = ready.store.read(table("ops.coverage")).to_dicts()
    assert (counted["present_bars"], counted["other_bars"], counted["status"]) == (1, 3, "partial")


def test_missing_sessions_and_minutes_are_counted_and_nothing_is_invented(
    ready: Platform, tmp_path: Path
) -> None:
    """Thursday the 19th whole, Friday the 20th without 10:00 to 10:10, Monday the 23rd not at all, Tuesday whole."""
    whole = [flat(10)] * 390
    bars = minutes_from(at(OPEN), whole)
    friday = minutes_from(at("2022-05-20 13:30"), whole)
    bars |= {start: bar for start, bar in friday.items() if not "14:00" <= start[11:16] < "14:10"}
    bars |= minutes_from(at("2022-05-24 13:30"), whole)
    take_in(ready, write_folder(tmp_path / "gap", RECEIVED, bars))
    run_due(ready)

    rows = ready.store.read(table("ops.coverage")).sort("session_date")
    assert rows.select(
        "session_date", "status", "expected_bars", "present_bars", "missing_ranges"
    ).rows() == [
        (date(2022, 5, 19), "complete", 390, 390, []),
        (date(2022, 5, 20), "partial", 390, 380, ["14:00-14:10"]),
        (date(2022, 5, 23), "missing", 390, 0, ["13:30-20:00"]),
        (date(2022, 5, 24), "complete", 390, 390, []),
    ]
    assert ready.store.read(BARS).height == 390 + 380 + 390
    assert not ready.store.read(table("market.candles")).filter(session_date=date(2022, 5, 23)).height
    hourly = ready.store.read(table("market.candles"), date(2022, 5, 20), date(2022, 5, 21)).filter(
        interval="1h"
    )
    assert hourly.get_column("is_complete").to_list() == [False, *[True] * 6]


def test_a_session_that_comes_later_is_counted_anew(ready: Platform, tmp_path: Path) -> None:
    whole = [flat(10)] * 390
    outer = minutes_from(at(OPEN), whole) | minutes_from(at("2022-05-23 13:30"), whole)
    take_in(ready, write_folder(tmp_path / "outer", RECEIVED, outer))
    run_due(ready)
    inner = minutes_from(at("2022-05-20 13:30"), whole)
    take_in(ready, write_folder(tmp_path / "inner", RECEIVED, inner))
    run_due(ready)

    rows = ready.store.read(table("ops.coverage"))
    assert rows.get_column("status").to_list() == ["complete"] * 3


def test_a_half_day_has_its_own_candles(ready: Platform, tmp_path: Path) -> None:
    """2022-11-25, the day after Thanksgiving: 09:30 to 13:00 in New York, 210 minutes (NYSE's calendar)."""
    minutes = minutes_from(at("2022-11-25 14:30"), [flat(10 + n) for n in range(210)])
    take_in(ready, write_folder(tmp_path / "half", "2022-11-26T12:00:00Z", minutes))
    run_due(ready)

    candles = ready.store.read(table("market.candles"))
    last = candles.group_by("interval").agg(pl.len().alias("candles"), pl.all().sort_by("event_time").last())
    ends = {row["interval"]: row for row in last.to_dicts()}
    assert candles.get_column("is_complete").all()
    assert {name: row["candles"] for name, row in ends.items()} == {
        "5m": 42,
        "15m": 14,
        "30m": 7,
        "1h": 4,
        "4h": 1,
        "1d": 1,
    }
    assert ends["1h"]["event_time"] == datetime(2022, 11, 25, 17, 30, tzinfo=UTC)
    assert (ends["1h"]["open"], ends["1h"]["close"], ends["1h"]["expected_minutes"]) == (190, 219, 30)
    assert ends["4h"]["available_time"] == datetime(2022, 11, 25, 18, 0, tzinfo=UTC)
    assert (ends["4h"]["open"], ends["4h"]["close"], ends["4h"]["volume"]) == (10, 219, 21_000)


def test_a_payload_that_is_in_the_books_is_not_entered_again(ready: Platform, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "once", RECEIVED, minutes_from(at(OPEN), [flat(10)]))
    load(ready, folder)
    receipt = ready.raw.read_receipt(ready.raw.receipts()[0])
    before = ready.store.read(table("ops.payloads")).height

    assert register(ready, receipt) == Intake(payloads_known=1)
    assert ready.store.read(table("ops.payloads")).height == before


def test_an_answer_that_was_stored_before_a_kill_and_not_entered_is_entered_by_the_next_try(
    ready: Platform, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "killed", RECEIVED, minutes_from(at(OPEN), [flat(10)]))

    (answer,) = recorded_answers(ready, folder, None, "bars")
    ready.raw.put(answer)  # and killed here

    take_in(ready, folder)
    fold_facts(ready, "market.bars")

    assert ready.store.read(BARS).height == 1
    assert ready.store.read(table("ops.payloads")).filter(dataset="bars").height == 1


def test_a_step_with_nothing_due_does_nothing(ready: Platform) -> None:
    run_due(ready)

    assert run_due(ready) == {}
    assert {step(ready).rows_written for step in STEPS.values()} == {0}


def test_only_the_sessions_of_the_window_are_folded(ready: Platform, tmp_path: Path) -> None:
    bars = minutes_from(at(OPEN), [flat(10)]) | minutes_from(at("2022-05-20 13:30"), [flat(11)])
    take_in(ready, write_folder(tmp_path / "two", RECEIVED, bars))

    fold_facts(ready, "market.bars", date(2022, 5, 20), date(2022, 5, 21))
    assert ready.store.read(BARS).get_column("close").to_list() == [11]

    fold_facts(ready, "market.bars")
    assert ready.store.read(BARS).get_column("close").to_list() == [10, 11]


def test_a_quarantined_row_is_numbered_by_its_place_in_the_payload(ready: Platform, tmp_path: Path) -> None:
    """The file runs backwards: its first line is the latest minute."""
    bars = {
        "2022-05-19 13:33:00+00:00": (10, 9, 8, 10, 5),  # high below open: the table's rule
        "2022-05-19 13:32:30+00:00": flat(10),  # off the grid: the calendar's rule
        "2022-05-19 13:31:00+00:00": flat(10),
        "2022-05-19 13:30:00+00:00": (10, 10, 10, 10, -1),  # the column's bound
    }
    take_in(ready, write_folder(tmp_path / "backwards", RECEIVED, bars))
    fold_facts(ready, "market.bars")

    assert [(row["row_number"], row["rule"]) for row in quarantined(ready)] == [
        (0, "high_not_highest"),
        (1, "off_grid"),
        (3, "volume_below_minimum"),
    ]


def test_a_number_that_is_none_is_quarantined_and_the_day_beside_it_goes_on(ready: Platform) -> None:
    items = '{"type": "SOFR", "effectiveDate": "2022-05-19", "percentRate": 1e999}, '
    items += '{"type": "SOFR", "effectiveDate": "2022-05-20", "percentRate": 0.79}'
    request = Request("nyfed", "nyfed", "rates", "SOFR", {"rate_type": "SOFR"})

    body = f'{{"refRates": [{items}]}}'.encode()
    receive(ready, Received(request, body, 200, {}, datetime(2022, 6, 1, tzinfo=UTC)))
    fold_facts(ready, "rates.rates")

    assert [(row["row_number"], row["rule"]) for row in quarantined(ready)] == [
        (0, "rate_percent_above_maximum")
    ]
    assert ready.store.read(table("rates.rates")).get_column("rate_percent").to_list() == [0.79]


def test_a_count_that_another_run_has_overtaken_is_not_written(
    ready: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While this run counts the session's one minute, another one brings the second and counts both."""
    take_in(ready, write_folder(tmp_path / "one", RECEIVED, minutes_from(at(OPEN), [flat(10)])))
    fold_facts(ready, "market.bars")
    more = write_folder(tmp_path / "more", RECEIVED, minutes_from(at("2022-05-19 13:31"), [flat(11)]))
    other = platform_at(ready.settings, resolve_endpoints(ready.settings))

    def overtaken(*arguments: Any) -> pl.DataFrame:
        monkeypatch.setattr(coverage_step, "coverage", coverage)
        counted = coverage(*arguments)
        take_in(other, more)
        run_due(other)
        return counted

    monkeypatch.setattr(coverage_step, "coverage", overtaken)
    coverage_step.refresh_coverage(ready)
    other.close()

    (row,) = ready.store.read(table("ops.coverage")).to_dicts()
    assert row["present_bars"] == 2


def test_a_nul_character_is_quarantined_and_the_rows_beside_it_go_on(ready: Platform, tmp_path: Path) -> None:
    folder = write_rates(tmp_path / "nul", RECEIVED, {"2022-05-19": 0.8, "2022-05-20": 0.79})
    (folder / "sofr.csv").write_bytes(
        b"observation_date,rate_percent,revision_indicator\n2022-05-19,0.80,r\0\n2022-05-20,0.79,r\n"
    )

    load(ready, folder, "rates")
    run_due(ready)

    (row,) = quarantined(ready)
    assert (row["rule"], row["row_number"]) == ("nul_character", 0)
    assert json.loads(row["row"])["revision_indicator"] == "r\ufffd"
    rates = ready.store.read(table("rates.rates"))
    assert rates.select("observation_date", "revision_indicator").rows() == [(date(2022, 5, 20), "r")]


def test_what_two_payloads_of_one_instant_say_differently_is_quarantined(
    ready: Platform, tmp_path: Path
) -> None:
    for name, price in (("one", 10), ("two", 11)):
        load(ready, write_folder(tmp_path / name, RECEIVED, minutes_from(at(OPEN), [flat(price), flat(12)])))
    run_due(ready)

    (row,) = quarantined(ready)
    (stored,) = ready.store.read(BARS).filter(event_time=at(OPEN)).to_dicts()
    assert (row["rule"], row["subject"], row["scope_date"]) == (
        "contradicted",
        "MSFT.XNAS",
        date(2022, 5, 19),
    )
    assert {json.loads(row["row"])["close"], stored["close"]} == {10.0, 11.0}
    assert stored["payload_id"] > row["payload_id"]
    assert ready.store.read(BARS).height == 2


def minutes_told(first_price: int, lines: list[int]) -> dict[str, Bar]:
    """Minutes of the last session of May and the first of June; each price's last digit is its line in the file."""
    stamps = [f"2022-{day} 13:3{minute}:00+00:00" for day in ("05-31", "06-01") for minute in (0, 1, 2)]
    agreed = {1: flat(1)}  # what all say
    return {stamp: agreed.get(n, flat(first_price + n)) for n, stamp in enumerate(stamps) if n in lines}


def test_each_row_that_is_contradicted_is_known_by_its_own_number_whatever_is_folded_together(
    ready: Platform, tmp_path: Path
) -> None:
    received = "2022-06-02T12:00:00Z"
    for name, price in (("one", 10), ("two", 20)):
        load(ready, write_folder(tmp_path / name, received, minutes_told(price, [0, 1, 2, 3, 4, 5])))
    run_due(ready)
    told = quarantined(ready)
    assert [(row["row_number"], row["scope_date"].month) for row in told] == [
        *[(0, 5), (2, 5), (3, 6), (4, 6), (5, 6)]
    ]
    assert {row["rule"] for row in told} == {"contradicted"}
    assert len({row["payload_id"] for row in told}) == 1

    take_in(ready, write_folder(tmp_path / "three", received, minutes_told(30, [0, 1, 2])))
    run_due(ready)  # the session of May alone, from all three
    again = quarantined(ready)
    assert len(again) == len(told) + 2
    assert all(row["row_number"] == int(json.loads(row["row"])["close"]) % 10 for row in again)
    assert [row for row in again if row["scope_date"].month == 6] == told[2:]

    assert rebuild(ready, lambda _: None).is_equal
    assert quarantined(ready) == again


def test_a_day_and_a_rate_that_are_contradicted_have_their_own_numbers_too(
    ready: Platform, tmp_path: Path
) -> None:
    for name, price in (("one", 10), ("two", 11)):
        days = {"2022-05-27": flat(9), "2022-05-31": flat(price)}
        load(ready, write_folder(tmp_path / name / "1d", RECEIVED, days, interval="1d"))
        rates = {"2022-05-26": 0.78, "2022-05-27": 0.79, "2022-05-31": float(price)}
        load(ready, write_rates(tmp_path / name / "rates", RECEIVED, rates), "rates")
    run_due(ready)
    assert [(row["table_name"], row["row_number"]) for row in quarantined(ready)] == [
        ("market.bars_1d", 1),
        ("rates.rates", 2),
    ]
