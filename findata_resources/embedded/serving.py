"""The server of the API and its page as one of the embedded servers.

What belongs here: what is special about this process. What does not: what it answers (findata_serving).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from findata_resources.embedded.state import Progress, StackState
from findata_resources.environment import PROJECT, Settings, child_environment

SERVING = "serving"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (what it means is said, nothing is bound)


@dataclass(frozen=True)
class ServingServer:
    """`findata serve`, with the settings in force."""

    port: int
    address: str
    variables: Mapping[str, str]

    name = SERVING
    port_variable = "FINDATA_SERVING_PORT"
    stop_signal = signal.SIGTERM
    ready_seconds = 60.0
    folder = PROJECT

    def prepare(self, progress: Progress) -> None:
        """It keeps nothing but its logs."""

    def command(self) -> list[str]:
        """The command, in this Python."""
        return [sys.executable, "-m", "findata_cli", "serve"]

    def environment(self) -> dict[str, str]:
        """The caller's environment and the settings in force."""
        return child_environment(self.variables)

    def is_ready(self) -> bool:
        """Whether it lives; it answers readers as soon as the database does."""
        try:
            return httpx.get(f"{self.address}live", trust_env=False, timeout=10.0).is_success
        except httpx.TransportError:
            return False

    def finish(self, state: StackState) -> None:
        """Nothing to create inside."""


def page_address(settings: Settings) -> str:
    """Where a browser of this machine finds the page."""
    host = _EVERYWHERE.get(settings.serving_address, settings.serving_address)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.serving_port}/"
