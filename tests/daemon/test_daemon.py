"""Dagster's real daemon, once: it is started, a file is dropped, and there are candles; then it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.sources import refresh_reference
from findata_resources.environment import PROJECT, child_environment
from tests.conftest import MakePlatform
from tests.inbox.dropping import MANIFEST, Dropper, count, minutes
from tests.orchestration import orchestrated

PATIENCE_SECONDS = 300  # it takes some twenty on a machine that does nothing else
CANDLES = sql.SQL("SELECT count(*) AS n FROM market.candles WHERE source = 'friend' AND interval = '1h'")


@contextmanager
def running_daemon(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield the daemon's process; it and the code server that it started are ended afterwards."""
    program = Path(sysconfig.get_path("scripts")) / "dagster-daemon"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [program, "run", "-m", "tests.daemon.turned_on"],
            cwd=PROJECT,
            env=child_environment({"PYTHONPATH": str(PROJECT)}),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own: the code server and runs that it starts are of it
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(PATIENCE_SECONDS)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)


def test_a_dropped_file_becomes_candles_under_the_real_daemon(
    make_platform: MakePlatform, tmp_path: Path
) -> None:
    platform = make_platform()
    refresh_reference(platform)
    run_due(platform)  # nothing else is to be done
    friend = Dropper(platform)
    friend.drop("recorded.toml", MANIFEST.encode())
    with orchestrated(platform) as orchestration, running_daemon(tmp_path / "daemon.log") as process:
        friend.drop("MSFT tuesday_1m.csv", minutes())
        ends = time.monotonic() + PATIENCE_SECONDS
        while not count(platform, CANDLES) and time.monotonic() < ends and process.poll() is None:
            time.sleep(0.5)
        told = (tmp_path / "daemon.log").read_text(errors="replace")
        assert count(platform, CANDLES) == 7, told[-3000:]
        assert friend.waiting() == {}
        runs = orchestration.instance.get_runs(dg.RunsFilter(job_name="inbox"))
        assert len(runs) == 1
