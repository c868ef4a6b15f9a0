"""What is followed and when it trades; splits and dividends; securities and their names."""

import dagster as dg

from findata_assets.automation import WHEN_INPUTS_ARE_CHECKED
from findata_assets.contract import attempt, materialize, table_asset
from findata_assets.resource import PlatformResource
from findata_assets.steps.derived import derive_securities, derive_security_symbols
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.session_changes import latest_changes, note_session_changes
from findata_assets.steps.sources import load_universe, refresh_sessions

# A chart answer of Yahoo tells the splits and dividends of its window beside the bars.
RAW_ACTIONS = ["raw.recorded.actions", "raw.recorded.inbox", "raw.yahoo.bars"]
RAW_SECURITIES = ["raw.recorded.inbox", "raw.recorded.securities"]


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


@table_asset("reference.splits", deps=RAW_ACTIONS, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def splits(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the payloads that are due into splits."""
    return materialize("reference.splits", lambda: fold_facts(platform.steps, "reference.splits"))


@table_asset("reference.dividends", deps=RAW_ACTIONS, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def dividends(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the payloads that are due into dividends."""
    return materialize("reference.dividends", lambda: fold_facts(platform.steps, "reference.dividends"))


@table_asset("reference.listings", deps=RAW_SECURITIES, automation_condition=WHEN_INPUTS_ARE_CHECKED)
def listings(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Fold the lists that are due into what each source says of names."""
    return materialize("reference.listings", lambda: fold_facts(platform.steps, "reference.listings"))


@table_asset(
    "reference.securities", deps=["reference.listings"], automation_condition=WHEN_INPUTS_ARE_CHECKED
)
def securities(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Tell which names are one security."""
    return materialize("reference.securities", lambda: derive_securities(platform.steps))


@table_asset(
    "reference.security_symbols", deps=["reference.listings"], automation_condition=WHEN_INPUTS_ARE_CHECKED
)
def security_symbols(platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Derive the names of the securities."""
    return materialize("reference.security_symbols", lambda: derive_security_symbols(platform.steps))
