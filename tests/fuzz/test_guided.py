"""A short search that coverage guides; `make chaos` makes a long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from findata_resources.environment import PROJECT

RUNS = 3_000


def test_a_search_guided_by_coverage_finds_no_crash(tmp_path: Path) -> None:
    asked = [str(tmp_path / "corpus"), f"-runs={RUNS}", "-seed=20221212", "-max_len=2000", "-timeout=20"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", *asked, f"-artifact_prefix={tmp_path}/"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "NEW" in done.stderr, "nothing new was reached: the providers are not instrumented"
