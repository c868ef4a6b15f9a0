"""Loading the definitions computes nothing: Dagster forks workers from a process that has loaded them."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import pathlib
import findata_assets.definitions
names = (path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm"))
print(*(name for name in names if name.removeprefix("polars-").isdecimal()))
"""


def test_no_query_is_made_on_import_whose_threads_a_forked_worker_would_wait_for() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
