"""What was published when: windows of vintages, true bounds, states on a day; against ALFRED's own definition."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.economic.vintages import (
    EARLIEST,
    LATEST,
    Answered,
    Window,
    next_window,
    revisions,
    settled_until,
    values_as_of,
)
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_core.schema.validation import validate
from findata_resources.providers.fred_answers import observations_request, parse_observations
from tests.fred import History, Line, about, observations_body

KNOWN = datetime(2024, 11, 3, tzinfo=UTC)
TODAY = date(2024, 11, 3)
OBSERVATIONS = table("economic.observations")


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def observed(bodies: list[tuple[bytes, Window]], updated: str | None = None) -> pl.DataFrame:
    """What answers say, as economic.observations holds it."""
    found = [empty(OBSERVATIONS)]
    instant = datetime.fromisoformat(updated) if updated else None
    for body, window in bodies:
        (parsed,) = parse_observations(body, observations_request("GDP", window, instant).to_dict())
        found.append(
            conform(
                parsed.rows.with_columns(
                    pl.lit(KNOWN).dt.cast_time_unit("us").alias("ingest_time"),
                    pl.lit(1, pl.Int64).alias("payload_id"),
                ),
                OBSERVATIONS,
            )
        )
    key = list(OBSERVATIONS.business_key)
    rows = pl.concat(found).sort(key)
    assert rows.select(*key, "state", "value").unique().height == rows.select(key).unique().height, (
        "nothing contradicts itself"
    )
    return rows.unique(key, maintain_order=True)


def asked(
    history: History, most: int, settled: date | None = None, today: date = TODAY
) -> list[tuple[bytes, Window]]:
    """Ask a history for all its vintages, in windows of so many, as the step does."""
    bodies, answers = [], [Answered(EARLIEST, settled, settled + timedelta(days=1))] if settled else []
    while (window := next_window(days(*history.vintages), settled_until(answers), most)) is not None:
        start, end = window.start.isoformat(), window.end.isoformat()
        assert sum(start <= day <= end for day in history.vintages) <= most
        bodies.append((observations_body(history.observations(start, end), start, end), window))
        answers.append(Answered(window.start, window.end, today))
        if window.end == LATEST:
            break
    return bodies


def shown(rows: pl.DataFrame) -> dict[str, str]:
    return {
        str(day): "." if state == "missing" else str(value)
        for day, state, value in rows.select("observation_date", "state", "value").iter_rows()
    }


# Of three quarters: a revision, a value that is withdrawn and returns, one that is marked as missing for a while.
BY_HAND: list[Line] = [
    ("2020-01-01", "2020-04-29", "2020-05-27", "10.0"),
    ("2020-01-01", "2020-05-28", "9999-12-31", "11.0"),
    ("2020-04-01", "2020-07-30", "2020-08-26", "20.0"),
    ("2020-04-01", "2020-09-30", "9999-12-31", "20.0"),
    ("2020-07-01", "2020-10-29", "2020-11-24", "30.0"),
    ("2020-07-01", "2020-11-25", "2020-12-21", "."),
    ("2020-07-01", "2020-12-22", "9999-12-31", "31.0"),
]  # fmt: skip


def by_hand() -> History:
    # On 2020-08-27 a value went and nothing came: it shows among the vintages alone.
    return History(BY_HAND, about("GDP"), further_vintages=["2020-08-27"])


@pytest.mark.parametrize("most", [2, 3, 4, 2000])
def test_each_vintage_is_what_alfred_says_however_narrow_the_windows_are(most: int) -> None:
    history = by_hand()
    rows = observed(asked(history, most))
    for day in ["2020-04-28", *history.vintages, "2020-08-26", "2020-11-24", "2024-01-01"]:
        assert shown(values_as_of(rows, date.fromisoformat(day))) == history.on(day), day


@pytest.mark.parametrize("most", [2, 3, 2000])
def test_revisions_have_the_bounds_of_the_whole_history_not_of_a_window(most: int) -> None:
    made = revisions(observed(asked(by_hand(), most)))
    bounds = [
        (str(day), number, str(start), str(end) if end else None, state, value)
        for day, number, start, end, state, value in made.select(
            "observation_date",
            "revision_number",
            "realtime_start_date",
            "realtime_end_date",
            "state",
            "value",
        ).iter_rows()
    ]
    assert bounds == [
        ("2020-01-01", 0, "2020-04-29", "2020-05-27", "value", 10.0),
        ("2020-01-01", 1, "2020-05-28", None, "value", 11.0),
        ("2020-04-01", 0, "2020-07-30", "2020-08-26", "value", 20.0),
        ("2020-04-01", 1, "2020-08-27", "2020-09-29", "withdrawn", None),
        ("2020-04-01", 2, "2020-09-30", None, "value", 20.0),
        ("2020-07-01", 0, "2020-10-29", "2020-11-24", "value", 30.0),
        ("2020-07-01", 1, "2020-11-25", "2020-12-21", "missing", None),
        ("2020-07-01", 2, "2020-12-22", None, "value", 31.0),
    ]
    assert made.get_column("is_start_exact").all()
    assert made.filter("is_latest").height == 3
    assert made.filter(revision_number=1).get_column("change").to_list() == [1.0, None, None]


def test_a_value_may_be_used_from_its_release_or_from_the_end_of_its_day_in_chicago() -> None:
    history = by_hand()
    made = revisions(observed(asked(history, 2000), updated="2020-12-22 07:51:06-06"))
    available = dict(made.select("realtime_start_date", "available_time").iter_rows())
    assert available[date(2020, 12, 22)] == datetime(2020, 12, 22, 13, 51, 6, tzinfo=UTC)
    assert available[date(2020, 10, 29)] == datetime(2020, 10, 30, 5, tzinfo=UTC)  # summer time
    assert available[date(2020, 11, 25)] == datetime(2020, 11, 26, 6, tzinfo=UTC)


def test_what_is_only_seen_says_that_it_may_be_older() -> None:
    history = by_hand()
    body = observations_body(history.observations("2024-11-03", "2024-11-03"), "2024-11-03", "2024-11-03")
    rows = observed([(body, Window(TODAY, TODAY, continues=False))])
    assert rows.get_column("vintage_kind").unique().to_list() == ["seen"]
    assert not revisions(rows).get_column("is_start_exact").any()
    assert values_as_of(rows, date(2024, 11, 2)).is_empty(), "nobody knows what it was before"


def test_what_was_seen_changes_no_bound_that_is_known_exactly() -> None:
    history = by_hand()
    body = observations_body(history.observations("2021-01-01", "2021-01-01"), "2021-01-01", "2021-01-01")
    seen = (body, Window(date(2021, 1, 1), date(2021, 1, 1), continues=False))
    whole = asked(history, 2000)
    assert revisions(observed([*whole, seen])).equals(revisions(observed(whole)))


def test_an_answer_of_a_vintages_own_day_settles_the_days_before_it() -> None:
    answers = [Answered(EARLIEST, LATEST, date(2024, 10, 30))]
    assert settled_until(answers) == date(2024, 10, 29)
    window = next_window(days("2024-09-26", "2024-10-30"), date(2024, 10, 29))
    assert window == Window(date(2024, 9, 26), LATEST, continues=True)


def test_a_window_that_does_not_join_the_ones_before_settles_nothing() -> None:
    first = Answered(EARLIEST, date(2000, 1, 1), TODAY)
    lost = Answered(date(2010, 1, 1), LATEST, TODAY)
    assert settled_until([lost]) is None
    assert settled_until([lost, first]) == date(2000, 1, 1)
    assert settled_until([lost, first, Answered(date(1999, 1, 1), date(2010, 1, 1), TODAY)]) == date(
        2024, 11, 2
    )


def test_windows_hold_two_thousand_vintages_at_the_most_and_meet_on_one() -> None:
    vintages = [date(2000, 1, 1) + timedelta(days=place) for place in range(4100)]
    first = next_window(vintages, None)
    assert first == Window(EARLIEST, vintages[1999], continues=False)
    second = next_window(vintages, first.end)
    assert second == Window(vintages[1999], vintages[3998], continues=True)
    assert next_window(vintages, second.end) == Window(vintages[3998], LATEST, continues=True)
    assert next_window(vintages, LATEST) is None


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any series of a few observations: values, missing marks, withdrawals and returns, each on a vintage."""
    vintages = [
        (date(2020, 1, 1) + timedelta(days=place)).isoformat()
        for place in sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=9)))
    ]
    lines: list[Line] = []
    for number in range(draw(st.integers(1, 3))):
        states = draw(
            st.lists(
                st.sampled_from([None, ".", "1.0", "2.0", "3.5"]),
                min_size=len(vintages),
                max_size=len(vintages),
            )
        )
        lines += _lines(f"2019-0{number + 1}-01", vintages, states)
    return History(lines, about("GDP"), further_vintages=vintages)


def _lines(day: str, vintages: list[str], states: list[str | None]) -> list[Line]:
    """Return a line for each run of equal states, as ALFRED shows them; None is no line."""
    found: list[Line] = []
    for place, state in enumerate(states):
        end = (
            (date.fromisoformat(vintages[place + 1]) - timedelta(days=1)).isoformat()
            if place + 1 < len(vintages)
            else "9999-12-31"
        )
        if state is not None and place and states[place - 1] == state:
            found[-1] = (*found[-1][:2], end, state)
        elif state is not None:
            found.append((day, vintages[place], end, state))
    return found


@settings(max_examples=150, deadline=None)
@given(history=histories(), most=st.integers(2, 5), cut=st.integers(0, 60))
def test_any_history_in_any_windows_gives_each_of_its_days(history: History, most: int, cut: int) -> None:
    # Asked in two sittings: on a day in between, and later; what was not there yet the first time comes the second.
    day = date(2020, 1, 1) + timedelta(days=cut)
    until = day.isoformat()
    earlier = History(
        [(d, s, e if e < until else "9999-12-31", v) for d, s, e, v in history.lines if s <= until],
        history.about,
        further_vintages=[v for v in history.vintages if v <= until],
    )
    first = asked(earlier, most, today=day)
    settled = settled_until([Answered(window.start, window.end, day) for _, window in first])
    rows = observed([*first, *asked(history, most, settled)])
    for offset in range(-1, 63):
        moment = date(2020, 1, 1) + timedelta(days=offset)
        assert shown(values_as_of(rows, moment)) == history.on(moment.isoformat())
    made = revisions(rows)
    assert validate(table("economic.revisions"), made).failures.is_empty()
    bounds = (
        made.filter(pl.col("state") != "withdrawn")
        .select("observation_date", "realtime_start_date", "realtime_end_date")
        .sort(pl.all())
    )
    expected = [(d, s, None if e == "9999-12-31" else e) for d, s, e, _ in sorted(history.lines)]
    assert [(str(d), str(s), str(e) if e else None) for d, s, e in bounds.iter_rows()] == expected
