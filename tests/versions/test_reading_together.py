"""A fold that commits while versions are read changes nothing of what was known, and no row is read twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.known import KnownAt
from findata_assets.steps.platform import Platform, platform_at
from findata_assets.steps.quality import _revisions
from findata_assets.steps.sources import refresh_reference
from findata_core.schema.tables import table
from findata_resources.environment import resolve_endpoints
from tests.conftest import MakePlatform
from tests.steps.folders import flat, load, minutes_from, take_in, write_folder, write_rates

OPEN = datetime(2022, 5, 19, 13, 30, tzinfo=UTC)  # XNAS opens at 09:30 in New York; a Thursday
RECEIVED = datetime(2022, 6, 1, 12, tzinfo=UTC)
KNOWN = RECEIVED + timedelta(days=1)
DAY = timedelta(days=1)
FIXINGS = {"2022-05-19": 0.79, "2022-05-20": 0.78}


@pytest.fixture(scope="module")
def told(make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Five minutes of two sessions of MSFT in each of two weeks, and two fixings; all received at RECEIVED."""
    return _filled(make_module_platform(), tmp_path_factory.mktemp("told"))


def _filled(platform: Platform, folder: Path) -> Platform:
    refresh_reference(platform)
    take_in(platform, write_folder(folder / "bars", RECEIVED.isoformat(), _minutes(0)))
    load(platform, write_rates(folder / "rates", RECEIVED.isoformat(), FIXINGS), "rates")
    run_due(platform)
    return platform


def _minutes(more: float) -> dict[str, tuple[float | str, ...]]:
    days = (0, 1, 4, 5)  # Thursday, Friday, Monday, Tuesday
    return {
        start: bar
        for number in days
        for start, bar in minutes_from(OPEN + number * DAY, [flat(10 + more + n) for n in range(5)]).items()
    }


class Reviser:
    """Somebody else, on connections of their own, who says everything otherwise: each time a day later."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self._platform = platform_at(platform.settings, resolve_endpoints(platform.settings))
        self._folder = folder
        self._times = 0

    @property
    def latest(self) -> datetime:
        """When it said something last: nothing of it is superseded yet."""
        return KNOWN + self._times * DAY

    def revise(self) -> None:
        """Receive new minutes and fixings, and fold them."""
        self._times += 1
        received = self.latest.isoformat()
        bars = write_folder(self._folder / f"bars{self._times}", received, _minutes(self._times))
        take_in(self._platform, bars)
        more = {day: rate + self._times for day, rate in FIXINGS.items()}
        take_in(self._platform, write_rates(self._folder / f"rates{self._times}", received, more), "rates")
        for address in ("market.bars", "rates.rates"):
            assert fold_facts(self._platform, address).rows_revised > 0

    def close(self) -> None:
        """Close the connections."""
        self._platform.close()


@pytest.fixture(scope="module")
def reviser(told: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviser]:
    """Somebody who revises what `told` holds."""
    made = Reviser(told, tmp_path_factory.mktemp("later"))
    yield made
    made.close()


@contextmanager
def after_statement(
    platform: Platform, number: int, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Do the work when the platform has got the frame of its statement of that number, counted from 0."""
    database, statements = platform.store.database, list[str]()
    read = database.frame

    def frame(query: sql.Composable) -> pl.DataFrame:
        rows = read(query)
        statements.append(query.as_string(None))
        if len(statements) == number + 1:
            work()
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(database, "frame", frame)
        yield statements


def test_a_row_that_is_superseded_while_it_is_read_is_read_once(
    told: Platform, reviser: Reviser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fixings of 19 and 20 May were 0.79 and 0.78 on 2 June, whatever is said of them on the 3rd."""
    with after_statement(told, 0, reviser.revise, monkeypatch):
        rows = KnownAt(told, KNOWN).read("rates.rates")

    assert dict(rows.select("observation_date", "rate_percent").iter_rows()) == {
        date(2022, 5, 19): 0.79,
        date(2022, 5, 20): 0.78,
    }
    assert rows.height == 2


@pytest.mark.parametrize(
    "name",
    [
        *("market.bars", "market.candles", "market.weekly_candles", "signals.weekly_pivots"),
        *("rates.rates", "rates.averages", "rates.calendar_disagreements"),
    ],
)
def test_whenever_a_fold_commits_what_was_known_is_the_same(
    told: Platform, reviser: Reviser, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    never = -1
    with after_statement(told, never, reviser.revise, monkeypatch) as statements:
        KnownAt(told, reviser.latest).read(name)

    for number in range(len(statements)):
        known = KnownAt(told, reviser.latest)
        expected = known.read(name)
        assert expected.height == expected.select(table(name).business_key).n_unique()
        with after_statement(told, number, reviser.revise, monkeypatch):
            assert known.read(name).equals(expected), (name, number)


def test_a_revision_that_is_revised_while_it_is_read_is_not_taken_for_a_withdrawal(
    make_platform: MakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the second payload said is superseded by a third's; it never withdrew the bars."""
    platform = _filled(make_platform(), tmp_path / "first")
    someone = Reviser(platform, tmp_path)
    someone.revise()

    with after_statement(platform, 0, someone.revise, monkeypatch):
        told = _revisions(platform, OPEN.date(), OPEN.date() + DAY)

    someone.close()
    assert told.get_column("payload_id").null_count() == 0
    # Up by one each time: from 10 to 11, and where the third is read already from 11 to 12.
    first = told.filter(pl.col("superseded_time") == KNOWN + DAY)
    assert first.select("bars", "old_value", "new_value").rows() == [(5, 10.0, 11.0)]
