"""Servers for the benchmarks: a TimescaleDB and an S3 of their own, thrown away afterwards.

What belongs here: starting and ending them. What does not: anything that is measured.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from findata_resources.embedded import stack
from findata_resources.embedded.objects import ObjectServer
from findata_resources.embedded.processes import end, free_ports, marked_processes
from findata_resources.embedded.server import mark_of
from findata_resources.environment import Endpoints, Settings, load_settings

# A developer's own settings name databases that no benchmark may touch; these say where programs are.
KEPT_VARIABLES = {"FINDATA_CACHE", "FINDATA_DEBIAN_MIRROR", "FINDATA_DEBIAN_KEYRING"}


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Yield an empty folder that the database's user may enter; it is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="findata-bench-"))
    home.chmod(0o711)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def temporary_servers(home: Path, **further: Any) -> Iterator[tuple[Settings, Endpoints]]:
    """Yield the settings and endpoints of servers on free ports; Ctrl-C and SIGTERM stop them too."""
    for name in [name for name in os.environ if name.startswith("FINDATA_")]:
        if name not in KEPT_VARIABLES:
            del os.environ[name]
    database_port, s3_port, dagster_port = free_ports(3)
    ports = {"database_port": database_port, "s3_port": s3_port, "dagster_port": dagster_port}
    settings = load_settings(home=home, _env_file=None, **ports, **further)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield settings, stack.up(settings)
    finally:
        # SeaweedFS takes 15 seconds to stop in good order, which nobody needs here.
        objects = marked_processes(mark_of(home, ObjectServer.name))
        end(objects, first_signal=signal.SIGKILL, patience_seconds=10)
        stack.down(settings)
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
