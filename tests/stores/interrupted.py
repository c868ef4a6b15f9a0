"""A process that reads frames while interrupts arrive, and says what became of each: run by test_frames."""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter

from psycopg import sql

from findata_resources.stores.database import Database

TIMES = 60
MANY_ROWS = sql.SQL("SELECT number, number::text AS text FROM generate_series(1, 2000) AS number")
ENDLESS = sql.SQL("SELECT pg_sleep(600)")


def main(url: str) -> None:
    """Print how many interrupts were seen, and what a read of ten minutes did."""
    database = Database(url)
    database.frame(MANY_ROWS)
    at_random = random.Random(1)
    fates = Counter(fate(database, 0.01 + at_random.random() * 0.02) for _ in range(TIMES))
    sys.stdout.write(f"{dict(fates)}\n")
    sys.stdout.write(f"{fate_of_a_long_read(database)} {database.frame(sql.SQL('SELECT 1 AS one')).item()}\n")
    database.close()


def fate(database: Database, seconds: float) -> str:
    """Return how short reads, one after the other, ended that were interrupted after so many seconds."""
    try:
        interrupt_after(seconds)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            database.frame(MANY_ROWS)
    except BaseException as error:
        return type(error).__name__
    return "lost"


def fate_of_a_long_read(database: Database) -> str:
    """Return how a read ended that the server would have worked at for ten minutes."""
    try:
        interrupt_after(0.5)
        database.frame(ENDLESS)
    except BaseException as error:
        return type(error).__name__
    return "lost"


def interrupt_after(seconds: float) -> None:
    """Let this process be interrupted."""
    threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGINT]).start()


if __name__ == "__main__":
    main(sys.argv[1])
