"""Implausible answers of a provider, over real HTTP: held as a whole, decided about, replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from psycopg import sql

from findata_assets.checks.held import check_held
from findata_assets.steps import receiving
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.holding import held_payloads, hex_id, reject, release
from findata_assets.steps.judging import Judged
from findata_assets.steps.known import KnownAt
from findata_assets.steps.live import fetch_bars
from findata_assets.steps.platform import Platform
from findata_assets.steps.proof import rebuild, verify
from findata_assets.steps.receiving import register_all
from findata_assets.steps.requesting import Fetched
from findata_assets.steps.sources import REFERENCE_DATASETS, adopt_receipts, refresh_reference
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import table
from findata_resources.provider import Received
from findata_resources.providers.yahoo_chart import bars_request
from findata_resources.stores import holds
from findata_resources.stores.objects import Objects
from tests.conftest import SAMPLE, MakePlatform
from tests.orchestration import SetClock
from tests.standin import Bars, Row, StandIn, chart_body, sample_bars

MONDAY, TUESDAY = date(2022, 6, 13), date(2022, 6, 14)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
EVENING = datetime(2022, 6, 14, 21, 0, tzinfo=UTC)  # an hour after New York's close on Tuesday
LATER = EVENING + DAY  # what was said on Tuesday has settled, and is asked for once more
AT_NIGHT = LATER + 3 * HOUR
SYMBOLS = {"MSFT": "MSFT.XNAS", "AZN.L": "AZN.XLON", "9988.HK": "9988.XHKG"}
TRUTH = (
    "SELECT table_name, subject, scope_date, slice, sha256, row_count FROM ops.digests ORDER BY 1, 2, 3, 4"
)
VERSIONED = ("market.bars", "market.bars_1d")


@pytest.fixture
def live(standin: StandIn, make_platform: MakePlatform) -> Platform:
    return asking(make_platform, standin)


def asking(
    make_platform: MakePlatform, standin: StandIn, universe: Path = SAMPLE / "universe.csv"
) -> Platform:
    platform = make_platform(
        universe=universe, yahoo_base_url=standin.base_url, request_timeout_seconds=5, operator="ann"
    )
    platform.clock = SetClock(EVENING)
    refresh_reference(platform)
    return platform


def fetch(platform: Platform, standin: StandIn, moment: datetime, day: date = TUESDAY) -> Fetched:
    """Ask for a session at a moment, and run all that it makes due."""
    platform.clock = SetClock(moment)
    standin.now = moment
    fetched = fetch_bars(platform, "yahoo", day, day + DAY)
    run_due(platform)
    return fetched


def change(standin: StandIn, symbol: str, interval: str, by: Any, day: date | None = None) -> None:
    """Answer from now on with changed rows, all or those of a day."""
    bars = standin.yahoo_bars[symbol, interval]
    standin.yahoo_bars[symbol, interval] = replace(
        bars, rows=[by(row) if day is None or day_of(row) == day else row for row in bars.rows]
    )


def day_of(row: Row) -> date:
    return datetime.fromtimestamp(row[0], UTC).date()


def times(factor: float) -> Any:
    return lambda row: (row[0], *(price * factor for price in row[1:5]), row[5])


def moved(hours: int) -> Any:
    return lambda row: (row[0] + hours * 3600, *row[1:])


def rows(platform: Platform, query: str) -> list[tuple[Any, ...]]:
    return platform.store.database.frame(sql.SQL(query)).rows()  # type: ignore[arg-type]


def everything(platform: Platform) -> dict[str, Any]:
    """All that a held payload may not move: rows with their times of knowledge, digests, marks."""
    facts = {name: platform.store.read(table(name)).rows() for name in VERSIONED}
    closed = {f"{name} closed": platform.store.read(table(name).history()).rows() for name in VERSIONED}
    return {
        **facts,
        **closed,
        "truth": rows(platform, TRUTH),
        "due": rows(platform, "SELECT * FROM ops.due ORDER BY 1, 2, 3"),
        "quarantine": rows(platform, "SELECT * FROM ops.quarantine ORDER BY 1, 2, 3"),
    }


def held(platform: Platform) -> list[tuple[str, str, str]]:
    found = held_payloads(platform).select("rule", "subject", "interval")
    return sorted(found.rows())


def ids(platform: Platform) -> list[str]:
    return [hex_id(payload_id) for payload_id in held_payloads(platform).get_column("payload_id")]


def unheld(platform: Platform, make_platform: MakePlatform, until: datetime | None = None) -> Platform:
    """A fresh database that was given what was received, without the decisions."""
    fresh = make_platform(universe=platform.settings.universe, s3_bucket=platform.settings.s3_bucket)
    give(platform, fresh, lambda payload: payload["dataset"] != "decisions", until)
    return fresh


def give(platform: Platform, fresh: Platform, is_given: Any, until: datetime | None = None) -> None:
    payloads = [platform.raw.read_receipt(key) for key in platform.raw.receipts()]
    known = [
        item
        for item in payloads
        if until is None or item["received_time"] <= until.isoformat(timespec="microseconds")
    ]
    decisions = [item for item in known if item["dataset"] == "decisions" and is_given(item)]
    reference = [item for item in payloads if item["dataset"] in REFERENCE_DATASETS]
    register_all(fresh, decisions + reference)
    run_due(fresh)
    others = [item for item in known if item["dataset"] == "bars" and is_given(item)]
    register_all(fresh, others)
    run_due(fresh)


def differences(platform: Platform) -> list[Any]:
    return verify(platform, lambda _: None).differences.rows()


# Each pathology: what is answered later, and by which rule it is held.
PATHOLOGIES: dict[str, tuple[str, Any, str]] = {
    "a split that nobody told of": ("MSFT", times(0.5), "history_rescaled"),
    "pounds instead of pence": ("AZN.L", times(0.01), "powers_of_ten_off"),
    "an hour early": ("MSFT", moved(-1), "shifted_in_time"),
    "eight hours late": ("9988.HK", moved(8), "shifted_in_time"),
}


@pytest.mark.parametrize("name", PATHOLOGIES)
def test_an_implausible_answer_moves_nothing_until_it_is_released_and_then_counts(
    name: str, live: Platform, standin: StandIn, make_platform: MakePlatform
) -> None:
    symbol, by, rule = PATHOLOGIES[name]
    fetch(live, standin, EVENING)
    before = everything(live)
    change(standin, symbol, "1m", by)
    told = fetch(live, standin, LATER)
    assert (told.metadata()["payloads_held"], told.metadata()["payloads_new"]) == (1, 6)
    assert held(live) == [(rule, SYMBOLS[symbol], "1m")]
    assert everything(live) == before

    live.clock = SetClock(AT_NIGHT)
    release(live, ids(live), "looked at it")
    run_due(live)
    assert held(live) == []
    assert rows(live, TRUTH) == rows(unheld(live, make_platform), TRUTH)
    assert rows(live, TRUTH) != before["truth"]
    assert differences(live) == []


def test_new_sessions_on_another_scale_are_held_too(live: Platform, standin: StandIn) -> None:
    set_monday = datetime(2022, 6, 13, 21, 0, tzinfo=UTC)
    fetch(live, standin, set_monday, MONDAY)
    for interval in ("1m", "1d"):
        change(standin, "AZN.L", interval, times(0.01), TUESDAY)
    fetch(live, standin, EVENING)
    assert held(live) == [("powers_of_ten_off", "AZN.XLON", "1d"), ("powers_of_ten_off", "AZN.XLON", "1m")]
    stored = rows(
        live, "SELECT DISTINCT instrument_id FROM market.bars WHERE session_date = '2022-06-14' ORDER BY 1"
    )
    assert stored == [("9988.XHKG",), ("MSFT.XNAS",)]
    (reason,) = held_payloads(live).filter(interval="1d").get_column("reason")
    assert reason.startswith("prices of 2022-06-14 are about 0.01 times those of 2022-06-13: ")


@pytest.mark.parametrize("said", [b"NaN", b"Infinity", b"1e999"])
def test_a_price_that_is_not_finite_is_refused_by_itself_and_the_rest_of_the_answer_is_stored(
    said: bytes, live: Platform, standin: StandIn
) -> None:
    bars = standin.yahoo_bars["MSFT", "1d"]
    both = [row for row in bars.rows if day_of(row) in (MONDAY, TUESDAY)]
    odd = [(*row[:4], float("inf"), row[5]) if day_of(row) == TUESDAY else row for row in both]
    body = chart_body("MSFT", "1d", bars.zone, bars.currency, odd)
    standin.yahoo_bodies["MSFT", "1d"] = body.replace(b"Infinity", said)
    fetched = fetch_bars(live, "yahoo", MONDAY, TUESDAY + DAY)
    run_due(live)
    assert (fetched.metadata()["payloads_held"], fetched.metadata()["payloads_new"]) == (0, 6)
    stored = (
        "SELECT session_date::text, close FROM market.bars_1d WHERE instrument_id = 'MSFT.XNAS' ORDER BY 1"
    )
    ((day, close),) = rows(live, stored)
    assert (day, close) == ("2022-06-13", pytest.approx(both[0][4], rel=1e-6))
    assert rows(live, "SELECT DISTINCT instrument_id FROM market.bars_1d ORDER BY 1") == [
        *[("9988.XHKG",), ("AZN.XLON",), ("MSFT.XNAS",)]
    ]
    assert rows(live, "SELECT rule, table_name, subject, row_number FROM ops.quarantine") == [
        ("not_finite", "market.bars_1d", "MSFT.XNAS", 1)
    ]
    assert differences(live) == []


def test_twenty_days_that_come_again_five_percent_higher_are_held(live: Platform) -> None:
    bars = sample_bars("MSFT", "1d")
    assert len(bars.rows) == 20  # 2022-05-18 to 2022-06-15
    evening = datetime(2022, 6, 15, 21, 0, tzinfo=UTC)
    request = bars_request("MSFT.XNAS", "MSFT", "1d", evening - 40 * DAY, evening)
    for factor, moment in ((1.0, evening), (1.05, evening + DAY)):
        body = chart_body("MSFT", "1d", bars.zone, bars.currency, list(map(times(factor), bars.rows)))
        Judged(live).take_all([Received(request, body, 200, {}, moment)])
        run_due(live)
    assert held(live) == [("history_rescaled", "MSFT.XNAS", "1d")]
    assert rows(
        live, "SELECT count(*) AS days, count(DISTINCT payload_id) AS payloads FROM market.bars_1d"
    ) == [(20, 1)]
    assert rows(live, "SELECT count(*) FROM history.bars_1d") == [(0,)]


def test_what_is_released_is_known_from_its_release_on(
    live: Platform, standin: StandIn, make_platform: MakePlatform
) -> None:
    fetch(live, standin, EVENING)
    change(standin, "MSFT", "1m", times(0.5))
    fetch(live, standin, LATER)
    live.clock = SetClock(AT_NIGHT)
    release(live, ids(live))
    run_due(live)
    first = EVENING - timedelta(hours=1, minutes=1)
    closes = {
        moment: KnownAt(live, moment)
        .read("market.bars")
        .filter(instrument_id="MSFT.XNAS", event_time=first)["close"][0]
        for moment in (EVENING, LATER, AT_NIGHT - timedelta(microseconds=1), AT_NIGHT)
    }
    whole, half = closes[EVENING], closes[AT_NIGHT]
    assert half == pytest.approx(whole / 2, rel=1e-6)
    assert set(closes.values()) == {whole, half}
    assert closes[LATER] == closes[AT_NIGHT - timedelta(microseconds=1)] == whole
    for moment in (LATER, AT_NIGHT):
        fresh = make_platform(universe=live.settings.universe, s3_bucket=live.settings.s3_bucket)
        give(live, fresh, lambda _: True, moment)
        for name in VERSIONED:
            assert KnownAt(live, moment).read(name).equals(fresh.store.read(table(name))), (moment, name)


def test_a_release_takes_back_nothing_that_was_learnt_after_the_payload_had_come(
    live: Platform, standin: StandIn, make_platform: MakePlatform
) -> None:
    fetch(live, standin, EVENING)
    good = standin.yahoo_bars["MSFT", "1m"]
    change(standin, "MSFT", "1m", times(0.5))
    fetch(live, standin, LATER)
    standin.yahoo_bars["MSFT", "1m"] = good
    fetch(live, standin, LATER + DAY)  # what is held is asked for again a day later
    before = everything(live)
    live.clock = SetClock(AT_NIGHT + DAY)
    release(live, ids(live))
    run_due(live)
    assert {**everything(live), "truth": None} == {**before, "truth": None}
    assert rows(live, TRUTH) == before["truth"] == rows(unheld(live, make_platform), TRUTH)
    assert differences(live) == []


def test_a_session_that_was_read_before_it_settled_is_asked_for_again_although_it_was_released_later(
    live: Platform, standin: StandIn
) -> None:
    fetch(live, standin, EVENING, MONDAY)
    change(standin, "MSFT", "1m", times(0.01))
    fetch(live, standin, EVENING)
    settled = EVENING + 2 * DAY
    live.clock = SetClock(settled)
    release(live, ids(live))
    run_due(live)
    assert fetch(live, standin, settled).requests == 6
    assert fetch(live, standin, settled + HOUR).requests == 0


def test_what_is_rejected_stays_out_and_may_be_released_after_all(live: Platform, standin: StandIn) -> None:
    fetch(live, standin, EVENING)
    before = everything(live)
    change(standin, "MSFT", "1m", times(0.5))
    fetch(live, standin, LATER)
    (name,) = ids(live)
    reject(live, [name], "the split is wrong")
    run_due(live)
    assert everything(live) == before
    assert held(live) == []
    assert differences(live) == []
    release(live, [name[:6]])
    run_due(live)
    assert everything(live)["truth"] != before["truth"]
    decided = rows(
        live, "SELECT verdict, operator, reason <> '' AS is_told FROM ops.decisions ORDER BY ingest_time"
    )
    assert decided == [("hold", "findata", True), ("reject", "ann", True), ("release", "ann", False)]


def test_decisions_that_make_no_sense_are_refused_in_words(live: Platform, standin: StandIn) -> None:
    fetch(live, standin, EVENING)
    change(standin, "MSFT", "1m", times(0.5))
    change(standin, "AZN.L", "1m", times(0.01))
    fetch(live, standin, LATER)
    one, other = ids(live)
    release(live, [one])
    reject(live, [other])
    decided = rows(live, "SELECT count(*) FROM ops.decisions")
    refusals: dict[str, Callable[[], Any]] = {
        "released by ann .* released twice": lambda: release(live, [one]),
        "released by ann .* can't be unsaid": lambda: reject(live, [one]),
        "rejected by ann .* rejected twice": lambda: reject(live, [other]),
        "No payload was held that is called 0123456789": lambda: release(live, ["0123456789"]),
        "'yahoo' is no id": lambda: release(live, ["yahoo"]),
        "'12' is no id": lambda: release(live, ["12"]),
    }
    for words, act in refusals.items():
        with pytest.raises(ConfigurationError, match=words):
            act()
    assert rows(live, "SELECT count(*) FROM ops.decisions") == decided


def test_rebuild_from_raw_takes_the_decisions_as_they_were(
    live: Platform, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(live, standin, EVENING)
    change(standin, "MSFT", "1m", times(0.5))
    change(standin, "AZN.L", "1m", times(0.01))
    change(standin, "9988.HK", "1m", moved(1))
    fetch(live, standin, LATER)
    live.clock = SetClock(AT_NIGHT)
    by_subject = dict(held_payloads(live).select("subject", "payload_id").rows())
    release(live, [hex_id(by_subject["MSFT.XNAS"])])
    reject(live, [hex_id(by_subject["AZN.XLON"])])
    run_due(live)
    before = everything(live)
    states = rows(live, "SELECT * FROM ops.holds ORDER BY 1")
    # A rule that would judge otherwise today changes nothing of what was decided.
    monkeypatch.setattr("findata_assets.steps.judging.judge_bars", None)
    with live.store.database.transaction() as cursor:
        cursor.execute("UPDATE market.bars SET close = close + 1 WHERE instrument_id = 'MSFT.XNAS'")
        cursor.execute("DELETE FROM ops.holds")
        cursor.execute("DELETE FROM ops.decisions")
    assert not rebuild(live, lambda _: None).is_equal
    assert everything(live) == before
    assert rows(live, "SELECT * FROM ops.holds ORDER BY 1") == states
    assert differences(live) == []


def test_a_lost_database_is_made_again_with_what_was_held(
    live: Platform, standin: StandIn, make_platform: MakePlatform
) -> None:
    fetch(live, standin, EVENING)
    change(standin, "MSFT", "1m", times(0.5))
    fetch(live, standin, LATER)
    fresh = make_platform(universe=live.settings.universe, s3_bucket=live.settings.s3_bucket)
    adopt_receipts(fresh)
    run_due(fresh)
    assert everything(fresh) == everything(live)
    assert held(fresh) == held(live)


class Killed(BaseException):
    """Stands for a process that ends between two steps."""


@pytest.mark.parametrize("at", ["before the payload", "before the books", "in the books"])
def test_a_run_that_ends_between_the_steps_leaves_nothing_that_could_be_folded(
    at: str, live: Platform, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(live, standin, EVENING)
    before = everything(live)
    change(standin, "MSFT", "1m", times(0.5))
    with monkeypatch.context() as patched:
        end_at(at, live, patched)
        with pytest.raises(Killed):
            fetch(live, standin, LATER)
    adopt_receipts(live)
    run_due(live)
    assert {**everything(live), "truth": None} == {**before, "truth": None}
    assert rows(live, TRUTH) == before["truth"]
    assert differences(live) == []
    fetch(live, standin, LATER)
    assert held(live) == [("history_rescaled", "MSFT.XNAS", "1m")]
    assert rows(live, TRUTH) == before["truth"]


def end_at(at: str, live: Platform, patched: pytest.MonkeyPatch) -> None:
    def ended(*_: object, **__: object) -> None:
        raise Killed

    create = Objects.create

    def creating(self: Objects, key: str, body: bytes) -> None:
        if decided and "/decisions/" not in key:
            raise Killed
        decided.extend([key] if "/decisions/" in key else [])
        create(self, key, body)

    decided: list[str] = []
    if at == "before the payload":
        patched.setattr(Objects, "create", creating)
    elif at == "before the books":
        enter = receiving._enter
        patched.setattr(
            receiving,
            "_enter",
            lambda platform, entries: enter(platform, entries) if entries.decisions.is_empty() else ended(),
        )
    else:
        patched.setattr(holds, "withheld", ended_where_decided(holds.withheld))


def ended_where_decided(withheld: Any) -> Any:
    def ending(cursor: Any, payload_ids: Any) -> Any:
        found = withheld(cursor, payload_ids)
        if found:
            raise Killed
        return found

    return ending


@pytest.fixture
def many(standin: StandIn, make_platform: MakePlatform, tmp_path: Path) -> Platform:
    """A platform that follows nine names of one exchange, all of them MSFT by another name."""
    lines = ["instrument_id,mic,currency,price_units,yahoo,from_date,to_date"]
    for number in range(9):
        lines.append(f"N{number}.XNAS,XNAS,USD,1,N{number},2019-11-26,")
        for interval in ("1m", "1d"):
            standin.yahoo_bars[f"N{number}", interval] = sample_bars("MSFT", interval)
    universe = tmp_path / "universe.csv"
    universe.write_text("\n".join(lines) + "\n")
    return asking(make_platform, standin, universe)


def without(standin: StandIn, names: int, day: date) -> None:
    """Answer for so many names without the bars of a day."""
    for number in range(names):
        for interval in ("1m", "1d"):
            bars = standin.yahoo_bars[f"N{number}", interval]
            kept = [row for row in bars.rows if day_of(row) != day]
            standin.yahoo_bars[f"N{number}", interval] = Bars(bars.zone, bars.currency, kept)


def test_a_third_of_the_universe_that_answers_nothing_is_held_together(
    many: Platform, standin: StandIn
) -> None:
    without(standin, 3, TUESDAY)
    told = fetch(many, standin, EVENING)
    assert (told.requests, told.metadata()["payloads_new"], told.metadata()["payloads_held"]) == (18, 18, 6)
    assert held(many) == sorted(("universe_empty", f"N{n}.XNAS", i) for n in range(3) for i in ("1d", "1m"))
    waiting = held_payloads(many)
    assert waiting.get_column("hold_id").n_unique() == 1
    assert "3 of 9 instruments asked" in waiting.item(0, "reason")
    assert rows(many, "SELECT count(*) FROM ops.fetches WHERE payload_id IS NOT NULL") == [(18,)]
    # One name for all that was held together.
    release(many, [hex_id(waiting.item(0, "hold_id"))], "the exchange was closed")
    assert held(many) == []
    run_due(many)
    assert differences(many) == []


def test_fewer_empty_answers_are_taken_for_what_they_say(many: Platform, standin: StandIn) -> None:
    without(standin, 2, TUESDAY)
    told = fetch(many, standin, EVENING)
    assert (told.requests, told.metadata()["payloads_new"], told.metadata()["payloads_held"]) == (18, 18, 0)


def test_the_check_of_the_raw_answers_warns_while_one_is_held(live: Platform, standin: StandIn) -> None:
    fetch(live, standin, EVENING)
    assert check_held(live, "yahoo").passed
    change(standin, "MSFT", "1m", times(0.5))
    fetch(live, standin, LATER)
    said = check_held(live, "yahoo")
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert said.metadata["payloads_held"].value == 1
    assert check_held(live, "alphavantage").passed
    reject(live, ids(live))
    assert check_held(live, "yahoo").passed


def test_revisions_and_the_whole_sample_are_let_pass(live: Platform, standin: StandIn) -> None:
    days = sorted({day_of(row) for row in sample_bars("MSFT", "1m").rows})
    moment = EVENING
    live.clock, standin.now = SetClock(moment), moment
    fetched = fetch_bars(live, "yahoo", days[0], TUESDAY + DAY)
    run_due(live)
    assert fetched.metadata()["payloads_held"] == 0
    change(standin, "MSFT", "1m", lambda row: (*row[:5], row[5] + 100), TUESDAY)
    change(standin, "9988.HK", "1d", times(1.02), TUESDAY)
    assert fetch(live, standin, LATER).metadata()["payloads_held"] == 0
    assert isinstance(held_payloads(live), pl.DataFrame)
    assert rows(live, "SELECT count(*) FROM ops.holds") == [(0,)]
