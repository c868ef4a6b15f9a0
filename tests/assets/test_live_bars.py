"""Yahoo through the asset, over real HTTP: what is due is asked, every request is booked, nothing is twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from psycopg import sql

from findata_assets.raw.yahoo import yahoo_bars
from findata_assets.steps.asks import Ask
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.live import fetch_bars
from findata_assets.steps.requesting import ask_all
from findata_assets.steps.sources import refresh_reference
from findata_core.errors import ProviderDown
from findata_resources.environment import resolve_endpoints
from findata_resources.providers import limits_of
from findata_resources.providers.yahoo import YahooProvider
from findata_resources.providers.yahoo_chart import bars_request
from findata_resources.stores.objects import Objects
from findata_resources.stores.quotas import take
from tests.conftest import SAMPLE, MakePlatform
from tests.orchestration import Orchestrated, SetClock, failure_of
from tests.standin import CHART, TOO_MANY_REQUESTS, Answer, Bars, Row, StandIn, chart_body, sample_bars

MONDAY, TUESDAY = date(2022, 6, 13), date(2022, 6, 14)
TUESDAY_EVENING = datetime(2022, 6, 14, 21, 0, tzinfo=UTC)  # an hour after New York's close
DAY = timedelta(days=1)
SYMBOLS = {"MSFT": "MSFT.XNAS", "AZN.L": "AZN.XLON", "9988.HK": "9988.XHKG"}
# Minutes of a session by the exchanges' hours: 09:30-16:00; 08:00-16:30; 09:30-12:00 and 13:00-16:00.
MINUTES = {"MSFT.XNAS": 390, "AZN.XLON": 510, "9988.XHKG": 330}


@pytest.fixture
def live(standin: StandIn, make_platform: MakePlatform, dagster: Orchestrated, bucket: str) -> Orchestrated:
    """A platform that knows the universe and asks the stand-in, on that evening."""
    return asking(make_platform, dagster, bucket, standin.base_url)


def asking(
    make_platform: MakePlatform, dagster: Orchestrated, bucket: str, url: str, **settings: Any
) -> Orchestrated:
    platform = make_platform(
        universe=SAMPLE / "universe.csv",
        s3_bucket=bucket,
        yahoo_base_url=url,
        request_timeout_seconds=5,
        **settings,
    )
    platform.clock = SetClock(TUESDAY_EVENING)
    refresh_reference(platform)
    return Orchestrated(platform, dagster.instance)


LIMITED = Answer(429, b"Edge: Too Many Requests", {"Content-Type": "text/plain"})  # for how long is not said


def fetch(live: Orchestrated, day: date = TUESDAY) -> dict[str, Any]:
    """Ask for a session through the asset and fold the answers; return the materialization's metadata."""
    result = live.materialize([yahoo_bars], partition_key=str(day))
    assert result.success
    (event,) = result.get_asset_materialization_events()
    run_due(live.platform)
    return {name: value.value for name, value in event.materialization.metadata.items()}


def set_time(live: Orchestrated, standin: StandIn, moment: datetime) -> None:
    standin.now = moment
    live.platform.clock = SetClock(moment)


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)


def test_a_closed_session_is_asked_for_and_becomes_bars(live: Orchestrated, standin: StandIn) -> None:
    told = fetch(live)
    assert (told["requests"], told["payloads_new"], told["requests_failed"]) == (6, 6, 0)
    counts = live.rows(
        "SELECT instrument_id, count(*) FROM market.bars WHERE session_date = '2022-06-14' "
        "AND session_phase = 'regular' GROUP BY 1"
    )
    assert dict(counts) == MINUTES
    assert live.count("market.bars_1d") == 3
    complete = live.rows("SELECT DISTINCT status FROM ops.coverage WHERE session_date = '2022-06-14'")
    assert complete == [("complete",)]
    assert told["rows_answered"] == live.count("market.bars") + live.count("market.bars_1d")


def test_the_bars_are_those_of_the_files_that_the_stand_in_answered_from(live: Orchestrated) -> None:
    fetch(live)
    stored = live.rows(
        "SELECT extract(epoch FROM event_time)::bigint, open, high, low, close, volume::bigint FROM market.bars "
        "WHERE instrument_id = 'AZN.XLON' ORDER BY event_time"
    )
    start = int(datetime(2022, 6, 14, 7, tzinfo=UTC).timestamp())
    sent = [row for row in sample_bars("AZN.L", "1m").rows if start <= row[0] < start + 510 * 60]
    assert [(row[0], row[5]) for row in stored] == [(row[0], row[5]) for row in sent]
    for one, other in zip(stored, sent, strict=True):
        assert one[1:5] == pytest.approx(other[1:5], rel=6e-8)  # half a float32's last place


def test_every_request_is_a_row_of_the_ledger(live: Orchestrated, standin: StandIn) -> None:
    fetch(live)
    booked = live.rows(
        "SELECT f.subject, f.source, f.dataset, f.http_status, f.size_bytes = p.size_bytes AS is_whole, "
        "f.rows_answered > 0 AS has_rows, f.window_start_time < f.window_end_time AS is_window, "
        "f.window_end_time <= f.started_time AS is_past, f.error "
        "FROM ops.fetches AS f JOIN ops.payloads AS p USING (payload_id) ORDER BY 1"
    )
    expected = ("yahoo", "bars", 200, True, True, True, True, None)
    assert booked == [(name, *expected) for name in sorted(SYMBOLS.values()) for _ in range(2)]
    assert standin.count(CHART) == 6 + len(SYMBOLS)  # yfinance asks each symbol's zone once


def test_a_complete_and_settled_session_is_not_asked_for_again(live: Orchestrated, standin: StandIn) -> None:
    settled = TUESDAY_EVENING  # 25 hours after Monday's close in New York, later after the others
    set_time(live, standin, settled)
    assert fetch(live, MONDAY)["requests"] == 6
    asked = standin.count()
    assert fetch(live, MONDAY)["requests"] == 0
    assert standin.count() == asked
    assert live.count("ops.fetches") == 6


def test_a_session_is_asked_for_again_until_it_settles_and_its_revision_is_kept_as_history(
    live: Orchestrated, standin: StandIn
) -> None:
    fetch(live)
    bars = standin.yahoo_bars["MSFT", "1m"]
    last = int(datetime(2022, 6, 14, 19, 59, tzinfo=UTC).timestamp())
    before = next(row for row in bars.rows if row[0] == last)
    after: Row = (*before[:5], before[5] + 1000)  # type: ignore[operator]
    standin.yahoo_bars["MSFT", "1m"] = replace(
        bars, rows=[after if row == before else row for row in bars.rows]
    )
    set_time(live, standin, TUESDAY_EVENING + timedelta(hours=2))
    assert fetch(live)["requests"] == 0  # nobody is asked twice for what he may still correct overnight
    # 24 hours after the close what he says has settled: he is asked once more, and no more.
    later = TUESDAY_EVENING + DAY
    set_time(live, standin, later)
    assert fetch(live)["requests"] == 6
    assert fetch(live)["requests"] == 0
    current = (
        "SELECT volume, ingest_time FROM market.bars WHERE instrument_id = 'MSFT.XNAS' AND event_time = "
    )
    assert live.rows(f"{current} '2022-06-14 19:59+00'") == [(after[5], later)]  # type: ignore[arg-type]
    closed = live.rows("SELECT volume::bigint, ingest_time, superseded_time FROM history.bars")
    assert closed == [(before[5], TUESDAY_EVENING, later)]
    revised = live.rows("SELECT subject, interval, rows_revised FROM ops.fetches WHERE rows_revised > 0")
    assert revised == [("MSFT.XNAS", "1m", 1)]


def test_a_limiter_is_booked_and_the_other_instruments_are_asked(
    live: Orchestrated, standin: StandIn
) -> None:
    standin.script = [LIMITED]
    told = fetch(live)
    assert (told["requests"], told["requests_failed"]) == (6, 1)
    (failure,) = told["failures"]
    assert "429" in failure
    assert "Next: " in failure
    (booked,) = live.rows(
        "SELECT http_status, size_bytes, payload_id, error FROM ops.fetches WHERE error <> ''"
    )
    assert booked[:3] == (429, 0, None)
    assert "Too Many Requests" in booked[3]
    # Trying again asks for what failed, and for nothing else.
    again = fetch(live)
    assert (again["requests"], again["requests_failed"]) == (1, 0)
    assert fetch(live)["requests"] == 0


def test_when_everything_is_limited_the_step_is_tried_again_and_then_succeeds(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_waiting(monkeypatch)
    standin.script = [LIMITED] * 6
    result = live.materialize([yahoo_bars], partition_key=str(TUESDAY))
    assert result.success
    assert [event.event_type_value for event in result.all_events].count("STEP_UP_FOR_RETRY") == 1
    statuses = live.rows("SELECT http_status, count(*) FROM ops.fetches GROUP BY 1 ORDER BY 1")
    assert statuses == [(200, 6), (429, 6)]


def test_a_limiter_that_says_how_long_to_wait_is_left_alone_for_so_long(
    live: Orchestrated, standin: StandIn
) -> None:
    standin.script = [TOO_MANY_REQUESTS] * 6  # Retry-After: 60
    with pytest.raises(ProviderDown) as limited:
        fetch_bars(live.platform, "yahoo", TUESDAY, TUESDAY + DAY)
    assert limited.value.not_before == TUESDAY_EVENING + timedelta(seconds=60)
    assert live.rows("SELECT http_status FROM ops.fetches") == [(429,)]
    standin.script = []
    set_time(live, standin, TUESDAY_EVENING + timedelta(seconds=59))
    assert not live.materialize([yahoo_bars], partition_key=str(TUESDAY)).success
    assert live.count("ops.fetches") == 1
    set_time(live, standin, limited.value.not_before)
    assert fetch(live)["requests"] == 6


def test_one_unknown_symbol_does_not_stop_the_others(live: Orchestrated, standin: StandIn) -> None:
    del standin.yahoo_bars["AZN.L", "1m"], standin.yahoo_bars["AZN.L", "1d"]
    told = fetch(live)
    assert (told["requests"], told["requests_failed"]) == (6, 2)
    assert all(failure.startswith("AZN.XLON: ") for failure in told["failures"])
    booked = live.rows("SELECT subject, http_status FROM ops.fetches WHERE error <> ''")
    assert booked == [("AZN.XLON", 404)] * 2
    stored = live.rows("SELECT DISTINCT instrument_id FROM market.bars ORDER BY 1")
    assert stored == [("9988.XHKG",), ("MSFT.XNAS",)]


def test_minutes_beyond_the_wall_are_refused_in_words_once_and_days_are_loaded(
    live: Orchestrated, standin: StandIn
) -> None:
    set_time(live, standin, TUESDAY_EVENING + 60 * DAY)
    told = fetch(live)
    assert (told["requests"], told["requests_failed"]) == (3, 0)
    (beyond,) = told["beyond_the_wall"]
    assert "3 instrument-sessions of 1m" in beyond
    assert "last 29 days" in beyond
    assert "recorded files" in beyond
    assert standin.count(CHART) == 3 + len(SYMBOLS)  # only the days were asked for
    assert (live.count("market.bars"), live.count("market.bars_1d")) == (0, 3)


def test_what_lies_inside_the_wall_is_asked_for_beside_what_does_not(
    live: Orchestrated, standin: StandIn
) -> None:
    # 29 days before the 14th at 21:00 is the 16th of May; the sample begins on the 18th.
    fetched = fetch_bars(live.platform, "yahoo", date(2022, 5, 9), date(2022, 5, 21))
    run_due(live.platform)
    assert fetched.failures == ()
    # Nine sessions at each exchange, 9 to 20 May without Hong Kong's holiday of the 9th; six to the 16th are lost
    # (New York's 16th opens before 21:00 of that day).
    assert "17 instrument-sessions of 1m" in fetched.beyond_wall[0]
    days = live.rows("SELECT DISTINCT session_date::text FROM market.bars ORDER BY 1")
    assert days == [("2022-05-18",), ("2022-05-19",), ("2022-05-20",)]


def waiting_at_the_wall(
    make_platform: MakePlatform, dagster: Orchestrated, bucket: str, url: str, limit: str
) -> Orchestrated:
    """A platform half a minute before Yahoo forgets New York's 18th of May, whose next turn is a minute away.

    New York opened at 13:30 UTC. London and Hong Kong had opened earlier that day: theirs is forgotten already.
    """
    live = asking(make_platform, dagster, bucket, url, request_limits=limit, longest_wait_seconds=60)
    clock = SetClock(datetime(2022, 6, 16, 13, 29, 30, tzinfo=UTC))
    live.platform.clock, live.platform.sleep = clock, clock.sleep
    assert take(live.platform.store.database, "yahoo", "", limits_of("yahoo", limit), clock.now()) is None
    return live


def test_a_session_that_passes_the_wall_while_it_waits_is_left_out_and_the_later_ones_are_asked_for(
    make_platform: MakePlatform, dagster: Orchestrated, bucket: str, standin: StandIn
) -> None:
    live = waiting_at_the_wall(make_platform, dagster, bucket, standin.base_url, "yahoo=1/minute")
    fetched = fetch_bars(live.platform, "yahoo", date(2022, 5, 18), date(2022, 5, 26))
    run_due(live.platform)
    assert (fetched.requests, fetched.failures, fetched.not_asked) == (6, (), 0)  # minutes and days of three
    waited, before = fetched.beyond_wall
    assert waited.startswith("1 instrument-sessions up to the one of 2022-05-18 13:30 UTC: yahoo forgot them")
    assert before.startswith("2 instrument-sessions of 1m from 2022-05-18 to 2022-05-18")
    asked = live.rows(
        "SELECT window_start_time, http_status, is_refused IS TRUE AS is_refused FROM ops.fetches "
        "WHERE subject = 'MSFT.XNAS' AND interval = '1m'"
    )
    assert asked == [(datetime(2022, 5, 19, 13, 30, tzinfo=UTC), 200, False)]
    days = live.rows(
        "SELECT DISTINCT session_date::text FROM market.bars WHERE instrument_id = 'MSFT.XNAS' ORDER BY 1"
    )
    assert [day for (day,) in days] == [f"2022-05-{day}" for day in (19, 20, 23, 24, 25)]


def test_what_passes_the_wall_as_a_whole_is_not_asked_and_not_booked_as_a_refusal(
    make_platform: MakePlatform, dagster: Orchestrated, bucket: str, standin: StandIn
) -> None:
    # Four requests: New York's minutes, three instruments' days. One of the day's three is taken, the minutes' turn
    # is lost, and one is left.
    live = waiting_at_the_wall(make_platform, dagster, bucket, standin.base_url, "yahoo=1/minute+3/day")
    fetched = fetch_bars(live.platform, "yahoo", date(2022, 5, 18), date(2022, 5, 19))
    assert (fetched.requests, fetched.failures, fetched.not_asked) == (1, (), 2)
    assert "1 instrument-sessions up to the one of 2022-05-18 13:30 UTC" in fetched.beyond_wall[0]
    assert live.rows("SELECT interval, http_status FROM ops.fetches") == [("1d", 200)]


def test_when_all_has_passed_the_wall_nothing_has_failed(live: Orchestrated, standin: StandIn) -> None:
    opened = datetime(2022, 5, 16, 13, 30, tzinfo=UTC)  # 29 days and 7:30 hours ago
    closed = opened + timedelta(hours=6, minutes=30)
    provider = YahooProvider(live.platform.settings.home / "yahoo", standin.base_url, 5)
    request = bars_request("MSFT.XNAS", "MSFT", "1m", opened, closed)
    fetched = ask_all(live.platform, provider, [Ask(request, opened, closed)])
    assert (fetched.requests, fetched.failures, fetched.not_asked, len(fetched.beyond_wall)) == (0, (), 0, 1)
    assert (live.count("ops.fetches"), standin.count()) == (0, 0)


def test_a_refusal_by_yahoo_fails_the_step_at_once(live: Orchestrated, standin: StandIn) -> None:
    standin.now = TUESDAY_EVENING + 60 * DAY  # its wall is not where we think
    for symbol in SYMBOLS:
        del standin.yahoo_bars[symbol, "1d"]
    result = live.materialize([yahoo_bars], partition_key=str(TUESDAY))
    assert not result.success
    assert "STEP_UP_FOR_RETRY" not in [event.event_type_value for event in result.all_events]
    statuses = live.rows("SELECT http_status, count(*) FROM ops.fetches GROUP BY 1 ORDER BY 1")
    assert statuses == [(404, 3), (422, 3)]
    assert failure_of(result).metadata["next_step"].value


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, b"\x00 gone"),
        Answer(200, b'{"chart": {"error": {"code": "Not Found", "description": "\\ud800 gone"}}}'),
    ],
)
def test_a_refusal_in_words_that_cannot_be_stored_fails_its_request_alone(
    live: Orchestrated, standin: StandIn, answer: Answer
) -> None:
    standin.script = [answer]
    told = fetch(live)
    assert (told["requests"], told["requests_failed"]) == (6, 1)
    (booked,) = live.rows("SELECT error FROM ops.fetches WHERE error IS NOT NULL")
    assert "? gone" in booked[0]


def test_without_a_network_the_step_fails_at_once_and_says_so(
    make_platform: MakePlatform, dagster: Orchestrated, bucket: str
) -> None:
    live = asking(make_platform, dagster, bucket, "http://127.0.0.1:1")
    result = live.materialize([yahoo_bars], partition_key=str(TUESDAY))
    told = failure_of(result)
    assert "can't be reached" in str(told.description)
    assert "network" in str(told.metadata["next_step"].value)
    assert "STEP_UP_FOR_RETRY" not in [event.event_type_value for event in result.all_events]
    assert live.rows("SELECT http_status FROM ops.fetches") == [(None,)]


def test_a_day_without_data_is_kept_as_an_answer_without_rows(live: Orchestrated, standin: StandIn) -> None:
    standin.yahoo_bars["MSFT", "1m"] = Bars("America/New_York", "USD", [])
    standin.yahoo_bars["MSFT", "1d"] = Bars("America/New_York", "USD", [])
    assert fetch(live)["failures"] == []
    booked = live.rows("SELECT rows_answered, http_status FROM ops.fetches WHERE subject = 'MSFT.XNAS'")
    assert booked == [(0, 200), (0, 200)]
    assert live.rows("SELECT 1 FROM market.bars WHERE instrument_id = 'MSFT.XNAS'") == []


def test_a_bar_in_progress_is_refused_and_the_whole_one_takes_its_place(
    live: Orchestrated, standin: StandIn
) -> None:
    halfway = datetime(2022, 6, 14, 15, 0, 30, tzinfo=UTC)
    opening = datetime(2022, 6, 14, 13, 30, tzinfo=UTC)
    set_time(live, standin, halfway)
    provider = YahooProvider(live.platform.settings.home / "yahoo", standin.base_url, 5)
    request = bars_request("MSFT.XNAS", "MSFT", "1m", opening, halfway + timedelta(minutes=1))
    ask_all(live.platform, provider, [Ask(request, opening, halfway)])
    run_due(live.platform)
    refused = live.rows("SELECT rule, subject, scope_date::text, row ->> 'volume' FROM ops.quarantine")
    assert refused == [("bar_in_progress", "MSFT.XNAS", "2022-06-14", "0.0")]
    assert live.count("market.bars") == 90  # 13:30 to 14:59
    set_time(live, standin, TUESDAY_EVENING)
    fetch(live)
    (whole,) = live.rows(
        "SELECT volume::bigint FROM market.bars WHERE event_time = '2022-06-14 15:00+00' "
        "AND instrument_id = 'MSFT.XNAS'"
    )
    stamp = int(datetime(2022, 6, 14, 15, tzinfo=UTC).timestamp())
    assert whole == (next(row[5] for row in sample_bars("MSFT", "1m").rows if row[0] == stamp),)
    assert live.count("history.bars") == 0  # what was in progress was never a fact
    assert live.count("ops.quarantine") == 1


def test_an_answer_that_is_cut_off_is_asked_for_again(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_waiting(monkeypatch)
    standin.script = [Answer(200, b'{"chart": {"result": [', kept_bytes=10)]
    told = fetch(live)
    assert told["requests_failed"] == 1
    assert "no whole answer" in told["failures"][0]
    assert live.count("ops.payloads") == 5 + len(
        live.rows("SELECT 1 FROM ops.payloads WHERE source = 'findata'")
    )


def test_a_body_that_is_no_chart_is_kept_and_quarantined_as_a_whole(
    live: Orchestrated, standin: StandIn
) -> None:
    standin.script = [Answer(200, b'{"chart": {"result": [', {"Content-Type": "application/json"})]
    assert fetch(live)["requests_failed"] == 0
    (refused,) = live.rows("SELECT rule, row_number, payload_id IS NOT NULL AS is_known FROM ops.quarantine")
    assert refused == ("malformed_payload", -1, True)


def test_an_event_whose_text_has_no_utf_8_costs_its_row_and_nothing_else(
    live: Orchestrated, standin: StandIn
) -> None:
    bars = sample_bars("MSFT", "1m")
    rows = [
        row for row in bars.rows if 1655213400 <= row[0] < 1655213400 + 390 * 60
    ]  # Tuesday, 09:30 to 16:00
    answer = json.loads(chart_body("MSFT", "1m", bars.zone, bars.currency, rows))
    dividend = {"date": 1655213400, "amount": 0.5, "currency": "\ud800"}
    answer["chart"]["result"][0]["events"] = {"dividends": {"1655213400": dividend}}
    standin.yahoo_bodies["MSFT", "1m"] = json.dumps(answer).encode()

    assert fetch(live)["requests_failed"] == 0

    refused = live.rows("SELECT table_name, rule FROM ops.quarantine")
    assert refused == [("reference.dividends", "nul_character")]
    counts = live.rows(
        "SELECT instrument_id, count(*) FROM market.bars WHERE session_date = '2022-06-14' "
        "AND session_phase = 'regular' GROUP BY 1"
    )
    assert dict(counts) == MINUTES


def test_an_unknown_source_is_refused_with_those_there_are(live: Orchestrated) -> None:
    with pytest.raises(Exception, match="Use one of alphavantage, yahoo"):
        fetch_bars(live.platform, "bloomberg", TUESDAY, TUESDAY + DAY)


def test_no_cookie_and_no_crumb_is_stored_anywhere(live: Orchestrated, standin: StandIn) -> None:
    standin.script = [
        Answer(401, b"{}", {"Set-Cookie": "A3=secret; Path=/", "Content-Type": "application/json"})
    ]
    fetch(live)
    assert standin.count("/v1/test/getcrumb") > 0
    objects = Objects(resolve_endpoints(live.platform.settings))
    bodies = [objects.get(key) for key in objects.keys("raw/")]
    assert len(bodies) > 12
    for secret in ("c.ruMb", "A3=secret", "secret"):
        assert not [body for body in bodies if secret.encode() in body]
        for name in ("payloads", "fetches", "quarantine"):
            query = sql.SQL("SELECT 1 AS one FROM {} AS t WHERE to_jsonb(t)::text LIKE {}").format(
                sql.Identifier("ops", name), sql.Literal(f"%{secret}%")
            )
            assert live.platform.store.database.frame(query).is_empty()
