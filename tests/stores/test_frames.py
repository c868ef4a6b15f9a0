"""Ctrl-C while frames are read: each one is seen, none ends the process, and the server is told to stop."""

from __future__ import annotations

import subprocess
import sys
from typing import LiteralString

import psycopg

from tests.stores.interrupted import TIMES

STILL_RUNNING: LiteralString = (
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%'"
)


def test_an_interrupt_at_any_moment_of_a_read_is_seen_and_the_next_read_goes_well(database_url: str) -> None:
    asked = [sys.executable, "-m", "tests.stores.interrupted", database_url]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [f"{{'KeyboardInterrupt': {TIMES}}}", "KeyboardInterrupt 1"]
    with psycopg.connect(database_url) as connection:
        assert connection.execute(STILL_RUNNING).fetchone() == (0,), "the server was told to stop"
