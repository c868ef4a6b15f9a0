"""The verdict: what each finding weighs, and the line that says it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from findata_core.quality import findings as found
from findata_core.quality.verdicts import Verdict, not_closed, verdict, without_session

DAY = date(2022, 6, 15)
NAMES = ["A.XNAS", "B.XNAS", "C.XNAS", "D.XNAS"]


def expected(*names: str, days: tuple[date, ...] = (DAY,)) -> pl.DataFrame:
    rows = [{"instrument_id": name, "session_date": day} for name in names or NAMES for day in days]
    return pl.DataFrame(rows)


def judged(*weights: tuple[str, str, str], **further: Any) -> Verdict:
    rows = [found.finding(weight, name, DAY, reason, "words", "") for weight, name, reason in weights]
    return verdict(expected(), found.as_frame(rows), **further)


def test_nothing_found_is_yes() -> None:
    told = judged()
    assert (told.answer, told.sound) == ("yes", 4)
    assert told.line == "Yes: all 4 instruments are complete, and nothing speaks against it"


def test_notes_change_nothing() -> None:
    assert judged(("notes", "A.XNAS", "explained_break")).answer == "yes"


def test_an_exception_names_what_and_who() -> None:
    told = judged(("excepts", "B.XNAS", "minutes_missing"), ("blocks", "A.XNAS", "no_bars"))
    assert told.answer == "exceptions"
    assert told.line == (
        "Yes, with exceptions: 1 of 4 instruments without a single bar (A.XNAS); "
        "1 of 4 with missing minutes (B.XNAS)"
    )
    assert (told.sound, told.excepted, told.blocked) == (2, 1, 1)


def test_half_without_bars_is_no() -> None:
    told = judged(
        ("blocks", "A.XNAS", "no_bars"), ("blocks", "B.XNAS", "no_bars"), ("excepts", "C.XNAS", "held")
    )
    assert told.answer == "no"
    assert told.line == "No: 2 of 4 instruments without a single bar (A.XNAS, B.XNAS)"


def test_what_concerns_the_session_as_a_whole_is_an_exception_too() -> None:
    assert judged(("excepts", "", "behind")).line == "Yes, with exceptions: the session with work that is due"


def test_provisional_data_are_said_to_be() -> None:
    told = judged(settles_time=datetime(2022, 6, 16, 14, 0, tzinfo=UTC))
    assert told.line.endswith("nothing speaks against it; provisional until 2022-06-16 14:00 UTC")


def test_of_a_week_an_instrument_is_lost_only_if_all_its_sessions_are() -> None:
    days = (DAY, date(2022, 6, 16))
    one = found.as_frame([found.finding("blocks", name, DAY, "no_bars", "words", "") for name in NAMES])
    assert verdict(expected(days=days), one).line == (
        "Yes, with exceptions: 4 of 4 instruments with sessions without a bar (A.XNAS, B.XNAS, C.XNAS, D.XNAS)"
    )
    both = [found.finding("blocks", name, day, "no_bars", "words", "") for name in NAMES for day in days]
    assert verdict(expected(days=days), found.as_frame(both)).answer == "no"


def test_nobody_expected_is_no() -> None:
    assert verdict(expected().clear(), found.as_frame([])).answer == "no"


def test_weekends_holidays_and_open_sessions_are_told_apart() -> None:
    around = [date(2022, 6, 17), date(2022, 6, 20)]
    saturday = without_session(["XNAS"], date(2022, 6, 18), date(2022, 6, 18), around)
    assert saturday.line == (
        "No session: weekend at XNAS (2022-06-18); the sessions around it are 2022-06-17 and 2022-06-20"
    )
    assert without_session(["XNAS"], date(2022, 6, 20), date(2022, 6, 20), []).line.startswith(
        "No session: holiday"
    )
    told = not_closed([("XNAS", datetime(2022, 6, 15, 20, tzinfo=UTC))])
    assert (told.answer, told.line) == ("not_closed", "Not yet: XNAS closes 2022-06-15 20:00 UTC")


STATE = {
    "instrument_id": "A.XNAS",
    "session_date": DAY,
    "source": "yahoo",
    "interval": "1m",
    "status": "partial",
    "state": "present",
    "is_final": False,
    "is_due": True,
    "present_bars": 380,
    "expected_bars": 390,
    "missing_ranges": "13:30-13:40",
    "expires_time": None,
}


@pytest.mark.parametrize(
    ("changed", "weight", "reason", "cure"),
    [
        ({}, "excepts", "minutes_missing", "findata materialize --source yahoo --sessions 2022-06-15"),
        ({"is_due": False}, "excepts", "minutes_missing", "findata materialize --recorded DIR"),
        ({"is_final": True}, "notes", "confirmed_gap", ""),
        ({"status": "missing", "state": "proven_empty", "present_bars": 0}, "notes", "proven_empty", ""),
        (
            {"status": "missing", "state": "never_asked", "present_bars": 0},
            "blocks",
            "no_bars",
            "findata materialize --source yahoo --sessions 2022-06-15",
        ),
        (
            {"status": "missing", "state": "unobtainable", "present_bars": 0, "is_due": False},
            "blocks",
            "no_bars",
            "findata materialize --recorded DIR",
        ),
    ],
)
def test_each_state_of_a_session_has_its_weight_and_its_cure(
    changed: dict[str, Any], weight: str, reason: str, cure: str
) -> None:
    states = pl.DataFrame([{**STATE, **changed}], schema_overrides={"expires_time": pl.Datetime("us", "UTC")})
    told = found.of_states(expected("A.XNAS"), states, ["yahoo"])
    assert [(item["weight"], item["reason"], item["cure"]) for item in told] == [(weight, reason, cure)]


def test_a_complete_source_makes_up_for_one_that_lacks_minutes() -> None:
    complete = {**STATE, "source": "lean", "status": "complete", "present_bars": 390, "missing_ranges": ""}
    daily = {**STATE, "interval": "1d", "present_bars": 1, "expected_bars": 1, "status": "complete"}
    states = pl.DataFrame(
        [STATE, complete, daily], schema_overrides={"expires_time": pl.Datetime("us", "UTC")}
    )
    assert found.of_states(expected("A.XNAS"), states, ["yahoo"]) == []


def test_an_instrument_that_no_book_knows_is_unusable() -> None:
    none = pl.DataFrame([STATE], schema_overrides={"expires_time": pl.Datetime("us", "UTC")}).clear()
    told = found.of_states(expected("A.XNAS"), none, ["yahoo"])
    assert [(item["weight"], item["reason"]) for item in told] == [("blocks", "no_bars")]
