"""Two processes that write the same sessions at the same time lose nothing and double nothing."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_core.market.candles import fold_session_candles
from findata_core.schema.hashing import content_hash, digests
from findata_core.schema.tables import table
from findata_resources.stores.lake_layout import partition_dates
from tests.steps.folders import Bar, at, flat, minutes_from, write_folder
from tests.stores.bars import BARS, closed, closes
from tests.stores.writing import take_in_and_run

OPENS = ["2022-05-19 13:30", "2022-05-20 13:30", "2022-05-23 13:30"]


def revision(folder: Path, number: int) -> Path:
    """The payload of a day of June: every minute of three sessions says that day, one minute says it is 10."""
    bars: dict[str, Bar] = {}
    for start in OPENS:
        bars |= minutes_from(at(start), [flat(number), flat(10), flat(100 + number)])
    return write_folder(folder / str(number), f"2022-06-0{number}T12:00:00Z", bars)


def test_revisions_that_two_processes_bring_at_once_are_all_there_and_there_once(
    platform: Platform, tmp_path: Path
) -> None:
    refresh_reference(platform)
    folders = [revision(tmp_path, number) for number in range(1, 7)]
    shares = [folders[0::2], folders[1::2]]

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in [pool.submit(take_in_and_run, platform.settings, share) for share in shares]:
            done.result()
    run_due(platform)

    assert closes(platform.store) == {0: (6, 6), 1: (10, 1), 2: (106, 6)}
    chain = [(0, n, n, n + 1) for n in range(1, 6)] + [(2, 100 + n, n, n + 1) for n in range(1, 6)]
    assert closed(platform.store) == sorted(chain * len(OPENS))
    assert platform.store.read(BARS).height == 3 * len(OPENS)
    assert_everything_agrees(platform)


def assert_everything_agrees(platform: Platform) -> None:
    """Digests, candles and lake are of the rows that are there, and nothing is left to do."""
    bars, candles = platform.store.read(BARS), platform.store.read(table("market.candles"))
    columns = ["subject", "scope_date", "slice", "sha256", "row_count"]
    assert (
        platform.store.digests(BARS).select(columns).equals(digests(BARS, bars).select(columns).sort(columns))
    )
    again = fold_session_candles(bars, platform.sessions({"XNAS"}))
    assert content_hash(table("market.candles"), candles) == content_hash(table("market.candles"), again)
    for partition in platform.lake.partitions(BARS):
        published = platform.lake.read(BARS, partition)
        assert published is not None
        assert published.equals(platform.store.read(BARS, *partition_dates(BARS, partition)))
    with platform.store.database.transaction() as cursor:
        assert cursor.execute(b"SELECT count(*) FROM ops.due").fetchone() == (0,)
        assert cursor.execute(b"SELECT count(*) FROM ops.lake_dirty").fetchone() == (0,)
