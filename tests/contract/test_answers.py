"""What the views and functions of v1 answer: settled by the clock, and as it was shown at an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from findata_assets.steps.platform import Platform
from findata_core.schema.views import View, live_views, views
from findata_resources.migrations.migrate import migrate
from tests.contract.conftest import MakeDatabase
from tests.contract.test_roles import insert
from tests.schema.good_rows import BAR, GOOD_ROWS

# One bar, three times said: first on the evening of its session, corrected the day after, and again once it was settled.
SAID = [
    datetime(2022, 5, 19, 21, tzinfo=UTC),
    datetime(2022, 5, 20, 9, tzinfo=UTC),
    datetime(2022, 5, 25, 9, tzinfo=UTC),
]
SETTLES = datetime(2022, 5, 21, 20, tzinfo=UTC)
CLOSES = [254.1, 254.2, 254.3]
# instant -> what v1_live showed (close, is_settled), and v1 whatever of it was settled
SHOWN = {
    "2022-05-19 20:59:59Z": None,
    "2022-05-19 21:00:00Z": (254.1, False),
    "2022-05-20 08:59:59Z": (254.1, False),
    "2022-05-20 09:00:00Z": (254.2, False),
    "2022-05-21 19:59:59Z": (254.2, False),
    "2022-05-21 20:00:00Z": (254.2, True),
    "2022-05-25 08:59:59Z": (254.2, True),
    "2022-05-25 09:00:00Z": (254.3, True),
    "2100-01-01 00:00:00Z": (254.3, True),
}


@pytest.fixture(scope="module")
def revised(make_database: MakeDatabase) -> str:
    """A database with that bar and its closed versions, and an observation with two vintages."""
    url = make_database()
    migrate(url)
    for number, (said, close) in enumerate(zip(SAID, CLOSES, strict=True)):
        row = {**BAR, "close": close, "ingest_time": said, "settles_time": SETTLES, "payload_id": number}
        closed = {"superseded_time": SAID[number + 1]} if number < 2 else {}
        insert(url, "history.bars" if closed else "market.bars", {**row, **closed})
    observation = GOOD_ROWS["findata.economic.v1.Observation"]
    insert(url, "economic.observations", observation)
    later = {"vintage_date": observation["vintage_date"] + timedelta(days=32), "value": 20658.204}
    insert(url, "economic.observations", {**observation, **later})
    return url


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize("instant", SHOWN)
def test_bars_as_of_is_what_the_views_showed_at_an_instant(revised: str, instant: str) -> None:
    shown = SHOWN[instant]
    live = ask(revised, f"SELECT close, is_settled FROM v1_live.bars_as_of('{instant}')")
    settled = ask(revised, f"SELECT close FROM v1.bars_as_of('{instant}')")
    assert live == ([shown] if shown else [])
    assert settled == ([(shown[0],)] if shown and shown[1] else [])


@pytest.mark.parametrize(
    ("day", "value"),
    [("2018-10-25", None), ("2018-10-26", 20659.029), ("2018-11-26", 20659.029), ("2018-11-27", 20658.204)],
)
def test_observations_on_a_day_are_what_the_publisher_had_said_by_its_end(
    revised: str, day: str, value: Any
) -> None:
    found = ask(revised, f"SELECT value FROM v1.observations_on('{day}')")
    assert found == ([(value,)] if value else [])


@pytest.mark.parametrize(
    "item", [item for item in (*views(), *live_views()) if item.has_as_of], ids=lambda item: item.address
)
def test_as_of_now_is_the_view_itself(loaded_sample: Platform, item: View) -> None:
    url = loaded_sample.store.database.url
    now, then = f"SELECT * FROM {item.address}", f"SELECT * FROM {item.address}_as_of(now())"
    assert ask(url, f"({now} EXCEPT ALL {then}) UNION ALL ({then} EXCEPT ALL {now})") == []


def test_all_rows_of_the_tables_are_in_the_live_views(loaded_sample: Platform) -> None:
    url = loaded_sample.store.database.url
    for view, tables in {
        "bars": ("market.bars", "market.bars_1d"),
        "candles": ("market.candles", "market.weekly_candles", "market.monthly_candles"),
        "pivots": ("signals.weekly_pivots",),
        "signals": ("signals.pivot_signals",),
    }.items():
        counted = sum(ask(url, f"SELECT count(*) FROM {name}")[0][0] for name in tables)
        assert ask(url, f"SELECT count(*), count(*) FILTER (WHERE is_settled) FROM v1_live.{view}") == [
            (counted, counted)
        ]
        assert ask(url, f"SELECT count(*) FROM v1.{view}") == [(counted,)]
        assert counted > 0


@pytest.mark.parametrize("schema", ["v1", "v1_live"])
def test_the_latest_candles_are_the_last_of_each_kind(loaded_sample: Platform, schema: str) -> None:
    kinds = "instrument_id, interval, source_interval"
    last = f"SELECT DISTINCT ON ({kinds}) * FROM {schema}.candles ORDER BY {kinds}, event_time DESC"
    latest = f"SELECT * FROM {schema}.latest_candles"
    difference = f"(({last}) EXCEPT ALL {latest}) UNION ALL ({latest} EXCEPT ALL ({last}))"
    assert ask(loaded_sample.store.database.url, difference) == []
    assert len(ask(loaded_sample.store.database.url, latest)) == 3 * (6 + 4)


@pytest.mark.parametrize(
    ("query", "unread"),
    [
        ("SELECT * FROM v1.candles WHERE interval = '5m'", "weekly_candles"),
        ("SELECT * FROM v1.candles WHERE interval = '1w'", "_hyper"),
        ("SELECT * FROM v1.bars WHERE interval = '1m' AND session_date = '2022-06-01'", "bars_1d"),
    ],
)
def test_a_width_is_looked_for_only_where_it_can_be(loaded_sample: Platform, query: str, unread: str) -> None:
    plan = "\n".join(row[0] for row in ask(loaded_sample.store.database.url, f"EXPLAIN {query}"))
    assert unread not in plan
