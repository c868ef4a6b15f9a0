"""Snapshots: a payload that says the whole of its subject ends what it leaves out, between its first and last date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from findata_core.calendar_changes import session_changes
from findata_core.schema.tables import table
from findata_core.versions import Versions, as_of, fold_versions

SESSIONS = table("reference.sessions")
FIRST_DAY = date(2026, 3, 2)
# day number -> hour of the close, by the snapshot's hour of receipt
Snapshot = tuple[int, Mapping[int, int]]


def rows(snapshots: list[Snapshot]) -> pl.DataFrame:
    """What snapshots say, in the table's shape."""
    found = [
        {
            "mic": "XNYS",
            "session_date": FIRST_DAY + timedelta(days=day),
            "open_time": datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(days=day),
            "break_start_time": None,
            "break_end_time": None,
            "close_time": datetime(2026, 3, 2, close, tzinfo=UTC) + timedelta(days=day),
            "trading_minutes": (close - 9) * 60,
            "time_zone": "UTC",
            "calendar_version": f"library {hour}",
            "ingest_time": received(hour),
            "payload_id": hour,
        }
        for hour, said in snapshots
        for day, close in said.items()
    ]
    schema = {c.name: dtype for c, dtype in zip(SESSIONS.columns, _dtypes(), strict=True)}
    return pl.DataFrame(found, schema=schema)


def _dtypes() -> list[pl.DataType]:
    from findata_core.schema.frames import polars_schema

    return list(polars_schema(SESSIONS).values())


def received(hour: int) -> datetime:
    """The instant of a snapshot."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)


def replayed(snapshots: list[Snapshot]) -> dict[int, int]:
    """What holds after snapshots, one after the other: each clears its reach and puts its days there."""
    state: dict[int, int] = {}
    for _, said in sorted(snapshots, key=lambda item: item[0]):
        reach = range(min(said), max(said) + 1)
        state = {day: close for day, close in state.items() if day not in reach} | dict(said)
    return state


def values(frame: pl.DataFrame) -> dict[int, int]:
    """Day number -> hour of the close."""
    days = (frame["session_date"] - FIRST_DAY).dt.total_days()
    return dict(zip(days, frame["close_time"].dt.hour(), strict=True))


def known(versions: Versions, hour: int) -> dict[int, int]:
    return values(as_of(versions.current, versions.history, pl.lit(received(hour))))


days = st.dictionaries(st.integers(0, 6), st.sampled_from([13, 16]), min_size=1)
histories = st.lists(days, min_size=1, max_size=5).map(lambda said: list(enumerate(said, start=1)))


@given(histories, st.randoms(use_true_random=False))
def test_at_each_instant_the_snapshots_received_by_then_hold(
    snapshots: list[Snapshot], random: object
) -> None:
    shuffled = sorted(snapshots, key=lambda _: random.random())  # type: ignore[attr-defined]

    versions = fold_versions(SESSIONS, rows(shuffled))

    for hour, _ in snapshots:
        assert known(versions, hour) == replayed([item for item in snapshots if item[0] <= hour])


@given(histories, st.integers(0, 5))
def test_folding_on_top_of_what_stands_gives_what_folding_all_gives(
    snapshots: list[Snapshot], cut: int
) -> None:
    whole = fold_versions(SESSIONS, rows(snapshots))

    first = fold_versions(SESSIONS, rows(snapshots[:cut]))
    second = fold_versions(SESSIONS, rows(snapshots[cut:]), standing=first.current)

    key = ["session_date", "ingest_time"]
    assert second.current.sort(key).equals(whole.current.sort(key))
    assert pl.concat([first.history, second.history]).sort(key).equals(whole.history.sort(key))


@given(histories)
def test_a_change_is_a_day_on_which_two_neighbouring_snapshots_differ_within_the_reach_of_both(
    snapshots: list[Snapshot],
) -> None:
    versions = fold_versions(SESSIONS, rows(snapshots))

    found = session_changes(versions.current, versions.history)

    expected = set()
    for number in range(1, len(snapshots)):
        before = replayed(snapshots[:number])
        reached = {day for _, said in snapshots[:number] for day in said}
        hour, _ = snapshots[number]
        after = replayed(snapshots[: number + 1])
        for day in range(min(reached), max(reached) + 1):
            if before.get(day) != after.get(day):
                kind = "closed" if day not in after else "opened" if day not in before else "moved"
                expected.add((day, hour, kind))
    days_changed = (found["session_date"] - FIRST_DAY).dt.total_days()
    hours = ((found["changed_time"] - received(0)).dt.total_hours()).to_list()
    assert set(zip(days_changed, hours, found["kind"], strict=True)) == expected


def test_a_snapshot_that_starts_later_ends_nothing_before_it() -> None:
    versions = fold_versions(SESSIONS, rows([(1, {0: 16, 1: 16}), (2, {1: 16, 2: 16})]))

    assert values(versions.current) == {0: 16, 1: 16, 2: 16}
    assert versions.history.is_empty()


def test_a_table_whose_payloads_are_no_snapshots_keeps_what_is_left_out() -> None:
    rates = table("rates.rates")

    assert SESSIONS.snapshot_date == "session_date"
    assert rates.snapshot_date == ""


def test_what_changed_names_both_sides() -> None:
    versions = fold_versions(SESSIONS, rows([(1, {0: 16, 1: 16, 2: 16}), (2, {0: 16, 2: 13})]))

    found = session_changes(versions.current, versions.history)

    assert found.select("session_date", "kind", "trading_minutes_before", "trading_minutes").rows() == [
        (date(2026, 3, 3), "closed", 420, None),
        (date(2026, 3, 4), "moved", 420, 240),
    ]
