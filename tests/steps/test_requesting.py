"""Many requests at once, over real HTTP: nothing lost, nothing doubled, each one booked with what it held."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg import sql

from findata_assets.steps.asks import Ask
from findata_assets.steps.platform import Platform
from findata_assets.steps.requesting import ask_all
from findata_assets.steps.sources import adopt_receipts
from findata_core.errors import StoreError
from findata_resources.provider import Clock, Received, Request
from findata_resources.providers.nyfed import NewYorkFedProvider, rates_request
from tests.conftest import MakePlatform
from tests.orchestration import SetClock
from tests.standin import RATES, UNAVAILABLE, Answer, StandIn

MORNING = datetime(2022, 6, 30, 13, 0, tzinfo=UTC)
FIRST = date(2022, 1, 3)
DAY = timedelta(days=1)


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=MORNING) as server:
        fixing = {"type": "SOFR", "percentRate": 0.05, "revisionIndicator": ""}
        days = [str(FIRST + number * DAY) for number in range(120)]
        server.nyfed_rates = {"sofr": [{"effectiveDate": day, **fixing} for day in days]}
        yield server


def asks(count: int) -> list[Ask]:
    """One request for each day."""
    days = [FIRST + number * DAY for number in range(count)]
    return [Ask(rates_request("SOFR", day, day + DAY), MORNING, MORNING + DAY) for day in days]


def ready(make_platform: MakePlatform, **arguments: object) -> Platform:
    platform = make_platform(**arguments)
    platform.clock = SetClock(MORNING)
    return platform


def ledger(platform: Platform) -> list[tuple[object, ...]]:
    query = sql.SQL(
        "SELECT http_status, rows_answered, rows_duplicate, rows_quarantined FROM ops.fetches ORDER BY error, 1"
    )
    return list(platform.store.database.frame(query).iter_rows())


def test_many_requests_at_once_are_each_made_and_booked_once(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform = ready(make_platform, requests_at_once=6)
    told = ask_all(platform, NewYorkFedProvider(standin.base_url, 5), asks(75))
    assert (told.requests, told.failures, told.intake.payloads_new) == (75, (), 75)
    assert standin.count(RATES) == 75
    held = [row[1] for row in ledger(platform)]
    assert (len(held), sum(held)) == (75, told.intake.rows_answered)  # type: ignore[arg-type]
    booked = sql.SQL(
        "SELECT count(DISTINCT payload_id) FROM ops.fetches JOIN ops.payloads USING (payload_id)"
    )
    assert platform.store.database.frame(booked).item() == 75


def test_some_that_fail_cost_the_others_nothing(make_platform: MakePlatform, standin: StandIn) -> None:
    platform = ready(make_platform, requests_at_once=3)
    standin.script = [Answer(400, b"Bad Request"), UNAVAILABLE]
    told = ask_all(platform, NewYorkFedProvider(standin.base_url, 5), asks(20))
    assert (told.requests, len(told.failures), told.intake.payloads_new) == (20, 2, 18)
    assert [row[0] for row in ledger(platform)].count(200) == 18


class Counting(NewYorkFedProvider):
    """Counts how many requests are under way at once."""

    under_way = most = 0
    lock = threading.Lock()

    def fetch(self, request: Request, clock: Clock) -> Received:
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            return super().fetch(request, clock)
        finally:
            with self.lock:
                self.under_way -= 1


def test_no_more_than_so_many_are_under_way_at_once(make_platform: MakePlatform, standin: StandIn) -> None:
    slow = Answer(200, b'{"refRates": []}', {"Content-Type": "application/json"}, delay_seconds=0.05)
    standin.script = [slow] * 12
    provider = Counting(standin.base_url, 5)
    ask_all(ready(make_platform, requests_at_once=3), provider, asks(12))
    assert 1 < provider.most <= 3


def test_answers_of_a_run_that_died_before_the_books_are_adopted_by_the_next(
    make_platform: MakePlatform, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = ready(make_platform)

    def dies(*_: object) -> None:
        raise StoreError("the disk is full", "free space")

    with monkeypatch.context() as broken:
        broken.setattr("findata_assets.steps.receiving._enter", dies)
        with pytest.raises(StoreError):
            ask_all(platform, NewYorkFedProvider(standin.base_url, 5), asks(3))
    kept = len(platform.raw.receipts())  # of those under way when the first one died some came too late
    assert kept >= 1
    assert {row[:2] for row in ledger(platform)} == {
        (200, 0)
    }  # that they were made is known, not yet what they held
    assert adopt_receipts(platform).payloads_new == kept
    assert sum(int(str(row[1])) for row in ledger(platform)) == kept
    assert adopt_receipts(platform).payloads_new == 0
