"""What other threads and processes do in tests of quotas: take, and be killed before they ask."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

from findata_assets.steps.patience import patiently
from findata_assets.steps.platform import platform_at
from findata_core.quotas import Limit
from findata_resources.environment import Clock, Settings, resolve_endpoints
from findata_resources.provider import Received, Request
from findata_resources.providers.nyfed import NewYorkFedProvider
from findata_resources.stores.database import Database
from findata_resources.stores.quotas import take

POWER_CUT = 86  # the exit status that says: it ended between taking and asking


def granted_at(database_url: str, limits: Sequence[Limit], instants: Sequence[datetime]) -> list[datetime]:
    """Ask at each instant on a connection of its own; return those at which a request was granted."""
    database = Database(database_url)
    try:
        return [now for now in instants if take(database, "alphavantage", "", limits, now) is None]
    finally:
        database.close()


class Killed(NewYorkFedProvider):
    """A provider whose request ends the process, as by a power cut."""

    def fetch(self, request: Request, clock: Clock) -> Received:
        """End before anything is sent."""
        os._exit(POWER_CUT)


def take_and_die(settings: Settings) -> NoReturn:
    """Take one request of the New York Fed's and be killed before it is made."""
    platform = platform_at(settings, resolve_endpoints(settings))
    provider = Killed()
    patiently(
        platform, provider, lambda: provider.fetch(Request("nyfed", "nyfed", "sofr", "SOFR"), platform.clock)
    )
    raise AssertionError("it should have ended")
