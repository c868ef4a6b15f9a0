"""The exporter of metrics as one of the embedded servers.

What belongs here: what is special about this process. What does not: what it tells (findata_assets/metrics).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from findata_resources.embedded.state import Progress, StackState
from findata_resources.environment import PROJECT, child_environment

EXPORTER = "metrics"


@dataclass(frozen=True)
class ExporterServer:
    """`findata metrics serve` on a loopback port, with the settings in force."""

    port: int
    variables: Mapping[str, str]

    name = EXPORTER
    port_variable = "FINDATA_METRICS_PORT"
    stop_signal = signal.SIGTERM
    ready_seconds = 60.0
    folder = PROJECT

    def prepare(self, progress: Progress) -> None:
        """It keeps nothing."""

    def command(self) -> list[str]:
        """The command, in this Python."""
        return [sys.executable, "-m", "findata_cli", "metrics", "serve", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        """The caller's environment and the settings in force."""
        return child_environment(self.variables)

    def is_ready(self) -> bool:
        """Whether it answers a scrape."""
        try:
            return httpx.get(metrics_address(self.port), trust_env=False, timeout=10.0).is_success
        except httpx.TransportError:
            return False

    def finish(self, state: StackState) -> None:
        """Nothing to create inside."""


def metrics_address(port: int) -> str:
    """Where Prometheus finds it."""
    return f"http://127.0.0.1:{port}/metrics"
