"""SIGKILL at twenty random moments, and at each moment that matters: run again, and all is as if undisturbed."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from findata_assets.steps.platform import platform_at
from findata_assets.steps.proof import verify
from findata_resources.environment import Settings, resolve_endpoints, settings_environment
from tests.conftest import SAMPLE, MakePlatform
from tests.kills.victim import POINTS, POWER_CUT, load

KILLS = 20
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.kills.victim"])
DIGESTS = (
    "SELECT table_name, subject, scope_date, slice, sha256, row_count FROM ops.digests ORDER BY 1, 2, 3, 4"
)
FILES = ("MSFT_1m.csv", "MSFT_1d.csv", "sofr_published.csv")

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Undisturbed:
    """What a run that nobody kills leaves, and how long it takes."""

    digests: Rows
    seconds: float


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample cut to one instrument and two weeks: a complete week with its pivots and the signals after it."""
    made = tmp_path_factory.mktemp("cut")
    for name in FILES:
        head, *lines = (SAMPLE / name).read_text().splitlines()
        column = head.split(",").index("observation_date") if "observation_date" in head else 0
        kept = [line for line in lines if line.split(",")[column] >= "2022-06-06"]
        (made / name).write_text("\n".join([head, *kept]) + "\n")
    (made / "recorded.toml").write_text((SAMPLE / "recorded.toml").read_text())
    return made


@pytest.fixture(scope="module")
def undisturbed(make_module_platform: MakePlatform, folder: Path) -> Undisturbed:
    settings = make_module_platform().settings
    process = started(settings, folder)
    seconds = waited(process)
    assert process.exitcode == 0
    return Undisturbed(rows(settings, DIGESTS), seconds)


def started(settings: Settings, folder: Path, point: str = "") -> BaseProcess:
    process = CONTEXT.Process(target=load, args=(settings_environment(settings), str(folder), point))
    process.start()
    return process


def waited(process: BaseProcess) -> float:
    """Wait for the end and return the seconds that it took."""
    begun = time.monotonic()
    process.join()
    return time.monotonic() - begun


def rows(settings: Settings, query: str) -> Rows:
    url = resolve_endpoints(settings).database_url
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def killed_after(settings: Settings, folder: Path, seconds: float) -> None:
    process = started(settings, folder)
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode in {-signal.SIGKILL, 0}


def half_written(settings: Settings) -> Rows:
    """Return the scopes of bars and candles whose rows are not as many as their digest says."""
    query = """
        SELECT stored.subject, stored.scope_date, stored.row_count, written.row_count FROM (
            SELECT 'market.bars' AS table_name, instrument_id AS subject, session_date AS scope_date,
                   count(*) AS row_count FROM market.bars GROUP BY 1, 2, 3
            UNION ALL
            SELECT 'market.candles', instrument_id, session_date, count(*) FROM market.candles GROUP BY 1, 2, 3
        ) AS stored FULL JOIN (
            SELECT table_name, subject, scope_date, sum(row_count) AS row_count FROM ops.digests
            WHERE table_name IN ('market.bars', 'market.candles') GROUP BY 1, 2, 3
        ) AS written USING (table_name, subject, scope_date)
        WHERE stored.row_count IS DISTINCT FROM written.row_count
    """
    return rows(settings, query)


def assert_repaired(settings: Settings, folder: Path, undisturbed: Undisturbed) -> None:
    """Run again to the end, and compare with what an undisturbed run leaves."""
    again = started(settings, folder)
    again.join()
    assert again.exitcode == 0
    assert rows(settings, DIGESTS) == undisturbed.digests
    assert rows(settings, "SELECT asset, subject, scope_date FROM ops.due") == []
    assert rows(settings, "SELECT table_name, partition FROM ops.lake_dirty") == []


def differences(settings: Settings) -> Rows:
    """Return what verify finds: database, lake and everything made again from raw must be equal."""
    platform = platform_at(settings, resolve_endpoints(settings))
    try:
        return verify(platform, lambda _: None).differences.rows()
    finally:
        platform.close()


def moments() -> Iterator[tuple[int, float]]:
    """Yield twenty moments as parts of an undisturbed run, spread over it, at random in each twentieth."""
    chance = random.Random(20220615)
    return ((number, (number + chance.random()) / KILLS) for number in range(KILLS))


@pytest.mark.parametrize(("number", "part"), list(moments()))
def test_a_load_that_is_killed_anywhere_and_run_again_is_as_if_undisturbed(
    make_platform: MakePlatform, folder: Path, undisturbed: Undisturbed, number: int, part: float
) -> None:
    settings = make_platform().settings
    killed_after(settings, folder, part * undisturbed.seconds)
    assert half_written(settings) == []
    assert_repaired(settings, folder, undisturbed)
    if number == KILLS // 2:
        assert differences(settings) == []


@pytest.mark.parametrize("point", POINTS)
def test_a_load_that_ends_between_two_steps_and_is_run_again_is_as_if_undisturbed(
    make_platform: MakePlatform, folder: Path, undisturbed: Undisturbed, point: str
) -> None:
    settings = make_platform().settings
    process = started(settings, folder, point)
    process.join()
    assert process.exitcode == POWER_CUT
    assert half_written(settings) == []
    if "not published" in point:
        assert rows(settings, "SELECT 1 FROM ops.lake_dirty") != []
    assert_repaired(settings, folder, undisturbed)
    assert differences(settings) == []


def test_a_migration_that_is_killed_is_whole_or_not_there_and_ends_when_run_again(
    make_platform: MakePlatform, database_url: str, bucket: str, folder: Path, undisturbed: Undisturbed
) -> None:
    """From an empty database, killed again and again, each time a little later."""
    own = {"database_url": SecretStr(database_url), "s3_bucket": bucket}
    settings = make_platform().settings.model_copy(update=own)
    chance = random.Random(7)
    for number in range(6):
        killed_after(settings, folder, undisturbed.seconds * (number + chance.random()) / 6)
    assert_repaired(settings, folder, undisturbed)


def test_a_run_killed_again_and_again_still_ends_as_if_undisturbed(
    make_platform: MakePlatform, folder: Path, undisturbed: Undisturbed
) -> None:
    settings = make_platform().settings
    chance = random.Random(11)
    for _ in range(4):
        killed_after(settings, folder, undisturbed.seconds * chance.random())
    assert half_written(settings) == []
    assert_repaired(settings, folder, undisturbed)
