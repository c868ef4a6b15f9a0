"""A break's life is told by receive times: it opens, is explained, closes, comes back, and nothing forgets it."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.quality.breaks import (
    as_known,
    facing,
    find_breaks,
    fold_breaks,
    known_instants,
    unexplained,
)
from findata_core.schema.tables import table
from findata_core.versions import fold_versions
from tests.quality.made_bars import DAY, OPEN, PLAIN, RECEIVED, SETTLED, bars, daily, minutes, new_york

NEW_YORK = new_york()
HOUR = timedelta(hours=1)
LIFE = ["state", "first_seen_time", "opened_time", "last_seen_time", "closed_time", "times_opened"]


def ledger(*frames: pl.DataFrame) -> pl.DataFrame:
    """The ledger of versions; `known_time` is what find_breaks adds itself."""
    return fold_breaks(*find_breaks(pl.concat(frames).drop("known_time"), NEW_YORK))


def life(*frames: pl.DataFrame) -> list[tuple[Any, ...]]:
    return ledger(*frames).select(LIFE).rows()


def said(*closes: float) -> pl.DataFrame:
    """Versions of the daily bar, received an hour apart, each closing the one before."""
    times = [RECEIVED + n * HOUR for n in range(len(closes))]
    ends = [*times[1:], None]
    return pl.concat(
        daily(close=close, high=100.0, low=close, ingest_time=time, superseded_time=end)
        for close, time, end in zip(closes, times, ends, strict=True)
    )


def test_a_break_is_open_from_the_payload_that_made_it() -> None:
    assert life(minutes(), said(99.0)) == [("open", RECEIVED, RECEIVED, RECEIVED, None, 1)] * 2
    assert unexplained(ledger(minutes(), said(99.0))).get_column("field").to_list() == ["close", "low"]


def test_a_correction_closes_it_with_its_receive_time() -> None:
    healed = RECEIVED + HOUR
    assert life(minutes(), said(99.0, 100.0)) == [("closed", RECEIVED, RECEIVED, RECEIVED, healed, 1)] * 2
    assert unexplained(ledger(minutes(), said(99.0, 100.0))).is_empty()


def test_a_break_that_comes_back_is_opened_once_more() -> None:
    times = [RECEIVED + n * HOUR for n in range(4)]
    (row, _) = life(minutes(), said(99.0, 100.0, 98.0, 97.0))
    assert row == ("open", times[0], times[2], times[3], None, 2)


def test_a_closed_break_keeps_the_figures_that_differed_last() -> None:
    row = ledger(minutes(), said(98.0, 99.0, 100.0)).to_dicts()[0]
    assert (row["left_value"], row["right_value"], row["difference"]) == (100.0, 99.0, 1.0)
    assert round(row["tolerance"], 6) == 0.307  # by hand: 0.3 % of 99 and a cent


def test_an_explanation_makes_it_explained_until_it_is_gone() -> None:
    """The first minute comes an hour after the rest: until then it could have been the low."""
    late = minutes().head(1).with_columns(low=pl.lit(99.0), ingest_time=pl.lit(RECEIVED + HOUR))
    rest = minutes().tail(389)
    (explained,) = ledger(rest, daily(low=99.0)).to_dicts()
    assert explained["state"] == "explained"
    assert explained["explanation"] == "1 of 390 regular minutes are missing"
    (row,) = life(late, rest, daily(low=99.0))
    assert row == ("closed", RECEIVED, RECEIVED, RECEIVED, RECEIVED + HOUR, 1)


EARLY = SETTLED - HOUR
EXCUSE = "received before the session had settled"


def told(table_name: str, *times: datetime) -> pl.DataFrame:
    """When payloads of yahoo spoke of the session."""
    rows = [("ABC.XNAS", DAY, table_name, "yahoo", time) for time in times]
    schema = {
        "instrument_id": pl.String,
        "session_date": pl.Date,
        "table_name": pl.String,
        "source": pl.String,
    }
    return pl.DataFrame(rows, schema={**schema, "ingest_time": pl.Datetime("us", "UTC")}, orient="row")


def test_what_was_received_before_it_settled_is_explained() -> None:
    rows = ledger(minutes(ingest_time=EARLY), daily(high=101.0, ingest_time=EARLY))
    assert rows.select("state", "explanation").rows() == [("explained", EXCUSE)]


@pytest.mark.parametrize(
    ("asked_again", "state", "last_seen"),
    [
        (("market.bars", "market.bars_1d"), "open", SETTLED + HOUR),
        (("market.bars",), "explained", SETTLED + HOUR),  # the daily bar may still be revised
        ((), "explained", EARLY),
    ],
)
def test_who_says_the_same_after_it_settled_is_no_longer_excused(
    asked_again: tuple[str, ...], state: str, last_seen: datetime
) -> None:
    """No version comes of it: the values are those that were known."""
    versions = pl.concat([minutes(ingest_time=EARLY), daily(high=101.0, ingest_time=EARLY)])
    times = [told(name, EARLY) for name in ("market.bars", "market.bars_1d")]
    times += [told(name, SETTLED + HOUR) for name in asked_again]
    found = find_breaks(versions.drop("known_time"), NEW_YORK, pl.concat(times))
    assert fold_breaks(*found).select(
        "state", "first_seen_time", "last_seen_time", "times_opened"
    ).rows() == [(state, EARLY, last_seen, 1)]


def test_what_was_known_before_the_close_is_not_compared() -> None:
    """Half a session, received while it went on, is no break of a day that comes later."""
    during = OPEN + 3 * HOUR
    early = minutes([1000] * 180, ingest_time=during)
    rest = minutes().tail(210)
    assert known_instants(early, NEW_YORK).is_empty()
    assert life(early, rest, daily()) == []


def test_bars_are_given_as_they_were_known_at_each_instant() -> None:
    versions = pl.concat([minutes([1000]), said(99.0, 98.0)]).drop("known_time")
    frames = list(as_known(versions, known_instants(versions, NEW_YORK)))
    assert [frame.filter(interval="1d").get_column("close").to_list() for frame in frames] == [[99.0], [98.0]]
    assert [frame.filter(interval="1m").height for frame in frames] == [1, 1]


def test_the_ledger_is_sorted_and_unique_by_its_key() -> None:
    key = list(table("ops.breaks").business_key)
    rows = ledger(
        minutes(),
        said(97.0),
        minutes(instrument_id="XYZ.XNYS"),
        daily(instrument_id="XYZ.XNYS", open=98.0, low=98.0),
    )
    assert rows.equals(rows.sort(key))
    assert not rows.select(key).is_duplicated().any()


Payloads = list[tuple[datetime, float]]


def received(payloads: Payloads) -> pl.DataFrame:
    """Versions as the store folds them, from payloads in the order given."""
    target = table("market.bars_1d")
    rows = [
        {**PLAIN, "interval": "1d", "volume": 500_000, "close": close, "low": close, "ingest_time": time}
        | {"payload_id": int(time.timestamp())}
        for time, close in payloads
    ]
    shape = {column.name for column in target.columns}
    frame = bars(*({name: row[name] for name in row if name in PLAIN} for row in rows)).with_columns(
        payload_id=pl.Series([row["payload_id"] for row in rows]),
        vwap=pl.lit(None, pl.Float64),
        trade_count=pl.lit(None, pl.Int64),
    )
    versions = fold_versions(target, frame.select(name for name in target.column_names if name in shape))
    current = versions.current.with_columns(superseded_time=pl.lit(None, pl.Datetime("us", "UTC")))
    both = pl.concat([current, versions.history.select(current.columns)])
    return both.with_columns(known_time=pl.col("ingest_time")).select(minutes([1]).columns)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from([100.0, 99.9, 99.0, 98.0]), min_size=1, max_size=4))
def test_payloads_in_any_order_give_the_same_ledger_and_it_counts_every_stretch(closes: list[float]) -> None:
    payloads = [(RECEIVED + n * HOUR, close) for n, close in enumerate(closes)]
    books = [ledger(minutes(), received(list(order))) for order in itertools.permutations(payloads)]
    assert all(book.equals(books[0]) for book in books)
    # By hand: a close below 99.69 breaks; a stretch begins where the one before did not.
    broken = [close < 99.69 for close in closes]
    stretches = sum(now and not before for before, now in itertools.pairwise([False, *broken]))
    told = books[0].filter(field="close").select("times_opened", "state").rows()
    assert told == ([(stretches, "open" if broken[-1] else "closed")] if stretches else [])


def test_bars_of_one_width_source_and_basis_face_nothing() -> None:
    assert facing(minutes()).is_empty()
    both = pl.concat([minutes(), said(99.0)])
    assert facing(both).equals(both)


def test_bars_that_were_taken_back_have_faced_others_once() -> None:
    taken_back = said(99.0).with_columns(superseded_time=pl.lit(RECEIVED + HOUR, pl.Datetime("us", "UTC")))
    both = pl.concat([minutes(), taken_back])
    assert facing(both).height == both.height
