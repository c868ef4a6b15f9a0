"""The break ledger in the database: it follows what payloads say, in whatever order, and outlives a kill."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from alembic import command

from findata_assets.steps import breaks as breaks_step
from findata_assets.steps.breaks import open_breaks, refresh_breaks, summarize, uncompared
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.platform import Platform, platform_at
from findata_assets.steps.sources import refresh_reference
from findata_core.quality.breaks import find_breaks
from findata_core.schema.tables import table
from findata_resources.environment import resolve_endpoints
from findata_resources.migrations.migrate import alembic_config, locked, migrate
from findata_resources.migrations.views import drop_views
from findata_resources.stores import due
from tests.orchestration import SetClock
from tests.quality.made_totals import with_running_totals
from tests.steps.folders import Bar, at, flat, minutes_from, take_in, write_folder

BREAKS = table("ops.breaks")
DAY = date(2022, 5, 19)
OPEN = "2022-05-19 13:30"
WHOLE = minutes_from(at(OPEN), [flat(10)] * 390)  # 39,000 shares
RECEIVED = [at(f"2022-06-0{day} 12:00") for day in range(1, 8)]
WRONG, RIGHT = flat(11, 50_000), flat(10, 50_000)


@pytest.fixture
def ready(platform: Platform) -> Platform:
    refresh_reference(platform)
    return platform


def stored(platform: Platform, *columns: str) -> list[tuple[Any, ...]]:
    rows = platform.store.read(BREAKS)
    return rows.select(columns).rows() if columns else rows.drop("instrument_id").rows()


def day_of(bar: Bar, day: str = "2022-05-19") -> dict[str, Bar]:
    return {day: bar}


def said(
    folder: Path, number: int, bars: dict[str, Bar], symbol: str = "MSFT", interval: str = "1m", **more: str
) -> Path:
    """A payload that was received on the given day of June."""
    received = RECEIVED[number].isoformat().replace("+00:00", "Z")
    return write_folder(
        folder / symbol / f"{interval}-{number}", received, bars, symbol, interval=interval, **more
    )


def test_a_break_opens_and_is_closed_by_the_payload_that_heals_it(ready: Platform, tmp_path: Path) -> None:
    take_in(ready, said(tmp_path, 0, WHOLE))
    take_in(ready, said(tmp_path, 1, day_of(WRONG), interval="1d"))
    run_due(ready)
    # By hand: 10 against 11, allowed are 0.3 % of it and a cent (open, close), 0.06 % and a cent (high, low).
    columns = ("field", "left_value", "right_value", "state", "first_seen_time")
    assert stored(ready, *columns) == [
        (field, 10.0, 11.0, "open", RECEIVED[1]) for field in ("close", "high", "low", "open")
    ]
    assert open_breaks(ready).height == 4

    take_in(ready, said(tmp_path, 2, day_of(RIGHT), interval="1d"))
    run_due(ready)
    assert (
        stored(ready, "state", "last_seen_time", "closed_time", "times_opened")
        == [("closed", RECEIVED[1], RECEIVED[2], 1)] * 4
    )
    assert open_breaks(ready).is_empty()
    assert due.due_scopes(ready.store.database, BREAKS.address).is_empty()


def test_a_payload_that_says_the_same_is_seen_though_no_bar_changes(ready: Platform, tmp_path: Path) -> None:
    take_in(ready, said(tmp_path, 0, WHOLE))
    take_in(ready, said(tmp_path, 1, day_of(WRONG), interval="1d"))
    run_due(ready)
    take_in(ready, said(tmp_path, 2, day_of(WRONG), interval="1d"))
    run_due(ready)
    assert set(stored(ready, "state", "first_seen_time", "last_seen_time", "times_opened")) == {
        ("open", RECEIVED[1], RECEIVED[2], 1)
    }


def test_running_again_changes_nothing(ready: Platform, tmp_path: Path) -> None:
    take_in(ready, said(tmp_path, 0, WHOLE))
    take_in(ready, said(tmp_path, 1, day_of(WRONG), interval="1d"))
    run_due(ready)
    before = stored(ready)
    with ready.store.database.transaction() as cursor:
        due.mark(cursor, BREAKS.address, [("MSFT.XNAS", DAY)])

    report = refresh_breaks(ready)

    assert (report.rows_written, report.rows_unchanged) == (0, 4)
    assert stored(ready) == before


def test_payloads_loaded_in_any_order_give_the_same_ledger(ready: Platform, tmp_path: Path) -> None:
    """Minutes, a wrong day, a right one, a wrong one again: each loaded and run by itself, in every order."""
    orders = list(itertools.permutations(range(4)))
    for number, order in enumerate(orders):
        symbol = f"S{number}"
        folders = [
            said(tmp_path, 0, WHOLE, symbol),
            *(
                said(tmp_path, n, day_of(bar), symbol, "1d")
                for n, bar in ((1, WRONG), (2, RIGHT), (3, WRONG))
            ),
        ]
        for chosen in order[:3]:
            take_in(ready, folders[chosen])
        if number % 2:
            run_due(ready)
        take_in(ready, folders[order[3]])
    run_due(ready)

    rows = ready.store.read(BREAKS)
    books = [
        part.drop("instrument_id").rows() for _, part in rows.group_by("instrument_id", maintain_order=True)
    ]
    assert len(books) == len(orders)
    assert all(book == books[0] for book in books)
    assert rows.filter(field="close").select("state", "times_opened", "opened_time").unique().rows() == [
        ("open", 2, RECEIVED[3])
    ]


def sick(volumes: Sequence[int]) -> list[int]:
    """Every tenth minute empty, the one after it a giant."""
    return [0 if n % 10 == 3 else 40 * v if n % 10 == 4 else v for n, v in enumerate(volumes)]


def traded(day: str, volumes: Sequence[int]) -> dict[str, Bar]:
    return minutes_from(at(f"{day} 13:30"), [flat(10, volume) for volume in volumes])


def volumes_of(day: str) -> list[int]:
    chance = random.Random(day)
    return [int(1000 * chance.lognormvariate(0, 0.6)) for _ in range(390)]


DAYS = ["2022-05-16", "2022-05-17", "2022-05-18", "2022-05-19", "2022-05-20", "2022-05-23", "2022-05-24"]


def test_sick_volume_is_named_when_other_sessions_tell_explains_the_day_and_is_healed(
    ready: Platform, tmp_path: Path
) -> None:
    total = sum(volumes_of("2022-05-19"))
    take_in(ready, said(tmp_path, 0, traded("2022-05-19", sick(volumes_of("2022-05-19")))))
    take_in(ready, said(tmp_path, 1, day_of(flat(10, 1.2 * total // 1)), interval="1d"))
    run_due(ready)
    assert stored(ready, "kind", "field", "state") == [("minutes_daily", "volume", "open")]

    for number, day in enumerate(day for day in DAYS if day != "2022-05-19"):
        take_in(
            ready,
            write_folder(tmp_path / day, f"2022-06-03T{number + 10}:00:00Z", traded(day, volumes_of(day))),
        )
        run_due(ready)
    told = {
        (row[0], row[1]): row[2:] for row in stored(ready, "kind", "session_date", "state", "explanation")
    }
    assert told["minutes_daily", DAY] == ("explained", "sick volume")
    assert told["sick_volume", DAY][0] == "explained"
    assert "10.0 % of the minutes have volume 0" in told["sick_volume", DAY][1]
    assert len(told) == 2

    take_in(ready, said(tmp_path, 5, traded("2022-05-19", volumes_of("2022-05-19"))))
    run_due(ready)
    assert stored(ready, "kind", "state", "closed_time") == [
        ("minutes_daily", "closed", RECEIVED[5]),
        ("sick_volume", "closed", RECEIVED[5]),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_sessions_loaded_in_any_order_give_the_same_verdicts(
    ready: Platform, tmp_path: Path, seed: int
) -> None:
    order = random.Random(seed).sample(DAYS, len(DAYS))
    for day in order:
        volumes = sick(volumes_of(day)) if day in DAYS[2:4] else volumes_of(day)
        take_in(ready, write_folder(tmp_path / day, "2022-06-01T12:00:00Z", traded(day, volumes)))
        run_due(ready)
    assert stored(ready, "kind", "session_date", "state") == [
        ("sick_volume", date(2022, 5, 18), "explained"),
        ("sick_volume", date(2022, 5, 19), "explained"),
    ]


def running_totals_of(day: str) -> list[int]:
    return with_running_totals(volumes_of(day), 4, random.Random(day))


def test_running_totals_are_named_as_soon_as_they_are_there_and_healed(
    ready: Platform, tmp_path: Path
) -> None:
    """Of one session alone what is usual is what else it says: the giants' part is taken off."""
    volumes = running_totals_of("2022-05-19")
    giants = sum(volume for volume, following in itertools.pairwise(volumes) if following == 0)
    take_in(ready, said(tmp_path, 0, traded("2022-05-19", volumes)))
    run_due(ready)
    assert stored(ready, "kind", "state", "left_value", "right_value") == [
        ("sick_volume", "explained", sum(volumes), sum(volumes) - giants)
    ]

    take_in(ready, said(tmp_path, 1, traded("2022-05-19", volumes_of("2022-05-19"))))
    run_due(ready)
    assert stored(ready, "kind", "state", "closed_time") == [("sick_volume", "closed", RECEIVED[1])]


def test_sessions_of_before_running_totals_were_looked_for_are_judged_again(
    ready: Platform, tmp_path: Path
) -> None:
    """A database of the revision before holds profiles without the figures, and a ledger that knows of nothing."""
    take_in(ready, said(tmp_path, 0, traded("2022-05-19", running_totals_of("2022-05-19"))))
    run_due(ready)
    before = stored(ready)
    profiles = ready.store.read(table("ops.volume_profiles"))
    url = resolve_endpoints(ready.settings).database_url
    with locked(url) as connection:
        drop_views(connection)
        command.downgrade(alembic_config(connection), "0013")
        connection.exec_driver_sql("DELETE FROM ops.breaks")
        connection.commit()

    migrate(url)

    nulls = ready.store.read(table("ops.volume_profiles")).select(pl.col("^before_zero_.*$").null_count())
    assert nulls.row(0) == (1, 1, 1)
    assert due.due_scopes(ready.store.database, BREAKS.address).height == 1
    run_due(ready)
    assert stored(ready) == before
    assert ready.store.read(table("ops.volume_profiles")).equals(profiles)


def test_a_kill_before_the_end_writes_nothing_and_leaves_it_due(
    ready: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(ready, said(tmp_path, 0, WHOLE))
    take_in(ready, said(tmp_path, 1, day_of(WRONG), interval="1d"))
    for address in ("market.bars", "market.bars_1d"):
        fold_facts(ready, address)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(due, "clear", killed)
        with pytest.raises(KeyboardInterrupt):
            refresh_breaks(ready)
    assert stored(ready) == []
    assert ready.store.read(table("ops.volume_profiles")).is_empty()
    refresh_breaks(ready)
    assert len(stored(ready)) == 4
    assert ready.store.read(table("ops.volume_profiles")).height == 1


def test_what_changes_while_it_is_compared_stays_due(
    ready: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(ready, said(tmp_path, 0, WHOLE))
    take_in(ready, said(tmp_path, 1, day_of(WRONG), interval="1d"))
    for address in ("market.bars", "market.bars_1d"):
        fold_facts(ready, address)
    healed = said(tmp_path, 2, day_of(RIGHT), interval="1d")
    other = platform_at(ready.settings, resolve_endpoints(ready.settings))
    find = find_breaks

    def overtaken(*arguments: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
        found = find(*arguments)
        take_in(other, healed)
        fold_facts(other, "market.bars_1d")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(breaks_step, "find_breaks", overtaken)
        refresh_breaks(ready)
    other.close()
    assert {state for (state,) in stored(ready, "state")} == {"open"}
    refresh_breaks(ready)
    assert {state for (state,) in stored(ready, "state")} == {"closed"}


def test_the_summary_counts_by_kind_and_state_and_tells_the_age_of_the_oldest(
    ready: Platform, tmp_path: Path
) -> None:
    take_in(ready, said(tmp_path, 0, WHOLE))
    take_in(ready, said(tmp_path, 1, day_of(WRONG), interval="1d"))
    run_due(ready)
    ready.clock = SetClock(at("2022-06-12 00:00"))
    assert summarize(ready) == {"minutes_daily_open": 4, "oldest_open_days": 9.5}


def test_two_sources_of_different_bases_are_named_and_not_compared(ready: Platform, tmp_path: Path) -> None:
    take_in(ready, said(tmp_path, 0, day_of(RIGHT), interval="1d"))
    folder = said(tmp_path, 1, day_of(flat(20, 25_000)), interval="1d", source="other")
    manifest = folder / "recorded.toml"
    manifest.write_text(manifest.read_text().replace('adjustment = "raw"', 'adjustment = "split"'))
    take_in(ready, folder)
    run_due(ready)
    assert stored(ready) == []
    reason = "other has split, recorded has raw: different bases are not compared"
    assert uncompared(ready).rows() == [("MSFT.XNAS", DAY, "1d", reason)]


def test_two_sources_of_one_basis_are_compared(ready: Platform, tmp_path: Path) -> None:
    take_in(ready, said(tmp_path, 0, day_of(RIGHT), interval="1d"))
    take_in(ready, said(tmp_path, 1, day_of(flat(10, 65_000)), interval="1d", source="other"))
    run_due(ready)
    assert stored(ready, "kind", "field", "left_source", "right_source", "left_value", "right_value") == [
        ("providers", "volume", "other", "recorded", 65_000.0, 50_000.0)
    ]
