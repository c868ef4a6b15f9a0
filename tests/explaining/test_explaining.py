"""A candle is followed back to the bytes it came from, and a change anywhere on the way is named.

What is expected is read from the sample's own files, with the csv module and hashlib.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import pytest

from findata_assets.steps.asking import asked
from findata_assets.steps.explaining import Explanation, explain
from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError
from findata_resources.environment import resolve_endpoints
from findata_resources.stores.objects import Objects
from tests.conftest import SAMPLE, _platforms, load_sample

MSFT_5M = ("MSFT.XNAS", "5m", "2022-06-01 13:30")


@pytest.fixture(scope="module")
def own_sample(stack: Any, migrated_template: str) -> Iterator[Platform]:
    """A platform with the sample, for tests that change it and change it back."""
    with _platforms(stack[1], migrated_template) as make:
        platform = make()
        load_sample(platform)
        yield platform


def minutes(file: str, first: str, last: str) -> list[dict[str, str]]:
    """Rows of a sample file with `first` <= date <= `last`."""
    with (SAMPLE / file).open() as lines:
        return [row for row in csv.DictReader(lines) if first <= row["date"] <= last]


def explained(platform: Platform, *question: str) -> list[Explanation]:
    return explain(platform, asked(*question))


@contextmanager
def changed(platform: Platform, change: LiteralString, back: LiteralString) -> Iterator[None]:
    """Change one row of the database for a while."""
    try:
        _execute(platform, change)
        yield
    finally:
        _execute(platform, back)


def _execute(platform: Platform, statement: LiteralString) -> None:
    with platform.store.database.transaction() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount == 1


@pytest.mark.parametrize(
    ("instrument", "interval", "start", "found"),
    [
        ("MSFT.XNAS", "1m", "2022-06-01 13:30", [("market.bars", "1m", 1)]),
        ("MSFT.XNAS", "5m", "2022-06-01 13:30", [("market.candles", "1m", 5)]),
        ("9988.XHKG", "15m", "2022-06-01 01:30", [("market.candles", "1m", 15)]),
        ("AZN.XLON", "30m", "2022-06-01 07:00", [("market.candles", "1m", 30)]),
        ("MSFT.XNAS", "1h", "2022-06-01 19:30", [("market.candles", "1m", 30)]),  # the stub before the close
        ("9988.XHKG", "4h", "2022-06-01 05:00", [("market.candles", "1m", 180)]),  # after the lunch break
        ("MSFT.XNAS", "1d", "2022-06-01", [("market.candles", "1m", 390), ("market.bars_1d", "1d", 1)]),
        # Memorial Day, 2022-05-30, leaves four sessions of 390 minutes.
        (
            "MSFT.XNAS",
            "1w",
            "2022-06-02",
            [("market.weekly_candles", "1d", 4), ("market.weekly_candles", "1m", 1560)],
        ),
    ],
)
def test_a_row_of_every_interval_follows_from_its_payloads(
    loaded_sample: Platform, instrument: str, interval: str, start: str, found: list[tuple[str, str, int]]
) -> None:
    explanations = explained(loaded_sample, instrument, interval, start)
    assert [(item.table_name, item.source_interval, item.bars.height) for item in explanations] == found
    assert [item.differences for item in explanations] == [()] * len(found)
    assert all(item.refolded.equals(item.stored) for item in explanations)


def test_a_month_is_explained_from_both_of_its_source_intervals(loaded_sample: Platform) -> None:
    explanations = explained(loaded_sample, "MSFT.XNAS", "1mo", "2022-06")
    assert [item.source_interval for item in explanations] == ["1d", "1m"]
    assert all(item.is_equal for item in explanations)


def test_a_source_interval_narrows_what_is_explained(loaded_sample: Platform) -> None:
    explanations = explained(loaded_sample, "MSFT.XNAS", "1w", "2022-06-02", "1d")
    assert [item.source_interval for item in explanations] == ["1d"]


def test_the_chain_ends_at_the_bytes_of_the_file(loaded_sample: Platform) -> None:
    (explanation,) = explained(loaded_sample, *MSFT_5M)
    (receipt,) = explanation.receipts
    sha256 = hashlib.sha256((SAMPLE / "MSFT_1m.csv").read_bytes()).hexdigest()
    assert (receipt.sha256_now, receipt.payload["sha256"], receipt.bars) == (sha256, sha256, 5)
    assert sha256 in receipt.payload["object_key"]


def test_the_candle_is_what_the_lines_of_the_file_say(loaded_sample: Platform) -> None:
    lines = minutes("MSFT_1m.csv", "2022-06-01 13:30", "2022-06-01 13:34~")  # the file is in UTC
    (explanation,) = explained(loaded_sample, *MSFT_5M)
    row = explanation.refolded.row(0, named=True)
    assert len(lines) == 5
    assert row["volume"] == sum(int(float(line["volume"])) for line in lines)
    assert row["high"] == pytest.approx(max(float(line["high"]) for line in lines), rel=1e-7)
    assert row["open"] == pytest.approx(float(lines[0]["open"]), rel=1e-7)


@pytest.mark.parametrize(
    "start", ["2022-06-01T13:30Z", "2022-06-01T13:30", "2022-06-01 09:30-04:00", "2022-06-01T21:30+08:00"]
)
def test_a_start_is_an_instant_in_utc_unless_it_names_its_offset(loaded_sample: Platform, start: str) -> None:
    (explanation,) = explained(loaded_sample, "MSFT.XNAS", "5m", start)
    assert explanation.is_equal


def test_a_changed_candle_is_told_from_what_its_bars_make(own_sample: Platform) -> None:
    where: LiteralString = (
        "WHERE instrument_id = 'MSFT.XNAS' AND interval = '5m' AND event_time = '2022-06-01 13:30+00'"
    )
    with changed(
        own_sample,
        f"UPDATE market.candles SET volume = volume + 1 {where}",
        f"UPDATE market.candles SET volume = volume - 1 {where}",
    ):
        (explanation,) = explained(own_sample, *MSFT_5M)
    assert len(explanation.differences) == 1
    assert explanation.differences[0].startswith("volume is 1774268 in the database, 1774267")


def test_a_changed_bar_is_named_with_what_its_payload_says(own_sample: Platform) -> None:
    where: LiteralString = (
        "WHERE instrument_id = 'MSFT.XNAS' AND interval = '1m' AND event_time = '2022-06-01 13:32+00'"
    )
    with changed(
        own_sample,
        f"UPDATE market.bars SET trade_count = 7 {where}",
        f"UPDATE market.bars SET trade_count = NULL {where}",
    ):
        (explanation,) = explained(own_sample, *MSFT_5M)
    assert explanation.differences == (
        "bar 2022-06-01 13:32: trade_count is 7 in the database, None in the payload",
    )


@pytest.mark.parametrize("spoil", [lambda body: body[:-1] + b"9", lambda body: body[: len(body) // 2]])
def test_a_changed_payload_explains_nothing_any_more(
    own_sample: Platform, spoil: Callable[[bytes], bytes]
) -> None:
    (before,) = explained(own_sample, *MSFT_5M)
    key = before.receipts[0].payload["object_key"]
    objects = Objects(resolve_endpoints(own_sample.settings))
    body = objects.get(key)
    objects.replace(key, spoil(body), objects.version(key))
    (explanation,) = explained(own_sample, *MSFT_5M)
    objects.replace(key, body, objects.version(key))
    assert not explanation.is_equal
    assert key in explanation.receipts[0].problem
    assert explanation.refolded.is_empty()
    assert explained(own_sample, *MSFT_5M)[0].is_equal


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (("MSFT.XNAS", "5m", "2022-06-01"), "2022-06-01 14:30"),
        (("MSFT.XNAS", "7m", "2022-06-01 13:30"), "use one of"),
        (("MSFT.XNAS", "5m", "yesterday"), "2022-06-01T13:30Z"),
        (("MSFT.XNAS", "5m", "2022-13-01 10:00"), "2022-06-01T13:30Z"),
        (("MSFT.XNAS", "5m", "2022-06-01 13:31"), "2022-06-01 13:30 and 2022-06-01 13:35"),
        (("MSFT.XNAS", "1d", "2022-05-30"), "2022-05-27 13:30 and 2022-05-31 13:30"),  # Memorial Day
        (("MSFT.XNYS", "1d", "2022-06-01"), "MSFT.XNAS"),
        (("MSFT.XNAS", "1w", "2022-06-02", "5m"), "folded from 5m"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    loaded_sample: Platform, question: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        explained(loaded_sample, *question)
    assert said in str(refused.value)
