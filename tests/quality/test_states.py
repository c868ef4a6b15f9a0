"""What is known of a session, and when asking for it ends; dates, hours and outcomes are worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.quality.states import GRID_SCHEMA, STATES, Manners, session_states

OPEN = datetime(2025, 11, 18, 14, 30, tzinfo=UTC)
CLOSE = datetime(2025, 11, 18, 21, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MANNERS = Manners(settles_after=DAY, wall=29 * DAY)
KEY = {"instrument_id": "MSFT.XNAS", "source": "yahoo", "interval": "1m", "session_date": date(2025, 11, 18)}
INSTANT = pl.Datetime("us", "UTC")


def judged(
    now: datetime,
    answers: list[datetime] | None = None,
    status: str | None = None,
    read: datetime | None = None,
    failed: bool = False,
    refusals: list[datetime] | None = None,
    held: datetime | None = None,
    unread: datetime | None = None,
    window: tuple[datetime, datetime] = (OPEN, CLOSE + 3 * HOUR),
    manners: Manners = MANNERS,
    doubted: bool = False,
    told: list[int] | None = None,
) -> dict[str, Any]:
    """The one session as it is judged: answers received at these instants, bars counted so, requests that failed."""
    grid = pl.DataFrame([{**KEY, "open_time": OPEN, "close_time": CLOSE}], schema=GRID_SCHEMA)
    counted = pl.DataFrame(
        [{**KEY, "status": status, "present_bars": 1, "expected_bars": 2, "read_time": read}]
        if status
        else [],
        schema={
            **{name: GRID_SCHEMA[name] for name in KEY},
            "status": pl.String(),
            "present_bars": pl.Int32(),
            "expected_bars": pl.Int32(),
            "read_time": INSTANT,
        },
    )
    asked = {"instrument_id": "MSFT.XNAS", "start_time": window[0], "end_time": window[1]}
    made = [*([None] if failed or answers else []), *(refusals or [])]
    windows = pl.DataFrame(
        [{**asked, "received_time": time, "payload_id": n} for n, time in enumerate(answers or [])],
        schema={
            "instrument_id": pl.String(),
            "start_time": INSTANT,
            "end_time": INSTANT,
            "received_time": INSTANT,
            "payload_id": pl.Int64(),
        },
    )
    requests = pl.DataFrame(
        [{**asked, "refused_time": time, "held_time": held, "unread_time": unread} for time in made],
        schema={
            **windows.drop("received_time", "payload_id").schema,
            "refused_time": INSTANT,
            "held_time": INSTANT,
            "unread_time": INSTANT,
        },
    )
    doubts = grid if doubted else None
    spoken = None
    if told is not None:
        schema = {"instrument_id": pl.String, "session_date": pl.Date, "payload_id": pl.Int64}
        rows = [("MSFT.XNAS", KEY["session_date"], number) for number in told]
        spoken = pl.DataFrame(rows, schema=schema, orient="row")
    states = session_states(grid, counted, windows, requests, manners, now, doubts, spoken)
    (row,) = states.iter_rows(named=True)
    return row


def test_a_session_that_nobody_asked_for_is_due_until_the_source_forgets_it() -> None:
    row = judged(CLOSE + HOUR)
    assert (row["state"], row["is_due"], row["expires_time"]) == ("never_asked", True, OPEN + 29 * DAY)
    row = judged(OPEN + 29 * DAY + HOUR)
    assert (row["state"], row["is_due"], row["expires_time"]) == ("unobtainable", False, None)


def test_what_was_forgotten_and_what_was_refused_are_told_apart() -> None:
    forgotten = judged(OPEN + 29 * DAY + HOUR)
    assert (forgotten["state"], forgotten["is_beyond_wall"]) == ("unobtainable", True)
    refused = judged(CLOSE + 2 * DAY, refusals=[CLOSE + HOUR, CLOSE + DAY + HOUR])
    assert (refused["state"], refused["is_beyond_wall"]) == ("unobtainable", False)
    held = judged(OPEN + 40 * DAY, [CLOSE + HOUR, CLOSE + DAY], "complete", CLOSE + HOUR)
    assert (held["state"], held["is_beyond_wall"]) == ("present", False)


def test_what_a_source_lacks_that_nobody_can_ask_can_not_be_had() -> None:
    """Recorded files alone: there is no wall that is days away, there is nobody to ask."""
    nobody = Manners(DAY, timedelta())
    row = judged(CLOSE + HOUR, manners=nobody)
    assert (row["state"], row["is_due"], row["expires_time"]) == ("unobtainable", False, None)
    row = judged(CLOSE + HOUR, status="partial", read=CLOSE, manners=nobody)
    assert (row["state"], row["is_due"]) == ("present", False)


def test_a_request_that_failed_leaves_the_session_awaiting_and_due() -> None:
    row = judged(CLOSE + HOUR, failed=True)
    assert (row["state"], row["is_due"]) == ("awaiting", True)


def test_a_complete_session_is_asked_for_once_more_when_it_has_settled_and_then_never() -> None:
    soon, settled = CLOSE + HOUR, CLOSE + DAY
    row = judged(settled - HOUR, [soon], "complete", soon)
    assert (row["state"], row["is_final"], row["is_due"]) == ("present", False, False)
    assert judged(settled, [soon], "complete", soon)["is_due"]
    row = judged(settled, [soon, settled], "complete", soon)
    assert (row["is_final"], row["is_due"], row["payload_id"]) == (True, False, 1)


def test_a_complete_session_of_a_recorded_file_needs_no_request_when_it_was_read_late_enough() -> None:
    assert judged(CLOSE + 2 * DAY, status="complete", read=CLOSE + DAY)["is_final"]
    assert judged(CLOSE + 2 * DAY, status="complete", read=CLOSE + HOUR)["is_due"]


def test_a_session_without_a_bar_is_asked_for_an_hour_later_then_when_settled_then_a_day_later_then_never() -> (
    None
):
    first = CLOSE + HOUR
    assert not judged(first + HOUR / 2, [first])["is_due"]
    row = judged(first + HOUR, [first])
    assert (row["state"], row["is_due"]) == ("awaiting", True)
    settled = CLOSE + DAY
    assert not judged(settled + HOUR, [first, settled])["is_due"]
    assert judged(settled + DAY, [first, settled])["is_due"]
    row = judged(settled + DAY, [first, settled, settled + DAY])
    assert (row["state"], row["is_final"], row["is_due"], row["payload_id"]) == (
        "proven_empty",
        True,
        False,
        2,
    )


def test_a_session_that_lacks_minutes_is_believed_after_a_second_opinion() -> None:
    settled = CLOSE + DAY
    row = judged(settled + DAY, [settled], "partial", settled)
    assert (row["state"], row["is_final"], row["is_due"]) == ("present", False, True)
    row = judged(settled + DAY, [settled, settled + DAY], "partial", settled)
    assert (row["state"], row["is_final"], row["is_due"]) == ("present", True, False)


def test_a_complete_session_that_is_doubted_is_asked_for_daily_and_believed_after_four_days() -> None:
    settled = CLOSE + DAY
    assert judged(settled + DAY, [settled], "complete", settled, doubted=True)["is_due"]
    for days in (1, 2, 3):
        asked = [settled + day * DAY for day in range(days + 1)]
        row = judged(asked[-1] + 23 * HOUR, asked, "complete", settled, doubted=True)
        assert (row["state"], row["is_final"], row["is_due"]) == ("present", False, False)
        assert judged(asked[-1] + DAY, asked, "complete", settled, doubted=True)["is_due"]
    row = judged(settled + 9 * DAY, [settled, settled + 4 * DAY], "complete", settled, doubted=True)
    assert (row["is_final"], row["is_due"]) == (True, False)
    assert judged(settled + DAY, [settled], "complete", settled)["is_final"]


def test_a_settled_answer_that_has_nothing_of_a_session_confirms_none_of_its_provisional_bars() -> None:
    soon, settled = CLOSE + HOUR, CLOSE + DAY
    row = judged(settled + HOUR, [soon, settled], "complete", soon, told=[0])
    assert (row["state"], row["is_final"], row["is_due"]) == ("present", False, False)
    assert judged(settled + DAY, [soon, settled], "complete", soon, told=[0])["is_due"]
    answers = [soon, settled, settled + DAY]
    assert judged(settled + DAY, answers, "complete", settled + DAY, told=[0, 2])["is_final"]
    assert judged(settled + DAY, answers, "complete", soon, told=[0])[
        "is_final"
    ]  # the source has no more of it


def test_an_answer_for_a_part_of_the_session_or_from_before_its_close_proves_nothing() -> None:
    late = CLOSE + 3 * DAY
    half = judged(late, [CLOSE + DAY, CLOSE + 2 * DAY], window=(OPEN + HOUR, CLOSE))
    early = judged(late, [CLOSE - HOUR])
    for row in (half, early):
        assert (row["state"], row["is_due"], row["payload_id"]) == ("awaiting", True, None)


def test_what_the_source_refuses_twice_a_day_apart_is_unobtainable() -> None:
    first = CLOSE + HOUR
    row = judged(first + HOUR, refusals=[first])
    assert (row["state"], row["is_due"]) == ("awaiting", False)
    assert judged(first + DAY, refusals=[first])["is_due"]
    row = judged(first + DAY, refusals=[first, first + DAY])
    assert (row["state"], row["is_final"], row["is_due"]) == ("unobtainable", False, False)


def test_a_session_whose_answer_is_held_is_not_asked_for_again_on_the_same_day() -> None:
    asked = CLOSE + HOUR
    row = judged(asked + HOUR, failed=True, held=asked)
    assert (row["state"], row["is_due"]) == ("awaiting", False)
    assert judged(asked + DAY, failed=True, held=asked)["is_due"]


def test_an_answer_that_could_not_be_read_is_asked_for_again_an_hour_later() -> None:
    asked = CLOSE + 2 * HOUR
    assert not judged(asked + HOUR / 2, failed=True, unread=asked)["is_due"]
    assert judged(asked + HOUR, failed=True, unread=asked)["is_due"]
    assert judged(asked + HOUR / 2, failed=True)["is_due"]


def test_a_source_without_a_wall_never_forgets() -> None:
    row = judged(CLOSE + 4000 * DAY, manners=Manners(DAY, None))
    assert (row["state"], row["is_due"], row["expires_time"]) == ("never_asked", True, None)


@settings(max_examples=25, deadline=None)
@given(
    hours=st.lists(st.integers(0, 24 * 40), max_size=6),
    status=st.sampled_from([None, "partial", "complete"]),
    delay=st.integers(1, 30),
    doubted=st.booleans(),
)
def test_asking_whatever_is_due_ends(hours: list[int], status: str | None, delay: int, doubted: bool) -> None:
    """Whoever looks every three hours and asks when it is due, whatever was answered before, comes to an end."""
    answers = sorted(CLOSE + timedelta(hours=hour) for hour in hours)
    now, asked = CLOSE + timedelta(minutes=delay), 0
    for _ in range(8 * 8):
        known = [time for time in answers if time <= now]
        row = judged(now, known, status, known[-1] if known and status else None, doubted=doubted)
        assert row["state"] in STATES
        assert not (row["is_due"] and row["is_final"])
        if row["is_due"]:
            answers, asked = sorted([*known, now]), asked + 1
        now += 3 * HOUR
    assert (
        asked <= 8 + 3 + 3 * doubted
    )  # each time while nothing has come and nothing has settled, then three times at most, six if it is doubted
    final = judged(now, [time for time in answers if time <= now], status, max(answers), doubted=doubted)
    assert not final["is_due"]


def test_of_a_window_over_many_sessions_each_is_judged_by_its_own_close() -> None:
    """Three days in one answer, received an hour after the last close: two have settled, one has not."""
    days = [date(2025, 11, 18) + number * DAY for number in range(3)]
    grid = pl.DataFrame(
        [
            {**KEY, "session_date": day, "open_time": OPEN + number * DAY, "close_time": CLOSE + number * DAY}
            for number, day in enumerate(days)
        ],
        schema=GRID_SCHEMA,
    )
    received = CLOSE + 2 * DAY + HOUR
    schema = {
        **{name: GRID_SCHEMA[name] for name in KEY},
        "status": pl.String(),
        "present_bars": pl.Int32(),
        "expected_bars": pl.Int32(),
        "read_time": INSTANT,
    }
    counted = pl.DataFrame(
        [
            {
                **KEY,
                "session_date": day,
                "status": "complete",
                "present_bars": 2,
                "expected_bars": 2,
                "read_time": None,
            }
            for day in days
        ],
        schema=schema,
    )
    asked = {"instrument_id": "MSFT.XNAS", "start_time": OPEN, "end_time": received}
    windows = pl.DataFrame([{**asked, "received_time": received, "payload_id": 7}])
    requests = pl.DataFrame(
        [{**asked, "refused_time": None, "held_time": None, "unread_time": None}],
        schema_overrides={"refused_time": INSTANT, "held_time": INSTANT, "unread_time": INSTANT},
    )
    states = session_states(grid, counted, windows, requests, MANNERS, received)
    assert states.get_column("is_final").to_list() == [True, True, False]
    assert not states.get_column("is_due").any()
