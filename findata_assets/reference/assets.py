"""Instruments, their symbols and the exchanges' sessions, from the universe file and the calendars."""

import dagster as dg

from findata_assets.contract import attempt, materialize, table_asset
from findata_assets.resource import PlatformResource
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.session_changes import latest_changes, note_session_changes
from findata_assets.steps.sources import load_universe, refresh_sessions


@table_asset("reference.instruments", deps=[])
def instruments(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Receive the universe file if it has changed, and fold it."""
    attempt(lambda: load_universe(platform.steps))
    return materialize("reference.instruments", lambda: fold_facts(platform.steps, "reference.instruments"))


@table_asset("reference.symbols", deps=["reference.instruments"])
def symbols(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the symbols that the universe file gives."""
    return materialize("reference.symbols", lambda: fold_facts(platform.steps, "reference.symbols"))


@table_asset("reference.sessions", deps=["reference.instruments"])
def sessions(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Take a snapshot of each followed exchange's calendar if it has changed, and fold it."""
    return materialize("reference.sessions", lambda: refresh_sessions(platform.steps))


@table_asset("reference.session_changes", deps=["reference.sessions"])
def session_changes(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Write down what the calendars say otherwise than before, and mark what depends on it."""
    return materialize(
        "reference.session_changes",
        lambda: note_session_changes(platform.steps),
        lambda _: latest_changes(platform.steps),
    )
