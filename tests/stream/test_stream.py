"""/v1/stream over a real database and real HTTP: nothing is lost, whatever commits when, and whoever is cut off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import polars as pl
import psycopg
import pytest

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_resources.embedded.processes import wait_until
from findata_resources.stores import journal
from findata_resources.stores.database import copy_into
from findata_resources.stores.timescale import TimescaleStore
from findata_serving.app import create_app
from findata_serving.stream import feed as feeds
from tests.schema.good_rows import frame_of, good_row
from tests.serving.served import listening, served, settings_of
from tests.stores.bars import DAY, SUBJECT, no_marks
from tests.stores.test_derived import CANDLES, candles, replace
from tests.stream.following import PATIENCE_SECONDS, following

FIRST, SECOND, THIRD = (f"2022-05-19T{hour}:30:00Z" for hour in (13, 14, 15))
LONDON = "AZN.XLON"


@pytest.fixture
def store(platform: Platform) -> TimescaleStore:
    return platform.store


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx.Client]:
    with served(platform) as asking:
        yield asking


def test_new_revised_and_retracted_candles_come_as_what_they_are(
    store: TimescaleStore, client: httpx.Client
) -> None:
    with following(client) as follower:
        replace(store, candles(0, 1))
        assert follower.first(2) == [("new", "1h", FIRST, 254.1), ("new", "1h", SECOND, 254.1)]
        replace(store, candles(0, close=254.2))
        said = follower.until(lambda one: len(one.events) >= 4)

    assert [event.short for event in said[2:]] == [
        ("revised", "1h", FIRST, 254.2),
        ("retracted", "1h", SECOND, None),
    ]
    revised = said[2].data
    assert revised["instrumentId"] == SUBJECT
    assert revised["volume"] == str(good_row(CANDLES)["volume"])  # int64 is text in protobuf's JSON
    assert revised["isSettled"] is True
    assert said[3].data == {
        "instrumentId": SUBJECT,
        "sourceInterval": "1m",
        "interval": "1h",
        "eventTime": SECOND,
        "sessionDate": "2022-05-19",
    }


def test_a_transaction_that_began_first_and_commits_last_loses_nothing(
    store: TimescaleStore, client: httpx.Client
) -> None:
    early, late = (candles(0, instrument_id=name) for name in (LONDON, SUBJECT))
    replace(
        store, candles(0, instrument_id="GE.XNYS")
    )  # makes the chunk, which the slow one would hold alone
    with following(client) as follower, psycopg.connect(store.database.url) as slow:
        cursor = slow.cursor()
        write_in(cursor, early)  # the lower id, which stays open
        replace(store, late)  # the higher id, which is committed
        time.sleep(2 * feeds.POLL_SECONDS)  # the feed has looked, and must not have gone beyond
        assert follower.events == []
        between = follower.cursor
        slow.commit()
        said = follower.until(lambda one: len(one.events) >= 2)
    assert [event.data["instrumentId"] for event in said] == [LONDON, SUBJECT]

    with following(client, between) as again:  # as does who was cut off in between
        assert [event.data["instrumentId"] for event in again.until(lambda one: len(one.events) >= 2)] == [
            LONDON,
            SUBJECT,
        ]


def test_who_resumes_gets_exactly_what_was_missed(store: TimescaleStore, client: httpx.Client) -> None:
    with following(client) as follower:
        replace(store, candles(0))
        follower.first(1)
        left_at = follower.cursor
    replace(store, candles(0, 1))
    replace(store, pl.concat([candles(0), candles(1, close=254.2)]))

    with following(client, left_at) as again:
        replace(store, pl.concat([candles(0), candles(1, close=254.2), candles(2)]))
        said = again.first(3)

    # The second candle is read as it is now: who follows keeps the last that was said of a key.
    assert said == [
        ("new", "1h", SECOND, 254.2),
        ("revised", "1h", SECOND, 254.2),
        ("new", "1h", THIRD, 254.1),
    ]


def test_only_what_was_asked_for_comes_and_the_cursor_goes_on_all_the_same(
    store: TimescaleStore, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "HEARTBEAT_SECONDS", 0.05)
    weeks = table("market.weekly_candles")
    with (
        following(client, instrument_id=[SUBJECT, "GE.XNYS"], interval=["5m", "1w"]) as mine,
        following(client, instrument_id=LONDON) as other,
    ):
        begun = other.cursor
        replace(store, pl.concat([candles(0), candles(0, interval="5m")]))
        week = good_row(weeks)
        store.replace(weeks, frame_of(weeks, week), [(SUBJECT, week["period_start_date"])], no_marks())
        assert mine.first(2) == [
            ("new", "5m", FIRST, 254.1),
            ("new", "1w", week["event_time"].strftime("%Y-%m-%dT%H:%M:%SZ"), 254.1),
        ]
        store.replace(
            weeks, frame_of(weeks, week).clear(), [(SUBJECT, week["period_start_date"])], no_marks()
        )
        gone = mine.until(lambda one: len(one.events) >= 3)[-1]
        assert (gone.name, gone.data["interval"], gone.data["periodStartDate"]) == (
            "retracted",
            "1w",
            "2022-05-16",
        )
        other.until(lambda one: one.cursor != begun)
        assert other.events == []


def test_a_cursor_that_is_older_than_what_is_kept_is_told_to_read_anew_and_goes_on(
    store: TimescaleStore, client: httpx.Client
) -> None:
    with following(client) as follower:
        old = follower.cursor
    replace(store, candles(0))
    replace(store, candles(0, 1))
    # What any transaction of the server may stand before, such as a vacuum's, is left for the next time.
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert wait_until(lambda: journal.prune(store.database, tomorrow) > 0, PATIENCE_SECONDS)

    with following(client, old) as again:
        (reset,) = again.until(lambda one: len(one.events) >= 1)
        assert (reset.name, "anew" in reset.data["next_step"]) == ("reset", True)
        replace(store, candles(0, 1, 2))
        said = again.until(lambda one: len(one.events) >= 2)
    assert said[1].short == ("new", "1h", THIRD, 254.1)


def test_a_cursor_of_another_server_or_of_the_future_is_told_to_read_anew(client: httpx.Client) -> None:
    with following(client) as follower:
        feed, transaction, number = follower.cursor.split(".")
    for strange in (f"00000000.{transaction}.{number}", f"{feed}.{int(transaction) + 1_000_000}.0"):
        with following(client, strange) as again:
            (reset,) = again.until(lambda one: len(one.events) >= 1)
            assert reset.name == "reset"
            assert reset.cursor is not None
            assert reset.cursor.startswith(feed)


@pytest.mark.parametrize(
    "parameters",
    [
        {"cursor": "abc"},
        {"cursor": "1.2.3"},
        {"cursor": "0123abcd.99999999999999999999.1"},
        {"interval": "1m"},
    ],
    ids=str,
)
def test_what_can_not_be_followed_is_refused_with_a_next_step(
    client: httpx.Client, parameters: dict[str, Any]
) -> None:
    answer = client.get("/v1/stream", params=parameters)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["next_step"]


def test_who_takes_too_little_reads_the_journal_at_its_own_pace_and_misses_nothing(
    store: TimescaleStore, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_LINES", 1)
    with following(client) as follower:
        for close in range(1, 21):
            replace(store, candles(0, close=254.0 + close / 100))
        # A candle is told as it is when its line is read: the last close may come with the first line.
        said = follower.until(lambda one: len(one.events) >= 20)
    assert (said[0].name, said[-1].data["close"]) == ("new", 254.2)
    assert {event.name for event in said[1:]} == {"revised"}


def test_a_database_that_goes_and_comes_back_loses_nothing(
    store: TimescaleStore, client: httpx.Client
) -> None:
    with following(client) as follower:
        replace(store, candles(0))
        follower.first(1)
        with psycopg.connect(store.database.url, autocommit=True) as administrator:
            cut = administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN "
                "('findata stream', 'findata serving') AND datname = current_database()"
            ).fetchall()
            assert (True,) in cut
        replace(store, candles(0, 1))
        assert follower.first(2)[1] == ("new", "1h", SECOND, 254.1)


def test_who_leaves_takes_everything_along(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(settings_of(platform))
    feed = app.state.feed
    with served(platform, app) as client:
        with following(client) as first, following(client, instrument_id=LONDON):
            assert feed.subscribers == 2
            # It listens as soon as it has connected.
            assert wait_until(lambda: listeners(platform) == 1, PATIENCE_SECONDS)
            monkeypatch.setattr(feeds, "MOST_SUBSCRIBERS", 2)
            answer = client.get("/v1/stream")
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert first.events == []
        assert wait_until(lambda: (feed.subscribers, listeners(platform)) == (0, 0), PATIENCE_SECONDS)


def test_a_server_that_goes_down_ends_its_streams(platform: Platform) -> None:
    with listening(create_app(settings_of(platform))) as address:
        client = httpx.Client(base_url=address, timeout=30)
        stream = following(client)
        follower = stream.__enter__()
    follower.until(lambda one: one.is_ended)
    stream.__exit__(None, None, None)
    client.close()
    assert follower.is_ended


def listeners(platform: Platform) -> int:
    with psycopg.connect(platform.store.database.url) as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'findata stream' "
            "AND datname = current_database()"
        )
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def write_in(cursor: psycopg.Cursor[tuple[Any, ...]], rows: pl.DataFrame) -> None:
    """Write candles as the store does, in a transaction that the test ends."""
    copy_into(cursor, CANDLES, rows)
    journal.note(cursor, CANDLES, journal.whole([(rows["instrument_id"][0], DAY, "1m")]))
