"""What the bars themselves explain of a difference: in the direction in which they could have caused it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from findata_core.calendars import sessions_of
from findata_core.market.candles import fold_session_candles
from findata_core.quality.reconciliation import reconcile
from tests.quality.made_bars import DAY, MINUTE, OPEN, bars, minutes, new_york

NEW_YORK = new_york()


def reasons(*frames: pl.DataFrame, sessions: pl.DataFrame = NEW_YORK) -> dict[str, str | None]:
    """The explanation of each field that differs."""
    found = reconcile(pl.concat(frames), sessions)
    return dict(found.select("field", "explanation").iter_rows())


def without(number: int, frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out one minute of the session, counted from 0."""
    return frame.filter(pl.col("event_time") != OPEN + number * MINUTE)


def five(number: int = 0, **columns: Any) -> dict[str, Any]:
    """A source's own bar of five minutes."""
    return {"interval": "5m", "event_time": OPEN + 5 * number * MINUTE, "volume": 5000, **columns}


FOUR_OF_FIVE = "4 of the candle's 5 minutes are there"


@pytest.mark.parametrize(
    ("missing", "said", "explained"),
    [
        (0, {"open": 99.0}, True),
        (2, {"open": 99.0}, False),
        (4, {"open": 99.0}, False),
        (0, {"close": 99.0}, False),
        (2, {"close": 99.0}, False),
        (4, {"close": 99.0}, True),
        (2, {"high": 101.0}, True),
        (2, {"high": 99.0}, False),
        (2, {"low": 99.0}, True),
        (2, {"low": 101.0}, False),
        (2, {"volume": 6000}, True),  # 4,000 are seen
        (2, {"volume": 3000}, False),
    ],
)
def test_a_missing_minute_explains_of_a_bar_what_it_could_have_said(
    missing: int, said: dict[str, Any], explained: bool
) -> None:
    (field,) = said
    told = reasons(without(missing, minutes()), bars(five(**said)))
    assert told[field] == (FOUR_OF_FIVE if explained else None)


def test_bars_before_a_break_of_the_session_end_with_its_last_minute() -> None:
    """Hong Kong rests from 12:00 to 13:00: no bar of an hour lacks its last minute where all minutes are there."""
    hong_kong = sessions_of("XHKG", DAY, DAY)
    first = hong_kong.item(0, "open_time")
    columns = {"instrument_id": "ABC.XHKG", "session_date": DAY}
    traded = [*range(150), *range(210, 390)]  # minutes since 09:30
    whole = bars(*({**columns, "event_time": first + timedelta(minutes=n)} for n in traded))
    hours = fold_session_candles(whole, hong_kong).filter(interval="1h").get_column("event_time")
    assert len(hours) == 6
    for hour in hours:
        for field in ("open", "close"):
            own = bars({**columns, "interval": "1h", "event_time": hour, field: 99.0, "volume": 60_000})
            assert reasons(whole, own, sessions=hong_kong)[field] is None
